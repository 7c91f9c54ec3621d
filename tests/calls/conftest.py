"""A store of each kind, and the servers that share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay
from tests.valkey import Valkey, running_valkey

STORES = ("memory", "disk", "redis")


@pytest.fixture(scope="session")
def session_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One store for all tests of a process that do not stop it."""
    with running_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def redis_url(session_valkey: Valkey) -> str:
    """The address of an empty store."""
    session_valkey.empty()
    return session_valkey.url


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
