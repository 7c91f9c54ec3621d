"""For every test: no connections but to this machine, an upstream that plays bytes, and the stores."""

import functools
import inspect
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_grok.settings import Settings
from tests.openid_provider import running_provider
from tests.replay import Replay
from tests.valkey import Valkey, running_valkey

Coroutines = Callable[..., Coroutine[Any, Any, None]]

STORES = ("memory", "disk", "redis")

KEY = "sk-test-key-that-must-never-be-seen"


class NetworkAccess(AssertionError):
    """A test connected to another machine."""


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise NetworkAccess(f"connecting to {host}")


sys.addaudithook(_loopback_only)

# Settings in the environment in which the tests run must not reach them.
for name in [name for name in os.environ if name.startswith("MCP_GROK_") or name.lower().endswith("_proxy")]:
    del os.environ[name]
for name in ("ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY"):
    os.environ.pop(name, None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Ends a coroutine that takes too long inside its event loop.

    The signal of pytest-timeout would leave a loop that can no longer run the teardown of fixtures, which then hangs.
    """
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        marker = item.get_closest_marker("timeout")
        seconds = float(marker.args[0] if marker else item.config.getini("timeout"))
        item.obj = _limited(item.obj, seconds - 5)
    yield


def _limited(test: Coroutines, seconds: float) -> Coroutines:
    @functools.wraps(test)
    async def limited(*args: Any, **kwargs: Any) -> None:
        with anyio.fail_after(seconds):
            await test(*args, **kwargs)

    return limited


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def upstream() -> AsyncIterator[Replay]:
    """An upstream that answers as a test says."""
    async with Replay() as replay:
        yield replay


@pytest.fixture
def settings(upstream: Replay) -> Settings:
    """Settings that lead to `upstream`."""
    return settings_for(upstream)


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The URL of a real OpenID provider."""
    with running_provider() as url:
        yield url


@pytest.fixture(scope="session")
def session_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey for all tests of a process but those that stop it."""
    with running_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def redis_url(session_valkey: Valkey) -> str:
    """The address of an empty Valkey."""
    session_valkey.empty()
    return session_valkey.url


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The value of `MCP_GROK_STORE`, once for each kind of store."""
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return f"disk:{tmp_path / 'store'}" if request.param == "disk" else "memory"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey that a test may stop."""
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
