"""The pool of connections on real sockets: reuse, expiry, and a cost that does not grow with the pool."""

import sys
from contextlib import AsyncExitStack, aclosing
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mcp_grok.settings import Settings
from mcp_grok.upstream.connection_pool import ConnectionPool
from tests.replay import Replay


def pool_for(settings: Settings, **options: Any) -> aclosing[ConnectionPool]:
    """A pool that is closed at the end."""
    return aclosing(ConnectionPool(settings.endpoint, **options))


async def use(pool: ConnectionPool, upstream: Replay, at_once: int = 1) -> None:
    """Sends requests on different connections, none of which is given back before all are answered."""
    async with AsyncExitStack() as stack:
        for _ in range(at_once):
            client = await stack.enter_async_context(pool.client())
            await client.post(upstream.base_url)


async def until_open(upstream: Replay, number: int) -> None:
    """Waits until an upstream has a number of open connections."""
    with anyio.fail_after(5):
        while upstream.open_connections != number:
            await anyio.lowlevel.checkpoint()


async def steps(pool: ConnectionPool, upstream: Replay) -> int:
    """The function calls that one request takes."""
    count = 0

    def counted(_frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        await use(pool, upstream)
    finally:
        sys.setprofile(None)
    return count


async def test_request_costs_the_same_with_many_idle_connections(upstream: Replay, settings: Settings) -> None:
    async with pool_for(settings) as pool:
        await use(pool, upstream)
        with_one = min([await steps(pool, upstream) for _ in range(5)])
        await use(pool, upstream, at_once=40)
        with_many = min([await steps(pool, upstream) for _ in range(5)])
    assert upstream.connections == 40
    assert with_many < with_one * 1.2


@pytest.mark.parametrize("at_once", [1, 7])
async def test_connections_are_used_again(upstream: Replay, settings: Settings, at_once: int) -> None:
    async with pool_for(settings) as pool:
        for _ in range(3):
            await use(pool, upstream, at_once)
        await use(pool, upstream)
    assert len(upstream.requests) == 3 * at_once + 1
    assert upstream.connections == at_once


async def test_connection_used_last_is_used_next(upstream: Replay, settings: Settings) -> None:
    async with pool_for(settings) as pool:
        await use(pool, upstream, at_once=3)
        for _ in range(4):
            await use(pool, upstream)
    assert len({request.connection for request in upstream.requests[3:]}) == 1


@pytest.mark.parametrize("at_once", [1, 5])
async def test_expired_connections_are_closed_at_the_next_request(
    upstream: Replay, settings: Settings, at_once: int
) -> None:
    async with pool_for(settings, expiry=0) as pool:
        await use(pool, upstream, at_once)
        await use(pool, upstream)
        await until_open(upstream, 1)
    assert upstream.connections == at_once + 1


@pytest.mark.parametrize("at_once", [1, 5])
async def test_closing_the_pool_closes_its_connections(upstream: Replay, settings: Settings, at_once: int) -> None:
    async with pool_for(settings) as pool:
        await use(pool, upstream, at_once)
    await until_open(upstream, 0)
    assert upstream.connections == at_once


async def test_connection_that_the_upstream_closed_is_replaced(upstream: Replay, settings: Settings) -> None:
    async with pool_for(settings) as pool:
        for _ in range(3):
            upstream.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            await use(pool, upstream)
            await until_open(upstream, 0)
    assert upstream.connections == 3
