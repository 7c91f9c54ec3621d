"""Cancellations over streamable HTTP, which say why, or not, and arrive on another connection, perhaps elsewhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.process import INITIALIZE, environment, listening_process, modern_call
from tests.replay import COMPLETION, Held, Replay
from tests.valkey import Valkey

TIMED_OUT = "McpError: MCP error -32001: Request timed out"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
VERSION = {"mcp-protocol-version": "2025-11-25"}


class HandshakeClient:
    """A client of the handshake era: it posts each message on a connection of its own.

    Args:
        url: Of the server.
        session: Whether it sends back the session id that it is given.
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
            self._headers["mcp-session-id"] = self.session
        await self.post({"method": "notifications/initialized"})
        return self

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def post(self, message: dict[str, Any], url: str = "") -> httpx2.Response:
        """Posts a message."""
        return await self._http.post(url or self.url, json={"jsonrpc": "2.0", **message}, headers=self._headers)

    async def call(self, request_id: int, **arguments: Any) -> Any:
        """The result of a call of the tool."""
        given = {"messages": [{"role": "user", "content": "Hello"}], **arguments}
        params = {"name": "grok_chat_completions", "arguments": given}
        response = await self.post({"id": request_id, "method": "tools/call", "params": params})
        assert response.status_code == 200, response.text
        return json.loads(response.text.rpartition("data: ")[2])["result"]

    async def cancel(self, request_id: int, reason: str, url: str = "") -> None:
        """Cancels a request, on another connection than that of its response."""
        params = {"requestId": request_id, "reason": reason}
        response = await self.post({"method": "notifications/cancelled", "params": params}, url)
        assert response.status_code == 202


@asynccontextmanager
async def clients(*opened: HandshakeClient) -> AsyncIterator[tuple[HandshakeClient, ...]]:
    """Clients with open sessions, until the end."""
    try:
        for client in opened:
            await client.open()
        yield opened
    finally:
        for client in opened:
            await client.close()


def text_of(result: Any) -> Any:
    """The JSON of a result."""
    return json.loads(result["content"][0]["text"])


async def test_repeat_after_a_time_out_gets_the_answer_though_the_first_response_stays_open(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url)) as (client,),
    ):
        first = asyncio.create_task(client.call(7))
        await upstream.exchanges.get()
        await client.cancel(7, TIMED_OUT)
        repeat = asyncio.create_task(client.call(8))
        await asyncio.wait({repeat}, timeout=0.2)
        held.release.set()
        result = await repeat
        first.cancel()
    assert text_of(result) == COMPLETION
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


async def test_user_s_cancellation_stops_the_call_at_once_and_is_not_picked_up(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url)) as (client,),
    ):
        first = asyncio.create_task(client.call(7))
        exchange = await upstream.exchanges.get()
        await client.cancel(7, "user pressed escape")
        await asyncio.wait_for(exchange.closed.wait(), 2)
        held.release.set()
        result = await client.call(8)
        await first
    assert text_of(result) == COMPLETION
    assert "mcp-grok/picked_up" not in result["_meta"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("reason", [TIMED_OUT, "user pressed escape"])
async def test_two_clients_of_one_principal_may_both_have_a_request_7(upstream: Replay, reason: str) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url), HandshakeClient(url)) as (one, other),
    ):
        assert one.session != other.session != ""
        calls = [asyncio.create_task(client.call(7, user=user)) for client, user in ((one, "one"), (other, "other"))]
        exchanges = {(exchange := await upstream.exchanges.get()).request.json["user"]: exchange for _ in calls}
        await one.cancel(7, reason)
        await one.post({"id": 1, "method": "tools/list", "params": {}})
        held.release.set()
        result = await calls[1]
        assert text_of(result) == COMPLETION
        assert not exchanges["other"].closed.is_set()
        repeat = await other.call(8, user="other")
        assert "mcp-grok/picked_up" not in repeat["_meta"]
        await calls[0]


async def test_other_principal_with_the_same_session_id_cancels_nothing(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http", "--caller-keys", "require") as (url, _),
        clients(HandshakeClient(url, x_grok_api_key="sk-ann")) as (ann,),
        clients(HandshakeClient(url, x_grok_api_key="sk-bob")) as (bob,),
    ):
        bob._headers["mcp-session-id"] = ann.session
        calling = asyncio.create_task(ann.call(7))
        exchange = await upstream.exchanges.get()
        await bob.cancel(7, "user pressed escape")
        await bob.cancel(7, TIMED_OUT)
        await bob.post({"id": 1, "method": "tools/list", "params": {}})
        assert not exchange.closed.is_set()
        held.release.set()
        assert text_of(await calling) == COMPLETION
        assert "mcp-grok/picked_up" not in (await ann.call(8))["_meta"]


