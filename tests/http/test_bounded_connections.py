"""Connections that send no request, or only a part of one, against server processes and a server in this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from mcp_grok.http.bounded_connections import ConnectionBounds
from mcp_grok.listener import app_server, bind
from tests.http.requests import call, get
from tests.process import MCP_GROK, environment, listening_process
from tests.replay import COMPLETION, Replay

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def answer_ok(scope: Any, receive: Any, send: Any) -> None:
    """The smallest application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def bounded_server(most: int, header_timeout: float) -> AsyncIterator[int]:
    """The port of a server with these bounds."""
    bounds = ConnectionBounds(most, header_timeout=header_timeout)
    with bind("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        server = app_server(answer_ok, shutdown_timeout=1, protocol=bounds.protocol)
        server.config.lifespan = "off"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield port
        finally:
            server.should_exit = True
            await serving


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[..., Awaitable[Connection]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections on which something was sent, closed at the end."""
    opened: list[asyncio.StreamWriter] = []

    async def connected(port: int, sent: bytes = b"") -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        writer.write(sent)
        return reader, writer

    yield connected
    for writer in opened:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("sent", [b"", b"G", REQUEST, REQUEST + b"x: " + b"y" * 1000])
async def test_connection_without_whole_headers_is_ended(connect: Connect, sent: bytes) -> None:
    async with bounded_server(100, header_timeout=0.3) as port:
        with anyio.fail_after(5):
            reader, _ = await connect(port, sent)
            assert (await reader.read()).startswith(b"HTTP/1.1 408")


async def test_next_request_has_the_same_time_for_its_headers(connect: Connect) -> None:
    async with bounded_server(100, header_timeout=0.3) as port:
        with anyio.fail_after(5):
            reader, writer = await connect(port, REQUEST + b"\r\n")
            assert b"200 OK" in await reader.readuntil(b"ok")
            writer.write(REQUEST)
            assert (await reader.read()).startswith(b"HTTP/1.1 408")


async def test_one_connection_serves_many_requests(connect: Connect) -> None:
    async with bounded_server(100, header_timeout=5) as port:
        with anyio.fail_after(5):
            reader, writer = await connect(port)
            for _ in range(50):
                writer.write(REQUEST + b"\r\n")
                assert b"200 OK" in await reader.readuntil(b"ok")


async def test_connection_that_has_waited_longest_makes_room(connect: Connect) -> None:
    async with bounded_server(5, header_timeout=60) as port:
        with anyio.fail_after(5):
            idle = [await connect(port) for _ in range(5)]
            reader, _ = await connect(port, REQUEST + b"\r\n")
            assert b"200 OK" in await reader.readuntil(b"ok")
            assert await idle[0][0].read() == b""
            idle[1][1].write(REQUEST + b"\r\n")
            assert b"200 OK" in await idle[1][0].readuntil(b"ok")


async def test_strangers_who_send_nothing_keep_no_caller_out(connect: Connect, upstream: Replay) -> None:
    limited = ("sh", "-c", 'ulimit -n 400; exec "$@"', "sh", *MCP_GROK)
    async with listening_process(environment(upstream), "http", command=limited) as (url, _):
        port = urlsplit(url).port
        assert port is not None
        for number in range(500):
            await connect(port, b"" if number % 2 else REQUEST)
        with anyio.fail_after(5):
            assert await call(url) == COMPLETION
            assert (await get(url.replace("/mcp", "/healthz"))).status_code == 200
