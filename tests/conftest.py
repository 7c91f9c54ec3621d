"""What every test stands on: loopback only, and an upstream that plays recorded bytes."""

import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.settings import Settings
from tests.replay import Replay
from tests.valkey import Valkey, running_valkey

KEY = "sk-test-key-that-must-never-be-seen"


class NetworkAccess(AssertionError):
    """A test reached for something that is not this machine."""


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise NetworkAccess(f"connecting to {host}")


sys.addaudithook(_loopback_only)

# The settings are read from the environment; that of whoever runs the tests is none of their business.
for name in [name for name in os.environ if name.startswith("MCP_GROK_") or name.lower().endswith("_proxy")]:
    del os.environ[name]
for name in ("ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY"):
    os.environ.pop(name, None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def upstream() -> AsyncIterator[Replay]:
    """An upstream that answers with what it is given."""
    async with Replay() as replay:
        yield replay


@pytest.fixture
def settings(upstream: Replay) -> Settings:
    """Settings that lead to `upstream`."""
    return settings_for(upstream)


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


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A store that servers share."""
    with running_valkey(tmp_path / "valkey") as valkey:
        yield valkey


def settings_for(upstream: Replay, **changes: Any) -> Settings:
    """Settings that lead to an upstream, with some of them changed."""
    values: dict[str, Any] = {
        "provider": "acedata",
        "api_key": KEY,
        "base_url": upstream.base_url,
        "max_retries": 0,
        **changes,
    }
    return Settings(**values)
