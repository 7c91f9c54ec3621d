"""The quotas of callers: requests a minute, tokens a day. Calls at once are counted in `mcp_grok.calls`."""

import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter
from limits.errors import StorageError

from mcp_grok.errors import LimitReached, StoreUnreachable
from mcp_grok.principal import Principal

logger = logging.getLogger(__name__)


class Quotas:
    """The quotas of each principal; None for no limit.

    Args:
        storage: Where they are counted.
        requests_per_minute: Calls of the chat tool.
        tokens_per_day: Tokens of prompts and answers.
    """

    def __init__(self, storage: Storage, requests_per_minute: int | None, tokens_per_day: int | None) -> None:
        self._requests = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        self._tokens = RateLimitItemPerDay(tokens_per_day) if tokens_per_day else None
        self._by_minute = MovingWindowRateLimiter(storage)
        self._by_day = FixedWindowRateLimiter(storage)

    async def admit(self, principal: Principal) -> None:
        """Counts a request of a principal.

        Raises:
            LimitReached: a quota is used up; `retry_after` says when it is renewed.
            StoreUnreachable: the store that servers share cannot be reached.
        """
        try:
            await self._admit(principal)
        except StorageError:
            raise StoreUnreachable(
                "The store that servers share cannot be reached, so quotas cannot be checked. Nothing was sent; send "
                "the call again in a moment."
            ) from None

    async def _admit(self, principal: Principal) -> None:
        if self._tokens and not await self._by_day.test(self._tokens, "tokens", principal.name):
            await self._refuse(self._by_day, self._tokens, "tokens", principal, "tokens a day")
        if self._requests and not await self._by_minute.hit(self._requests, "requests", principal.name):
            await self._refuse(self._by_minute, self._requests, "requests", principal, "requests a minute")

    async def count(self, name: str, tokens: int) -> None:
        """Counts the tokens of an answer to a principal; a failure is logged."""
        try:
            if self._tokens and tokens:
                await self._by_day.hit(self._tokens, "tokens", name, cost=tokens)
        except StorageError as error:
            logger.warning("the tokens of an answer could not be counted: %s", type(error.storage_error).__name__)

    async def _refuse(
        self, limiter: RateLimiter, item: RateLimitItem, what: str, principal: Principal, unit: str
    ) -> None:
        stats = await limiter.get_window_stats(item, what, principal.name)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise LimitReached(
            f"Limit reached: {item.amount} {unit} per caller. Send the call again after retry_after seconds.",
            retry_after=wait,
        )


@asynccontextmanager
async def open_quotas(
    store_url: str | None, *, requests_per_minute: int | None, tokens_per_day: int | None
) -> AsyncIterator[Quotas]:
    """The quotas, counted in the Redis or Valkey that servers share, or without one in this process."""
    if store_url is None:
        yield Quotas(MemoryStorage(), requests_per_minute, tokens_per_day)
        return
    from mcp_grok.calls.redis_client import open_redis

    async with open_redis(store_url) as redis:
        # The annotation of RedisStorage leaves out the options that it passes to redis.
        pool: Any = redis.connection_pool
        storage = RedisStorage(store_url, wrap_exceptions=True, implementation="redispy", connection_pool=pool)
        yield Quotas(storage, requests_per_minute, tokens_per_day)
