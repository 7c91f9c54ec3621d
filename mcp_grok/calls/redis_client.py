"""The client of a Redis or Valkey: its connections, and what counts as being away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import anyio
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from mcp_grok.errors import StoreUnreachable

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds after which a Redis that does not answer is away."""

HEALTH_CHECK = 15
"""Seconds without traffic after which a connection is tested before it is used: it may be dead."""

CLOSE_TIMEOUT = 2.0

MAX_CONNECTIONS = 50
"""Connections of a process. A command that finds none free waits for one; none blocks for long."""

RETRY_PAUSE = 0.05
"""Seconds before a command that may be repeated is sent again on another connection."""

AWAY = (RedisError, OSError, TimeoutError)
"""What a command raises when Redis is away, or will not do it."""

Client = Any
"""A `Redis` whose answers are decoded; its annotations leave that open."""

Result = TypeVar("Result")


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Client]:
    """Connections to a Redis or Valkey, closed at the end.

    Args:
        url: `redis://` or, with TLS, `rediss://`; it may hold a user name, a password and a database.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=ANSWER_TIMEOUT,
        protocol=2,
        decode_responses=True,
        # Invalid UTF-8 fails the call of that record, not the connection.
        encoding_errors="surrogateescape",
        socket_timeout=ANSWER_TIMEOUT,
        socket_connect_timeout=CONNECT_TIMEOUT,
        health_check_interval=HEALTH_CHECK,
        # Only its caller knows whether a command may be repeated.
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield Redis(connection_pool=pool)
    finally:
        # A task that is cancelled while it closes would leave connections open.
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True), suppress(*AWAY):
            await pool.disconnect()


async def ask(command: Callable[[], Awaitable[Result]]) -> Result:
    """Sends a command, once more after a connection error, and returns the answer. It must be repeatable.

    Raises:
        StoreUnreachable: Redis is away, or will not do it.
    """
    try:
        try:
            return await command()
        except RedisConnectionError:
            await anyio.sleep(RETRY_PAUSE)
            return await command()
    except AWAY as error:
        raise unreachable(error) from None


def unreachable(error: Exception) -> StoreUnreachable:
    """The error for a call that the servers' store does not let begin."""
    return StoreUnreachable(
        f"The store that the servers share cannot be used now ({type(error).__name__}). Nothing was sent; send the "
        "call again in a moment."
    )
