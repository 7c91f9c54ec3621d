"""Work on large answers in a thread, so that other tasks run meanwhile."""

from collections.abc import Callable
from typing import TypeVar

import anyio

Made = TypeVar("Made")

LARGE = 256 * 1024
"""Bytes of an answer with which work blocks the event loop for milliseconds."""


async def offload(work: Callable[[], Made], size: int) -> Made:
    """What some work on an answer makes; in a thread if the answer is large.

    No cancellation interrupts it, even before a thread is free: a paid answer would be lost.

    Args:
        work: The work.
        size: Bytes of the answer.
    """
    return work() if size <= LARGE else await in_thread(work)


async def in_thread(work: Callable[[], Made]) -> Made:
    """What some work makes, in a thread; see `offload`."""
    with anyio.CancelScope(shield=True):
        made = await anyio.to_thread.run_sync(work)
    return made  # noqa: RET504 - for a type checker, the scope above may swallow an exception
