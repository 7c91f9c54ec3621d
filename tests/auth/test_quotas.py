"""Limits that servers share, while their store is away."""

import logging

import pytest

from mcp_grok.auth.quotas import open_limits
from mcp_grok.errors import LimitReached, StoreUnreachable
from mcp_grok.http.options import Limits
from mcp_grok.principal import Principal
from tests.conftest import KEY
from tests.valkey import Valkey

ANN = Principal("ann")


async def test_servers_count_together(valkey: Valkey) -> None:
    limits = Limits(requests_per_minute=2)
    async with (
        open_limits(limits, valkey.url) as one,
        open_limits(limits, valkey.url) as other,
    ):
        await one.admit(ANN)
        await other.admit(ANN)
        with pytest.raises(LimitReached):
            await one.admit(ANN)
        await one.admit(Principal("bob"))


@pytest.mark.parametrize("limits", [Limits(requests_per_minute=5), Limits(tokens_per_day=5)])
async def test_a_store_that_is_away_lets_nobody_in_and_says_that_nothing_was_sent(
    valkey: Valkey, limits: Limits
) -> None:
    async with open_limits(limits, valkey.url) as given:
        valkey.stop()
        with pytest.raises(StoreUnreachable) as caught:
            await given.admit(ANN)
    valkey.start()
    assert (caught.value.billed, caught.value.retryable) == ("no", True)


async def test_tokens_that_cannot_be_counted_are_told_in_the_log_and_harm_no_answer(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_limits(Limits(tokens_per_day=5), valkey.url) as given:
        valkey.stop()
        with caplog.at_level(logging.WARNING):
            await given.count("ann", 3)
    valkey.start()
    assert "the tokens of an answer are not counted: ConnectionError" in caplog.text
    assert KEY not in caplog.text
