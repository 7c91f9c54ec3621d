"""Streamable HTTP and SSE: real server processes, the SDK's client and plain HTTP."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client

from tests.chat import CHAT, HELLO, content_of
from tests.process import MODERN_META, serving
from tests.replay import Exchange, Held, HeldStream, Replay, hold

WAYS = ["http legacy", "http 2026-07-28", "sse"]


@asynccontextmanager
async def connected(upstream: Replay, way: str) -> AsyncIterator[Client]:
    """The SDK's client on a server of its own."""
    transport, _, mode = way.partition(" ")
    async with serving(upstream, transport) as (url, _):
        target: Any = sse_client(url) if transport == "sse" else url
        async with Client(target, mode=mode or "legacy") as client:
            yield client


@pytest.mark.parametrize("way", WAYS)
async def test_tool_is_listed_and_called(upstream: Replay, way: str) -> None:
    async with connected(upstream, way) as client:
        assert CHAT in [tool.name for tool in (await client.list_tools()).tools]
        assert content_of(await client.call_tool(CHAT, HELLO)) == "Yo!"
        wrong = await client.call_tool(CHAT, {"messages": []})
        assert wrong.is_error


@pytest.mark.parametrize("way", WAYS)
async def test_progress_arrives_while_the_call_runs(upstream: Replay, way: str) -> None:
    held = HeldStream(upstream)
    pieces: list[str | None] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        pieces.append(message)
        held.release.set()

    async with connected(upstream, way) as client:
        result = await client.call_tool(CHAT, HELLO, progress_callback=show)
    assert content_of(result) == "so far, done"
    assert pieces == ["so far", ", done"]


async def go_away_in_mid_call(upstream: Replay, url: str, way: str) -> Exchange:
    """Connects, calls, and is gone before the answer; gives the upstream's side of the call."""
    transport, _, mode = way.partition(" ")
    async with Client(sse_client(url) if transport == "sse" else url, mode=mode or "legacy") as client:
        calling = asyncio.create_task(client.call_tool(CHAT, HELLO))
        exchange = await upstream.exchanges.get()
        if way == "http 2026-07-28":
            calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    return exchange


@pytest.mark.parametrize("way", WAYS)
async def test_repeat_after_a_disconnect_claims_the_call(upstream: Replay, way: str) -> None:
    held = Held(upstream)
    transport, _, mode = way.partition(" ")
    async with serving(upstream, transport) as (url, _):
        exchange = await go_away_in_mid_call(upstream, url, way)
        assert not exchange.closed.is_set()
        async with Client(sse_client(url) if transport == "sse" else url, mode=mode or "legacy") as client:
            calling = asyncio.create_task(client.call_tool(CHAT, HELLO))
            held.release.set()
            result = await calling
            assert content_of(result) == "Yo!"
            assert result.meta is not None
            assert result.meta["mcp-grok/picked_up"] >= 0
            assert len(upstream.requests) == 1
            again = await client.call_tool(CHAT, HELLO)
    assert "mcp-grok/picked_up" not in (again.meta or {})
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_with_stop_a_disconnect_stops_the_call(upstream: Replay, way: str) -> None:
    upstream.behave = hold
    async with serving(upstream, way.split()[0], on_disconnect="stop") as (url, _):
        exchange = await go_away_in_mid_call(upstream, url, way)
        await asyncio.wait_for(exchange.closed.wait(), 3)


@pytest.mark.parametrize("way", WAYS)
async def test_signal_during_a_call_ends_the_process(upstream: Replay, way: str) -> None:
    upstream.behave = hold
    transport, _, mode = way.partition(" ")
    async with serving(upstream, transport, "--drain", "0.5") as (url, process):
        client = Client(sse_client(url) if transport == "sse" else url, mode=mode or "legacy")
        try:
            await client.__aenter__()
            calling = asyncio.create_task(client.call_tool(CHAT, HELLO))
            exchange = await upstream.exchanges.get()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 5) == 128 + signal.SIGTERM
            await asyncio.wait_for(exchange.closed.wait(), 2)
            calling.cancel()
        finally:
            await client.__aexit__(None, None, None)


async def post(url: str, body: bytes = b"{}", headers: dict[str, str] | None = None) -> int:
    """The status of a POST."""
    given = {"content-type": "application/json", "accept": "application/json, text/event-stream", **(headers or {})}
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.post(url, content=body, headers=given)).status_code


async def test_foreign_host_or_origin_is_refused_over_http(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, _):
        assert await post(url, headers={"host": "evil.example"}) == 421
        assert await post(url, headers={"origin": "https://evil.example"}) == 403
        assert await post(url, headers={"origin": "null", "mcp-protocol-version": "2026-07-28"}) == 403
        assert await post(url, b"not json", {"origin": "http://localhost:3000"}) == 400


async def test_foreign_host_or_origin_is_refused_over_sse(upstream: Replay) -> None:
    async with serving(upstream, "sse") as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.get(url, headers={"host": "evil.example"})).status_code == 421
        assert (await client.get(url, headers={"origin": "https://evil.example"})).status_code == 403
        messages = url.replace("/sse", "/messages/?session_id=1")
        assert await post(messages, headers={"host": "evil.example"}) == 421
        assert await post(messages) == 400


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_body_of_up_to_32_mebibytes_is_accepted(upstream: Replay, version: str) -> None:
    async with serving(upstream, "http") as (url, _):
        image = "data:image/png;base64,iVBORw0KGgoA" + "A" * 20 * 2**20
        part = {"type": "image_url", "image_url": {"url": image}}
        arguments = {"messages": [{"role": "user", "content": [part]}]}
        meta = {**MODERN_META} if version == "2026-07-28" else {}
        call = {"name": CHAT, "arguments": arguments, "_meta": meta}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
        headers = {"mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": CHAT}
        assert await post(url, body, headers) == 200
        assert await post(url, b" " * (32 * 2**20 + 1), headers) == 413
    assert upstream.requests[0].json["messages"][0]["content"][0]["image_url"]["url"] == image


async def test_unreadable_body_leaves_no_prompt_in_the_log(upstream: Replay) -> None:
    async with serving(upstream, "sse") as (url, process), httpx2.AsyncClient(trust_env=False) as client:
        async with client.stream("GET", url) as stream:
            lines = stream.aiter_lines()
            endpoint = next(line for line in [await anext(lines), await anext(lines)] if line.startswith("data: "))
            address = url.replace("/sse", endpoint.removeprefix("data: "))
            broken = b'{"jsonrpc":"2.0","id":1,"method":7,"params":{"x":"SECRET PROMPT"}}'
            assert await post(address, broken) == 400
        process.terminate()
        assert process.stderr is not None
        assert b"SECRET" not in await process.stderr.read()


async def test_clients_share_the_pool_of_connections(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, _):
        for _ in range(3):
            async with Client(url, mode="legacy") as client:
                await client.call_tool(CHAT, HELLO)
    assert len(upstream.requests) == 3
    assert upstream.connections == 1
