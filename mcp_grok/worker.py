"""`mcp-grok worker`: runs the calls that servers share."""

import anyio

from mcp_grok.errors import NotConfigured
from mcp_grok.settings import Settings
from mcp_grok.signals import StoppedBySignal

DRAIN = 30.0
"""Seconds for which calls may go on after a signal."""


async def run_worker(settings: Settings, *, drain: float = DRAIN) -> int:
    """Runs calls until a signal comes, then lets those that run end.

    Args:
        settings: The store to take calls from, where to send them, and how many at once.
        drain: Seconds for which calls may go on after the signal. Those that have not ended then, or when a second
            signal comes, are lost.

    Returns:
        The exit status: 128 + the signal's number.

    Raises:
        NotConfigured: there is no store to take calls from, or it cannot be reached.
    """
    try:
        from mcp_grok.completions.distributed import open_runner
    except ImportError:
        raise NotConfigured("A worker needs: pip install mcp-grok-chat[distributed]") from None

    async with open_runner(settings) as (runner, queue), anyio.create_task_group() as tasks:
        told = anyio.Event()
        draining = anyio.CancelScope()

        def stop(number: int) -> None:
            if told.is_set():
                draining.cancel()
            told.set()

        stopped = StoppedBySignal(stop)
        tasks.start_soon(stopped.watch)
        await told.wait()
        queue.retire()
        with draining, anyio.move_on_after(drain):
            await runner.ended()
        tasks.cancel_scope.cancel()
    return stopped.status
