"""Serving streamable HTTP and SSE."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from mcp_grok.calls import CallerLimits
from mcp_grok.extras import missing_extra
from mcp_grok.http.app import service_app
from mcp_grok.http.bounded_connections import ConnectionBounds
from mcp_grok.http.garbage_collection import collect_rarely
from mcp_grok.http.health import health_routes
from mcp_grok.http.metrics import serving_metrics
from mcp_grok.http.options import ServiceOptions
from mcp_grok.http.returned_memory import return_large_memory
from mcp_grok.limits import SHARED_CALLS_AT_ONCE, SHARED_REQUEST_BYTES, SHUTDOWN_TIMEOUT, TOTAL_REQUEST_BYTES
from mcp_grok.listener import ACCEPTED_AT_ONCE, app_server, serve_until_signal
from mcp_grok.open_upstream import open_upstream
from mcp_grok.request_principal import PrincipalReader
from mcp_grok.server import create_server
from mcp_grok.settings import Settings

if TYPE_CHECKING:
    from mcp_grok.auth.quotas import Quotas


async def serve_http(settings: Settings, options: ServiceOptions, listener: socket.socket) -> int:
    """Serves streamable HTTP, SSE or both until a signal comes and running calls have had their time to end.

    Returns:
        The exit status: 128 + the signal's number.

    Raises:
        NotConfigured: tokens, the OpenID provider, the store or the port for metrics cannot be used.
    """
    return_large_memory()
    with serving_metrics(options.metrics_host, options.metrics_port):
        return await _serve_http(settings, options, listener)


async def _serve_http(settings: Settings, options: ServiceOptions, listener: socket.socket) -> int:
    async with (
        _quotas(settings, options) as quotas,
        open_upstream(settings, _limits(options, quotas)) as calls,
    ):
        mcp_server = create_server(settings, calls, PrincipalReader(options.caller_keys))
        server = app_server(
            service_app(mcp_server, options, health_routes(calls), calls.request_bytes),
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            protocol=ConnectionBounds().protocol,
            # One, so that another process gets the next.
            accepted_at_once=1 if options.workers > 1 else ACCEPTED_AT_ONCE,
        )
        collect_rarely()
        return await serve_until_signal(server, listener, drain=partial(calls.drain, options.drain))


def _limits(options: ServiceOptions, quotas: "Quotas | None") -> CallerLimits:
    shared, calls_at_once = options.tells_callers_apart, options.limits.calls_at_once
    return CallerLimits(
        shared=shared,
        calls_at_once=calls_at_once or (SHARED_CALLS_AT_ONCE if shared else None),
        request_bytes=SHARED_REQUEST_BYTES if shared else None,
        total_request_bytes=TOTAL_REQUEST_BYTES,
        quotas=quotas,
    )


@asynccontextmanager
async def _quotas(settings: Settings, options: ServiceOptions) -> "AsyncIterator[Quotas | None]":
    if not options.limits.are_counted:
        yield None
        return
    try:
        from mcp_grok.auth.quotas import open_quotas
    except ImportError:
        raise missing_extra("A limit of requests or tokens", "team") from None
    async with open_quotas(
        settings.store_url,
        requests_per_minute=options.limits.requests_per_minute,
        tokens_per_day=options.limits.tokens_per_day,
    ) as quotas:
        yield quotas
