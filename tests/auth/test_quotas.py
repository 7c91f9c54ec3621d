"""Quotas that servers share, also while their store is away."""

import contextlib
import logging
from typing import Any

import anyio
import pytest
from limits.aio.storage import MemoryStorage
from limits.errors import StorageError

from mcp_grok.auth.quotas import Quotas, open_quotas
from mcp_grok.errors import LimitReached, StoreUnreachable
from tests.conftest import KEY
from tests.valkey import Valkey


async def test_servers_count_together(valkey: Valkey) -> None:
    async with (
        open_quotas(valkey.url, requests_per_minute=2, tokens_per_day=None) as one,
        open_quotas(valkey.url, requests_per_minute=2, tokens_per_day=None) as other,
    ):
        await one.admit("ann", 0)
        await other.admit("ann", 0)
        with pytest.raises(LimitReached):
            await one.admit("ann", 0)
        await one.admit("bob", 0)


@pytest.mark.parametrize(("requests", "tokens"), [(5, None), (None, 5)])
async def test_unreachable_store_refuses_and_sends_nothing(
    valkey: Valkey, requests: int | None, tokens: int | None
) -> None:
    async with open_quotas(valkey.url, requests_per_minute=requests, tokens_per_day=tokens) as given:
        valkey.stop()
        with pytest.raises(StoreUnreachable) as caught:
            await given.admit("ann", 0)
    valkey.start()
    assert (caught.value.billed, caught.value.retryable) == ("no", True)


async def test_tokens_that_cannot_be_counted_are_logged(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with open_quotas(valkey.url, requests_per_minute=None, tokens_per_day=5) as given:
        valkey.stop()
        with caplog.at_level(logging.WARNING):
            await given.count("ann", 3)
    valkey.start()
    assert "the tokens of an answer could not be counted: ConnectionError" in caplog.text
    assert KEY not in caplog.text


@pytest.fixture(params=["memory", "redis"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where quotas are counted."""
    return str(request.getfixturevalue("redis_url")) if request.param == "redis" else None


async def admitted(quotas: Quotas, *sizes: int) -> list[int]:
    """The calls that are admitted of some that begin at the same moment, by the tokens of their requests."""
    known: list[int] = []

    async def try_one(size: int) -> None:
        with contextlib.suppress(LimitReached):
            await quotas.admit("ann", size)
            known.append(size)

    async with anyio.create_task_group() as tasks:
        for size in sizes:
            tasks.start_soon(try_one, size)
    return known


async def test_requests_at_the_same_moment_are_counted(store_url: str | None) -> None:
    async with open_quotas(store_url, requests_per_minute=3, tokens_per_day=None) as quotas:
        assert len(await admitted(quotas, *[1] * 40)) == 3


async def test_tokens_of_requests_at_the_same_moment_are_counted(store_url: str | None) -> None:
    async with open_quotas(store_url, requests_per_minute=None, tokens_per_day=100) as quotas:
        assert len(await admitted(quotas, *[30] * 40)) == 4


async def test_refused_call_counts_no_tokens(store_url: str | None) -> None:
    async with open_quotas(store_url, requests_per_minute=2, tokens_per_day=100) as quotas:
        assert await admitted(quotas, 1, 1) == [1, 1]
        assert await admitted(quotas, 1000) == []
    async with open_quotas(store_url, requests_per_minute=None, tokens_per_day=100) as quotas:
        assert await admitted(quotas, 60) == [60]
        await quotas.count("ann", 60)
        assert await admitted(quotas, 1000) == []
        await quotas.count("ann", -60)
        assert await admitted(quotas, 1) == [1]


class Away(MemoryStorage):
    """A storage that counts tokens, and then cannot be reached."""

    async def acquire_entry(self, *_: Any, **__: Any) -> bool:
        raise StorageError(OSError("away"))


async def test_tokens_of_a_call_whose_requests_cannot_be_counted_do_not_count() -> None:
    storage = Away(wrap_exceptions=False)
    quotas = Quotas(storage, requests_per_minute=10, tokens_per_day=1000)
    with pytest.raises(StoreUnreachable):
        await quotas.admit("ann", 600)
    of_tokens = Quotas(storage, requests_per_minute=None, tokens_per_day=1000)
    await of_tokens.admit("ann", 999)
    await of_tokens.admit("ann", 1)
