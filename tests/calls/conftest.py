"""The settings of servers, and open stores, of each kind."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mcp_grok.calls.local_store import open_local_store
from mcp_grok.calls.redis_store import open_redis_store
from mcp_grok.calls.store import BOUNDS, Bounds, Store
from mcp_grok.settings import Settings
from tests.calls.servers import QUICK
from tests.conftest import settings_for
from tests.replay import Replay

Opened = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def stored(upstream: Replay, store: str) -> Settings:
    """The settings of a server, once for each kind of store."""
    return settings_for(upstream, store=store)


@pytest.fixture
def shared(upstream: Replay, redis_url: str) -> Settings:
    """The settings of servers that share their calls."""
    return settings_for(upstream, store=redis_url)


@pytest.fixture
def open_store(store: str) -> Opened:
    """Opens a store of each kind; on disk and in Redis it is the same one each time."""
    settings = Settings(store=store)

    @asynccontextmanager
    async def open_store(bounds: Bounds = BOUNDS) -> AsyncIterator[Store]:
        opening: AbstractAsyncContextManager[Store] = (
            open_redis_store(settings.store_url, bounds, QUICK)
            if settings.store_url
            else open_local_store(settings.store_folder, bounds)
        )
        async with opening as opened:
            yield opened

    return open_store
