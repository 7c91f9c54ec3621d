"""Cancellations over streamable HTTP: with a reason or without, on another connection, or at another server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.http.requests import post, result_of
from tests.process import INITIALIZE, TIMED_OUT, environment, listening_process
from tests.replay import COMPLETION, Held, Replay
from tests.valkey import Valkey

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
VERSION = {"mcp-protocol-version": "2025-11-25"}


class HandshakeClient:
    """A client of the handshake era: it posts each message on a connection of its own.

    Args:
        url: Of the server.
        session: Whether it sends the session id that it gets.
        headers: Sent with each message.
    """

    def __init__(self, url: str, *, session: bool = True, **headers: str) -> None:
        self.url = url
        self._sends_session = session
        self._headers = {**ACCEPT, **VERSION, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.session = ""
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30)

    async def open(self) -> "HandshakeClient":
        """Opens the session."""
        response = await self.post({"id": 0, "method": "initialize", "params": INITIALIZE})
        self.session = response.headers.get("mcp-session-id", "")
        if self._sends_session:
            self.use_session(self.session)
        await self.post({"method": "notifications/initialized"})
        return self

    def use_session(self, session: str) -> None:
        """Sends a session id with each further message."""
        self._headers["mcp-session-id"] = session

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def post(self, message: dict[str, Any], url: str = "") -> httpx2.Response:
        """Posts a message."""
        return await self._http.post(url or self.url, json={"jsonrpc": "2.0", **message}, headers=self._headers)

    async def call(self, request_id: int, **arguments: Any) -> Any:
        """The result of a call of the tool."""
        params = {"name": CHAT, "arguments": {**HELLO, **arguments}}
        response = await self.post({"id": request_id, "method": "tools/call", "params": params})
        assert response.status_code == 200, response.text
        return result_of(response)

    async def cancel(self, request_id: int, reason: str, url: str = "") -> None:
        """Cancels a request, on another connection than that of its response."""
        params = {"requestId": request_id, "reason": reason}
        response = await self.post({"method": "notifications/cancelled", "params": params}, url)
        assert response.status_code == 202


@asynccontextmanager
async def open_clients(*clients: HandshakeClient) -> AsyncIterator[tuple[HandshakeClient, ...]]:
    """Clients with open sessions."""
    async with AsyncExitStack() as stack:
        for client in clients:
            stack.push_async_callback(client.close)
            await client.open()
        yield clients


@pytest.fixture
async def url(upstream: Replay) -> AsyncIterator[str]:
    """The URL of a server."""
    async with listening_process(environment(upstream), "http") as (url, _):
        yield url


@pytest.fixture
async def urls(upstream: Replay, valkey: Valkey) -> AsyncIterator[tuple[str, str]]:
    """The URLs of two servers that share a store."""
    given = environment(upstream, store=valkey.url)
    async with listening_process(given, "http") as (one, _), listening_process(given, "http") as (other, _process):
        yield one, other


@pytest.fixture
async def client(url: str) -> AsyncIterator[HandshakeClient]:
    """A client of the server with a session."""
    async with open_clients(HandshakeClient(url)) as (client,):
        yield client


@pytest.fixture
async def sessionless(url: str) -> AsyncIterator[HandshakeClient]:
    """A client of the server that sends no session id."""
    async with open_clients(HandshakeClient(url, session=False)) as (client,):
        yield client


async def repeat_after_a_timeout(upstream: Replay, client: HandshakeClient) -> tuple[Any, asyncio.Task[Any]]:
    """The result of a repeat that is made while the first response is open, and the first call."""
    held = Held(upstream)
    first = asyncio.create_task(client.call(7))
    await upstream.exchanges.get()
    await client.cancel(7, TIMED_OUT)
    repeat = asyncio.create_task(client.call(8))
    await asyncio.wait({repeat}, timeout=0.2)
    held.release.set()
    return await repeat, first


async def test_repeat_after_a_timeout_claims_the_call_while_the_first_response_is_open(
    upstream: Replay, client: HandshakeClient
) -> None:
    result, first = await repeat_after_a_timeout(upstream, client)
    first.cancel()
    assert body_of(result) == COMPLETION
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


async def test_user_s_cancellation_stops_the_call(upstream: Replay, client: HandshakeClient) -> None:
    held = Held(upstream)
    first = asyncio.create_task(client.call(7))
    exchange = await upstream.exchanges.get()
    await client.cancel(7, "user pressed escape")
    await asyncio.wait_for(exchange.closed.wait(), 2)
    held.release.set()
    result = await client.call(8)
    await first
    assert body_of(result) == COMPLETION
    assert "mcp-grok/picked_up" not in result["_meta"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("reason", [TIMED_OUT, "user pressed escape"])
async def test_sessions_do_not_share_request_ids(upstream: Replay, client: HandshakeClient, reason: str) -> None:
    held = Held(upstream)
    async with open_clients(HandshakeClient(client.url)) as (other,):
        assert client.session != other.session != ""
        calls = [asyncio.create_task(one.call(7, user=user)) for one, user in ((client, "one"), (other, "other"))]
        exchanges = {(exchange := await upstream.exchanges.get()).request.json["user"]: exchange for _ in calls}
        await client.cancel(7, reason)
        await client.post({"id": 1, "method": "tools/list", "params": {}})
        held.release.set()
        assert body_of(await calls[1]) == COMPLETION
        assert not exchanges["other"].closed.is_set()
        repeat = await other.call(8, user="other")
        assert "mcp-grok/picked_up" not in repeat["_meta"]
        await calls[0]


async def test_principals_do_not_share_sessions(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http", "--caller-keys", "require") as (url, _),
        open_clients(HandshakeClient(url, x_grok_api_key="sk-ann"), HandshakeClient(url, x_grok_api_key="sk-bob")) as (
            ann,
            bob,
        ),
    ):
        bob.use_session(ann.session)
        calling = asyncio.create_task(ann.call(7))
        exchange = await upstream.exchanges.get()
        await bob.cancel(7, "user pressed escape")
        await bob.cancel(7, TIMED_OUT)
        await bob.post({"id": 1, "method": "tools/list", "params": {}})
        assert not exchange.closed.is_set()
        held.release.set()
        assert body_of(await calling) == COMPLETION
        assert "mcp-grok/picked_up" not in (await ann.call(8))["_meta"]


async def test_without_a_session_a_repeat_after_a_timeout_shares_the_call(
    upstream: Replay, sessionless: HandshakeClient
) -> None:
    result, first = await repeat_after_a_timeout(upstream, sessionless)
    assert "mcp-grok/picked_up" in result["_meta"]
    assert body_of(await first) == COMPLETION
    assert len(upstream.requests) == 1
    assert "mcp-grok/picked_up" not in (await sessionless.call(9))["_meta"]


async def test_without_a_session_a_user_s_cancellation_stops_nothing(
    upstream: Replay, sessionless: HandshakeClient
) -> None:
    held = Held(upstream)
    first = asyncio.create_task(sessionless.call(7))
    exchange = await upstream.exchanges.get()
    await sessionless.cancel(7, "user pressed escape")
    await sessionless.post({"id": 1, "method": "tools/list", "params": {}})
    assert not exchange.closed.is_set()
    held.release.set()
    assert body_of(await first) == COMPLETION


async def test_cancellation_that_arrives_before_its_request_is_remembered(
    upstream: Replay, client: HandshakeClient
) -> None:
    await client.cancel(7, "user pressed escape")
    await client.post({"id": 1, "method": "tools/list", "params": {}})
    error = body_of(await client.call(7))["error"]
    assert (error["code"], error["billed"]) == ("cancelled", "no")
    assert not upstream.requests


@pytest.mark.parametrize("reason", [TIMED_OUT, "user pressed escape"])
async def test_cancellation_at_another_server_finds_its_request(
    upstream: Replay, urls: tuple[str, str], reason: str
) -> None:
    held = Held(upstream)
    url, elsewhere = urls
    async with open_clients(HandshakeClient(url)) as (client,):
        first = asyncio.create_task(client.call(7))
        exchange = await upstream.exchanges.get()
        await client.cancel(7, reason, elsewhere)
        if reason != TIMED_OUT:
            await asyncio.wait_for(exchange.closed.wait(), 2)
        client.url = elsewhere
        await asyncio.sleep(0.1)
        repeat = asyncio.create_task(client.call(8))
        await asyncio.wait({repeat}, timeout=0.2)
        held.release.set()
        result = await repeat
        await first
    assert body_of(result) == COMPLETION
    assert ("mcp-grok/picked_up" in result["_meta"]) is (reason == TIMED_OUT)
    assert len(upstream.requests) == (1 if reason == TIMED_OUT else 2)


async def test_initialize_alone_gives_a_session_id_and_it_carries_no_state(client: HandshakeClient) -> None:
    assert len(client.session) == 32
    response = await client.post({"id": 1, "method": "tools/list", "params": {}})
    assert "mcp-session-id" not in response.headers
    client.use_session("another")
    assert body_of(await client.call(2)) == COMPLETION


async def test_modern_client_gets_no_session_id(url: str) -> None:
    assert "mcp-session-id" not in (await post(url)).headers


@pytest.mark.parametrize("seconds", [0.0, 0.7])
async def test_repeat_of_a_modern_client_gets_the_answer_after_a_disconnect(
    upstream: Replay, url: str, seconds: float
) -> None:
    """Calls that are younger and older than half a second are treated differently."""
    held = Held(upstream)
    first = asyncio.create_task(post(url))
    await upstream.exchanges.get()
    await asyncio.sleep(seconds)
    first.cancel()
    await asyncio.wait({first})
    if not seconds:
        # A repeat does not wait for the disconnect of so young a call.
        await asyncio.sleep(0.1)
    repeat = asyncio.create_task(post(url))
    await asyncio.wait({repeat}, timeout=0.2)
    held.release.set()
    assert "mcp-grok/picked_up" in result_of(await repeat)["_meta"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("servers", [1, 2])
async def test_repeat_after_a_silent_timeout_gets_the_answer(
    upstream: Replay, urls: tuple[str, str], servers: int
) -> None:
    """The Python SDK 1.x sends no cancellation when it times out, and keeps its connection open."""
    held = Held(upstream)
    url, elsewhere = urls
    async with open_clients(HandshakeClient(url), HandshakeClient(url)) as (client, other):
        first = asyncio.create_task(client.call(7))
        await upstream.exchanges.get()
        await asyncio.sleep(0.6)
        unrelated = asyncio.create_task(other.call(7))
        await upstream.exchanges.get()
        client.url = elsewhere if servers == 2 else url
        repeat = asyncio.create_task(client.call(8))
        await asyncio.wait({repeat}, timeout=1.5)
        held.release.set()
        results = [await first, await repeat, await unrelated]
    assert [body_of(result) for result in results] == [COMPLETION] * 3
    assert ["mcp-grok/picked_up" in result["_meta"] for result in results] == [False, True, False]
    assert len(upstream.requests) == 2
