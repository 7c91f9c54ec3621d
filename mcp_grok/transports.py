"""Serving over stdio, streamable HTTP and SSE."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio

from mcp_grok.errors import NotConfigured
from mcp_grok.server import create_server, open_upstream
from mcp_grok.settings import Settings
from mcp_grok.signals import StoppedBySignal
from mcp_grok.stdio import can_be_watched, stdio_streams

if TYPE_CHECKING:
    from mcp_grok.service.limits import CallerLimits
    from mcp_grok.service.options import ServiceOptions

SHUTDOWN_TIMEOUT = 3
"""Seconds that open responses get to end after a signal."""


async def serve_stdio(settings: Settings) -> int:
    """Serves one client until it closes stdin, or a signal comes.

    Returns:
        The exit status: 0 on EOF, 128 + the signal's number on a signal.
    """
    watched = can_be_watched()
    async with anyio.create_task_group() as tasks:

        def stop(number: int) -> None:
            if not watched:
                # A thread of the SDK sits in readline, and nothing but an exit ends it.
                os._exit(128 + number)
            tasks.cancel_scope.cancel()

        stopped = StoppedBySignal(stop)
        tasks.start_soon(stopped.watch)
        await _run_stdio(settings, watched)
        tasks.cancel_scope.cancel()
    return stopped.status


async def _run_stdio(settings: Settings, watched: bool) -> None:
    async with open_upstream(settings) as calls:
        server = create_server(settings, calls)
        options = server.create_initialization_options()
        if watched:
            async with stdio_streams() as (reader, writer):
                await server.run(reader, writer, options)
        else:
            from mcp.server.stdio import stdio_server

            async with stdio_server() as (lines, replies):
                await server.run(lines, replies, options)


async def serve_http(settings: Settings, options: "ServiceOptions", listener: socket.socket) -> int:
    """Serves streamable HTTP, SSE or both until a signal comes and running calls have had their time to end.

    Returns:
        The exit status: 128 + the signal's number.

    Raises:
        NotConfigured: tokens, the OpenID provider or the store cannot be used.
    """
    from mcp_grok.callers import Callers
    from mcp_grok.listener import serve_app
    from mcp_grok.service.app import service_app
    from mcp_grok.service.operations import operations_routes

    async with (
        _limits(settings, options) as limits,
        open_upstream(
            settings,
            on_answer=limits.count if limits else None,
            calls_at_once=options.limits.calls_at_once,
        ) as calls,
    ):
        server = create_server(settings, calls, Callers(options.caller_keys), limits)
        app = service_app(server, options, operations_routes(calls, metrics=options.metrics))
        return await serve_app(
            app, listener, shutdown_timeout=SHUTDOWN_TIMEOUT, drain=partial(calls.drain, options.drain)
        )


@asynccontextmanager
async def _limits(settings: Settings, options: "ServiceOptions") -> "AsyncIterator[CallerLimits | None]":
    if not options.limits.are_counted:
        yield None
        return
    try:
        from mcp_grok.service.limits import open_limits
    except ImportError:
        raise NotConfigured("Limits for callers need the extra [team].") from None
    async with open_limits(options.limits, settings.store_url) as limits:
        yield limits
