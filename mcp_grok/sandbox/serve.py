"""Running the sandbox: as a command, or inside the server's own process."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from mcp_grok.listener import address, app_server, bind, serve_app
from mcp_grok.sandbox.api import CHUNK_SECONDS, sandbox_app

SHUTDOWN_TIMEOUT = 1
"""Seconds that open responses get to end."""


@asynccontextmanager
async def running_sandbox(chunk_seconds: float = CHUNK_SECONDS) -> AsyncIterator[str]:
    """A sandbox on a free loopback port; gives its base URL.

    Args:
        chunk_seconds: Pause between the chunks of a stream.
    """
    _silence_cut_connections()
    listener = bind("127.0.0.1", 0)
    base_url = address(listener)
    server = app_server(sandbox_app(chunk_seconds), shutdown_timeout=SHUTDOWN_TIMEOUT)
    async with anyio.create_task_group() as tasks:

        async def serve() -> None:
            with listener:
                await server.serve(sockets=[listener])

        tasks.start_soon(serve)
        try:
            yield base_url
        finally:
            server.should_exit = True
            server.force_exit = True


async def serve_sandbox(listener: socket.socket) -> int:
    """Serves the sandbox until a signal comes; returns the exit status."""
    _silence_cut_connections()
    return await serve_app(sandbox_app(), listener, shutdown_timeout=SHUTDOWN_TIMEOUT)


def _silence_cut_connections() -> None:
    # A connection that is cut on purpose is no error to be logged with its traceback.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
