"""The Redis or Valkey client: its connections, and the errors that mean that Redis is unavailable."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from mcp_grok.errors import NotConfigured, StoreUnreachable
from mcp_grok.regular_file import opened

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0
"""Seconds without a response after which Redis counts as unavailable."""

HEALTH_CHECK = 15
"""Seconds without traffic after which a connection is tested before it is used, because it may be dead."""

CLOSE_TIMEOUT = 2.0

MAX_CONNECTIONS = 50
"""Maximum connections of a process. A command waits for a free one; no command blocks for long."""

TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
"""Options of an address that name files."""

RETRY_PAUSE = 0.05
"""Seconds before a repeatable command is sent again on another connection."""

AWAY = (RedisError, OSError, TimeoutError)
"""The errors of a command when Redis is unavailable or refuses it."""

Client = Any
"""A `Redis` client with decoded responses, which its type annotations do not express."""

Result = TypeVar("Result")


@asynccontextmanager
async def open_redis(url: str) -> AsyncIterator[Client]:
    """A Redis or Valkey client, whose connections are closed at the end.

    Args:
        url: `redis://` or, with TLS, `rediss://`; it may contain a user name, a password, a database and options.

    Raises:
        NotConfigured: the address, or a file that it names, cannot be used.
    """
    pool = _pool(url)
    try:
        yield Redis(connection_pool=pool)
    finally:
        # A task that is cancelled while it closes would leave connections open.
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True), suppress(*AWAY):
            await pool.disconnect()


def _pool(url: str) -> BlockingConnectionPool:
    try:
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
            # Only the caller knows whether a command may be repeated.
            retry=Retry(NoBackoff(), 0),
        )
        # It does not connect, but refuses options of the address that do not exist.
        pool.connection_class(**pool.connection_kwargs)
        for name in TLS_FILES & pool.connection_kwargs.keys():
            with opened(Path(pool.connection_kwargs[name])):
                pass
    except (ValueError, TypeError):
        # The exception's text may repeat a part of the password.
        raise NotConfigured("MCP_GROK_STORE: the address of the store, or an option in it, cannot be used.") from None
    except OSError as error:
        raise NotConfigured(f"MCP_GROK_STORE: {name} cannot be read: {error.strerror}.") from None
    return pool


async def ask(command: Callable[[], Awaitable[Result]]) -> Result:
    """Sends a repeatable command, with one retry after a connection error, and returns the response.

    Raises:
        StoreUnreachable: Redis is unavailable or refuses the command.
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
    """The error for a call that cannot begin because the shared store fails."""
    return StoreUnreachable(
        f"The store that the servers share cannot be used now ({type(error).__name__}). Nothing was sent; send the "
        "call again in a moment."
    )
