"""How much one caller may have: requests a minute, calls at once, tokens a day."""

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
from mcp_grok.http.options import Limits
from mcp_grok.principal import Principal

logger = logging.getLogger(__name__)


class CallerLimits:
    """Counts what each caller has, and says when it is enough.

    Args:
        limits: Of each caller.
        storage: Where it is counted.
    """

    def __init__(self, limits: Limits, storage: Storage) -> None:
        self._requests = RateLimitItemPerMinute(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = RateLimitItemPerDay(limits.tokens_per_day) if limits.tokens_per_day else None
        self._by_minute = MovingWindowRateLimiter(storage)
        self._by_day = FixedWindowRateLimiter(storage)

    async def admit(self, principal: Principal) -> None:
        """Counts a request of a principal. How many of its calls run at once is checked when one starts.

        Raises:
            LimitReached: they have had enough; `retry_after` says for how long.
            StoreUnreachable: the store that servers share cannot be reached.
        """
        try:
            await self._admit(principal)
        except StorageError:
            raise StoreUnreachable(
                "The store that servers share cannot be reached, so limits cannot be checked. Nothing was sent; send "
                "the call again in a moment."
            ) from None

    async def _admit(self, principal: Principal) -> None:
        if self._tokens and not await self._by_day.test(self._tokens, "tokens", principal.name):
            await self._refuse(self._by_day, self._tokens, "tokens", principal, "tokens a day")
        if self._requests and not await self._by_minute.hit(self._requests, "requests", principal.name):
            await self._refuse(self._by_minute, self._requests, "requests", principal, "requests a minute")

    async def count(self, name: str, tokens: int) -> None:
        """Counts the tokens of an answer to a principal; the log says if the store does not take them."""
        try:
            if self._tokens and tokens:
                await self._by_day.hit(self._tokens, "tokens", name, cost=tokens)
        except StorageError as error:
            logger.warning("the tokens of an answer are not counted: %s", type(error.storage_error).__name__)

    async def _refuse(
        self, limiter: RateLimiter, item: RateLimitItem, what: str, principal: Principal, unit: str
    ) -> None:
        stats = await limiter.get_window_stats(item, what, principal.name)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise LimitReached(_sentence(item.amount, unit), retry_after=wait)


@asynccontextmanager
async def open_limits(limits: Limits, store_url: str | None) -> AsyncIterator[CallerLimits]:
    """Limits that are counted in the Redis or Valkey that servers share, or without one in this process alone."""
    if store_url is None:
        yield CallerLimits(limits, MemoryStorage())
        return
    from mcp_grok.calls.redis_client import open_redis

    async with open_redis(store_url) as redis:
        # Its annotation leaves out what it hands on to redis.
        pool: Any = redis.connection_pool
        yield CallerLimits(
            limits, RedisStorage(store_url, wrap_exceptions=True, implementation="redispy", connection_pool=pool)
        )


def _sentence(most: int, unit: str) -> str:
    return f"This server gives one caller {most} {unit}, and you have had them; wait for retry_after seconds."
