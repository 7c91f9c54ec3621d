"""Serving over stdio, streamable HTTP and SSE, and what each binds to."""

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
from mcp.server.lowlevel import Server

from mcp_grok.completions import Completions
from mcp_grok.server import create_server, open_upstream
from mcp_grok.settings import Settings
from mcp_grok.signals import StoppedBySignal
from mcp_grok.stdio import can_be_watched, stdio_streams

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.applications import Starlette

HTTP_PATH = "/mcp"
SSE_PATH = "/sse"
MESSAGES_PATH = "/messages/"

MAX_BODY_BYTES = 32 * 1024 * 1024
"""A larger request is refused. Images come inline, and base64 adds a third."""

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
    async with open_upstream(settings) as completions:
        server = create_server(settings, completions)
        options = server.create_initialization_options()
        if watched:
            async with stdio_streams() as (reader, writer):
                await server.run(reader, writer, options)
        else:
            from mcp.server.stdio import stdio_server

            async with stdio_server() as (lines, replies):
                await server.run(lines, replies, options)


async def serve_http(settings: Settings, transport: str, listener: socket.socket) -> int:
    """Serves `http` (streamable HTTP at /mcp) or `sse` (/sse and /messages/) until a signal comes.

    Returns:
        The exit status: 128 + the signal's number.
    """
    from mcp_grok.listener import serve_app

    async with open_upstream(settings) as completions:
        app = _sse_app(settings, completions) if transport == "sse" else _http_app(settings, completions)
        return await serve_app(app, listener, shutdown_timeout=SHUTDOWN_TIMEOUT, on_stop=completions.stop_all)


def _http_app(settings: Settings, completions: Completions) -> "Starlette":
    # Without sessions: a client that reconnects finds its server, and one that vanishes is noticed in every era.
    return create_server(settings, completions).streamable_http_app(
        streamable_http_path=HTTP_PATH,
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=_loopback_only(),
    )


def _sse_app(settings: Settings, completions: Completions) -> "Starlette":
    from mcp.server.sse import SseServerTransport
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route
    from starlette.types import Receive, Scope, Send

    server: Server[Completions] = create_server(settings, completions)
    sse = SseServerTransport(MESSAGES_PATH, security_settings=_loopback_only(), max_request_body_size=MAX_BODY_BYTES)

    class Connect:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            # connect_sse answers a request from a foreign host or origin itself, then raises.
            with suppress(ValueError):
                async with sse.connect_sse(scope, receive, send) as (reader, writer):
                    await server.run(reader, writer, server.create_initialization_options())

    return Starlette(
        routes=[
            Route(SSE_PATH, endpoint=Connect(), methods=["GET"]),
            Mount(MESSAGES_PATH, app=sse.handle_post_message),
        ]
    )


def _loopback_only() -> "TransportSecuritySettings":
    from mcp.server.transport_security import TransportSecuritySettings

    hosts = ("127.0.0.1", "localhost", "[::1]")
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[name for host in hosts for name in (host, f"{host}:*")],
        allowed_origins=[origin for host in hosts for origin in (f"http://{host}", f"http://{host}:*")],
    )
