"""Quotas that servers share, also while their store is away."""

import logging

import pytest

from mcp_grok.auth.quotas import open_quotas
from mcp_grok.errors import LimitReached, StoreUnreachable
from mcp_grok.principal import Principal
from tests.conftest import KEY
from tests.valkey import Valkey

ANN = Principal("ann")


async def test_servers_count_together(valkey: Valkey) -> None:
    async with (
        open_quotas(valkey.url, requests_per_minute=2, tokens_per_day=None) as one,
        open_quotas(valkey.url, requests_per_minute=2, tokens_per_day=None) as other,
    ):
        await one.admit(ANN)
        await other.admit(ANN)
        with pytest.raises(LimitReached):
            await one.admit(ANN)
        await one.admit(Principal("bob"))


@pytest.mark.parametrize(("requests", "tokens"), [(5, None), (None, 5)])
async def test_unreachable_store_refuses_and_sends_nothing(
    valkey: Valkey, requests: int | None, tokens: int | None
) -> None:
    async with open_quotas(valkey.url, requests_per_minute=requests, tokens_per_day=tokens) as given:
        valkey.stop()
        with pytest.raises(StoreUnreachable) as caught:
            await given.admit(ANN)
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
