"""Work that gives way to other tasks where it takes long."""

from collections.abc import Callable
from typing import TypeVar

import anyio

Made = TypeVar("Made")

LARGE = 256 * 1024
"""Bytes of an answer with which work blocks the event loop for milliseconds."""


async def unhurried(work: Callable[[], Made], size: int) -> Made:
    """What some work on an answer makes; in a thread, which no cancellation interrupts, if the answer is large.

    Args:
        work: The work.
        size: Bytes of the answer.
    """
    if size <= LARGE:
        return work()
    with anyio.CancelScope(shield=True):
        made = await anyio.to_thread.run_sync(work)
    return made  # noqa: RET504 - for a type checker, the scope above may swallow an exception
