"""A store of each kind, and the servers that share it."""

from pathlib import Path

import pytest

from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay

STORES = ("memory", "disk", "redis")


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, upstream: Replay, tmp_path: Path) -> Settings:
    """The settings of a server, once for each kind of store."""
    if request.param == "redis":
        return settings_for(upstream, store=request.getfixturevalue("redis_url"))
    return settings_for(upstream, store="memory" if request.param == "memory" else f"disk:{tmp_path / 'store'}")


@pytest.fixture
def shared(upstream: Replay, redis_url: str) -> Settings:
    """The settings of servers that share their calls."""
    return settings_for(upstream, store=redis_url)
