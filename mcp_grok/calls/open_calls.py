"""Opening the calls of a process: its client, its store, and the tasks that run."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import anyio

from mcp_grok.calls.caller_limits import NO_LIMITS, CallerLimits
from mcp_grok.calls.calls import Calls, Timings
from mcp_grok.calls.local_store import open_local_store
from mcp_grok.calls.store import BOUNDS, Bounds, Store
from mcp_grok.extras import missing_extra
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient

CLOSE_TIMEOUT = 2.0
"""Maximum seconds to close the pooled connections."""


@asynccontextmanager
async def open_calls(
    settings: Settings,
    *,
    limits: CallerLimits = NO_LIMITS,
    timings: Timings | None = None,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Calls]:
    """The calls of this process. Leaving the context stops those that still run and closes the connections.

    Args:
        settings: The API for the calls, and the store for their answers.
        limits: The limits of each principal.
        timings: Time limits.
        bounds: How much the store keeps.

    Raises:
        NotConfigured: the configured store cannot be used.
    """
    client = ChatClient(replace(settings.endpoint, counts_tokens=limits.counts_tokens), shared=limits.shared)
    try:
        async with _open_store(settings, bounds) as store, anyio.create_task_group() as tasks:
            calls = Calls(
                client,
                tasks,
                store,
                finish_orphans=settings.on_disconnect == "finish",
                limits=limits,
                timings=timings,
            )
            if settings.store_url is not None:
                tasks.start_soon(calls.serve_events)
            if store.outlives_process and settings.makes_videos:
                tasks.start_soon(calls.take_up_left_jobs)
            try:
                yield calls
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await client.aclose()


def _open_store(settings: Settings, bounds: Bounds) -> AbstractAsyncContextManager[Store]:
    if settings.store_url is None:
        return open_local_store(settings.store_folder, bounds)
    try:
        from mcp_grok.calls.redis_store import open_redis_store
    except ImportError:
        raise missing_extra("MCP_GROK_STORE=redis://…", "team") from None
    return open_redis_store(settings.store_url, bounds)
