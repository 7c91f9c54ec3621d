"""Serving one client over stdio."""

import os

import anyio

from mcp_grok.calls import Calls
from mcp_grok.open_upstream import open_upstream
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.signals import StoppedBySignal
from mcp_grok.stdio import can_be_watched, stdio_streams

ANSWER_SECONDS = 1.0
"""Seconds after a signal in which the requests that wait get a result: a video goes on without this process."""


async def serve_stdio(settings: Settings) -> int:
    """Serves one client until it closes stdin, or a signal arrives.

    Returns:
        The exit status: 0 on EOF, 128 + the signal's number on a signal.
    """
    watched = can_be_watched()
    opened: Calls | None = None
    async with anyio.create_task_group() as tasks:

        async def end() -> None:
            if opened is not None and stopped.count == 1:
                await opened.finish(ANSWER_SECONDS)
            tasks.cancel_scope.cancel()

        def stop(number: int) -> None:
            if not watched:
                # A thread of the SDK is blocked in readline; only an exit of the process ends it.
                os._exit(128 + number)
            tasks.start_soon(end)

        stopped = StoppedBySignal(stop)
        tasks.start_soon(stopped.watch)
        async with open_upstream(settings) as opened:
            await _run_stdio(settings, opened, watched)
            await opened.end()
        tasks.cancel_scope.cancel()
    return stopped.status


async def _run_stdio(settings: Settings, calls: Calls, watched: bool) -> None:
    server = create_server(settings, calls)
    options = server.create_initialization_options()
    if watched:
        async with stdio_streams() as (reader, writer):
            await server.run(reader, writer, options)
    else:
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (lines, replies):
            await server.run(lines, replies, options)
