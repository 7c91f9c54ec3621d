"""Running the sandbox: as a command, or inside the server's process."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from mcp_grok.listener import address, app_server, bind, serve_until_signal
from mcp_grok.sandbox.routes import sandbox_app

SHUTDOWN_TIMEOUT = 1
"""How long open responses may take to end, in seconds."""


@asynccontextmanager
async def running_sandbox(app: Any = None) -> AsyncIterator[str]:
    """A sandbox on a free loopback port; gives its base URL.

    Args:
        app: The ASGI application; by default the sandbox as users get it.
    """
    _silence_cut_connections()
    listener = bind("127.0.0.1", 0)
    base_url = address(listener)
    server = app_server(app or sandbox_app(), shutdown_timeout=SHUTDOWN_TIMEOUT)
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
    server = app_server(sandbox_app(), shutdown_timeout=SHUTDOWN_TIMEOUT)
    return await serve_until_signal(server, listener)


def _silence_cut_connections() -> None:
    # A connection that is cut on request is not an error to log with a traceback.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
