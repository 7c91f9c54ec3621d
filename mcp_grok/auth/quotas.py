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

from mcp_grok.calls.store import uninterrupted
from mcp_grok.errors import LimitReached, StoreUnreachable

logger = logging.getLogger(__name__)


class Quotas:
    """The quotas of each principal; None for no limit.

    Args:
        storage: Where they are counted.
        requests_per_minute: Calls that begin, of any tool.
        tokens_per_day: Tokens of prompts and answers.
    """

    def __init__(self, storage: Storage, requests_per_minute: int | None, tokens_per_day: int | None) -> None:
        self._requests = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        self._tokens = RateLimitItemPerDay(tokens_per_day) if tokens_per_day else None
        self._storage = storage
        self._by_minute = MovingWindowRateLimiter(storage)
        self._by_day = FixedWindowRateLimiter(storage)

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are limited."""
        return self._tokens is not None

    @property
    def outlive_process(self) -> bool:
        """Whether what a process has counted still counts after its end."""
        return not isinstance(self._storage, MemoryStorage)

    @uninterrupted
    async def admit(self, name: str, tokens: int) -> None:
        """Counts a call that begins, and the estimated tokens of its request.

        Args:
            name: The principal's name.
            tokens: The estimate; `count` later adds the difference to the tokens of the call.

        Raises:
            LimitReached: a quota is used up; `retry_after` says when it is renewed.
            StoreUnreachable: the store that servers share cannot be reached.
        """
        try:
            await self._reserve(name, tokens)
            try:
                if not self._requests or await self._by_minute.hit(self._requests, "requests", name):
                    return
            except StorageError:
                await self.count(name, -tokens)
                raise
            await self._add(name, -tokens)
            await self._refuse(self._by_minute, self._requests, "requests", name, "requests a minute")
        except StorageError:
            raise StoreUnreachable(
                "The store that servers share cannot be reached, so quotas cannot be checked. Nothing was sent; send "
                "the call again in a moment."
            ) from None

    async def count(self, name: str, tokens: int) -> None:
        """Counts further tokens of a principal, or with a negative number fewer; a failure is logged."""
        try:
            await self._add(name, tokens)
        except StorageError as error:
            logger.warning("the tokens of an answer could not be counted: %s", type(error.storage_error).__name__)

    async def _reserve(self, name: str, tokens: int) -> None:
        """Counts the tokens in one step, and takes them back if the quota was already used up without them."""
        after = await self._add(name, tokens)
        if self._tokens and after - tokens >= self._tokens.amount:
            await self._add(name, -tokens)
            await self._refuse(self._by_day, self._tokens, "tokens", name, "tokens a day")

    async def _add(self, name: str, tokens: int) -> int:
        """Counts tokens; returns the total of the day."""
        if self._tokens is None:
            return 0
        key, seconds = self._tokens.key_for("tokens", name), self._tokens.get_expiry()
        return await self._storage.incr(key, seconds, amount=tokens)

    async def _refuse(self, limiter: RateLimiter, item: RateLimitItem, what: str, name: str, unit: str) -> None:
        stats = await limiter.get_window_stats(item, what, name)
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