async def test_without_a_session_a_time_out_lets_a_repeat_claim_and_both_get_the_answer(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url, session=False)) as (client,),
    ):
        first = asyncio.create_task(client.call(7))
        await upstream.exchanges.get()
        await client.cancel(7, TIMED_OUT)
        repeat = asyncio.create_task(client.call(8))
        await asyncio.wait({repeat}, timeout=0.2)
        held.release.set()
        assert "mcp-grok/picked_up" in (await repeat)["_meta"]
        assert text_of(await first) == COMPLETION
        assert len(upstream.requests) == 1
        assert "mcp-grok/picked_up" not in (await client.call(9))["_meta"]


async def test_without_a_session_a_user_s_cancellation_stops_nothing(upstream: Replay) -> None:
    held = Held(upstream)
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url, session=False)) as (client,),
    ):
        first = asyncio.create_task(client.call(7))
        exchange = await upstream.exchanges.get()
        await client.cancel(7, "user pressed escape")
        await client.post({"id": 1, "method": "tools/list", "params": {}})
        assert not exchange.closed.is_set()
        held.release.set()
        assert text_of(await first) == COMPLETION


async def test_cancellation_that_overtakes_its_request_is_remembered(upstream: Replay) -> None:
    async with (
        listening_process(environment(upstream), "http") as (url, _),
        clients(HandshakeClient(url)) as (client,),
    ):
        await client.cancel(7, "user pressed escape")
        await client.post({"id": 1, "method": "tools/list", "params": {}})
        error = text_of(await client.call(7))["error"]
    assert (error["code"], error["billed"]) == ("cancelled", "no")
    assert not upstream.requests


@pytest.mark.parametrize("reason", [TIMED_OUT, "user pressed escape"])
async def test_cancellation_that_arrives_at_another_server_finds_its_request(
    upstream: Replay, valkey: Valkey, reason: str
) -> None:
    held = Held(upstream)
    given = environment(upstream, store=valkey.url)
    async with (
        listening_process(given, "http") as (url, _),
        listening_process(given, "http") as (elsewhere, _process),
        clients(HandshakeClient(url)) as (client,),
    ):
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
    assert text_of(result) == COMPLETION
    assert ("mcp-grok/picked_up" in result["_meta"]) is (reason == TIMED_OUT)
    assert len(upstream.requests) == (1 if reason == TIMED_OUT else 2)


async def test_session_id_is_given_to_the_handshake_alone_and_carries_no_state(upstream: Replay) -> None:
    async with listening_process(environment(upstream), "http") as (url, _):
        async with clients(HandshakeClient(url)) as (client,):
            assert len(client.session) == 32
            response = await client.post({"id": 1, "method": "tools/list", "params": {}})
            assert "mcp-session-id" not in response.headers
            client._headers["mcp-session-id"] = "another"
            assert text_of(await client.call(2)) == COMPLETION
        headers, request = modern_call("grok_chat_completions", {"messages": [{"role": "user", "content": "Hello"}]})
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert "mcp-session-id" not in (await http.post(url, json=request, headers=headers)).headers


async def test_answer_that_the_client_did_not_read_is_there_for_its_repeat(upstream: Replay) -> None:
    """A client of 2026-07-28 closes its connection; the repeat, on another one, may overtake that."""
    held = Held(upstream)
    headers, request = modern_call("grok_chat_completions", {"messages": [{"role": "user", "content": "Hello"}]})
    async with listening_process(environment(upstream), "http") as (url, _):
        for wait in (0.0, 0.7):
            async with httpx2.AsyncClient(trust_env=False) as http:
                first = asyncio.create_task(http.post(url, json=request, headers=headers))
                await upstream.exchanges.get()
                await asyncio.sleep(wait)
                first.cancel()
                await asyncio.wait({first})
            if not wait:
                # A duplicate younger than half a second does not count as an earlier try.
                await asyncio.sleep(0.1)
            async with httpx2.AsyncClient(trust_env=False) as http:
                repeat = asyncio.create_task(http.post(url, json=request, headers=headers))
                await asyncio.wait({repeat}, timeout=0.2)
                held.release.set()
                result = json.loads((await repeat).text.rpartition("data: ")[2])["result"]
            assert "mcp-grok/picked_up" in result["_meta"]
            held.release.clear()
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("servers", [1, 2])
async def test_repeat_of_a_session_that_gave_up_without_a_word_gets_the_answer(
    upstream: Replay, valkey: Valkey, servers: int
) -> None:
    """The Python SDK 1.x sends no cancellation when it times out, and keeps its connection open."""
    held = Held(upstream)
    given = environment(upstream, store=valkey.url)
    async with (
        listening_process(given, "http") as (url, _),
        listening_process(given, "http") as (elsewhere, _process),
        clients(HandshakeClient(url), HandshakeClient(url)) as (client, other),
    ):
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
    assert [text_of(result) for result in results] == [COMPLETION] * 3
    assert ["mcp-grok/picked_up" in result["_meta"] for result in results] == [False, True, False]
    assert len(upstream.requests) == 2
