"""Cancellations over stdio: the reason decides what becomes of the call."""

import asyncio
from pathlib import Path

import pytest

from tests.chat import body_of
from tests.process import TIMED_OUT, environment, server_process
from tests.replay import COMPLETION, Exchange, Held, Replay


async def test_repeat_after_timeout_claims_the_call(upstream: Replay) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        server.cancel(number, TIMED_OUT)
        _, again = server.ask_grok()
        await server.request("ping", {})
        held.release.set()
        result = (await again)["result"]
        assert body_of(result) == COMPLETION
        assert result["_meta"]["mcp-grok/picked_up"] >= 0
        assert not exchange.closed.is_set()
    assert len(upstream.requests) == 1


async def test_answer_after_a_timeout_goes_to_the_repeat_once(upstream: Replay) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok()
        await upstream.exchanges.get()
        server.cancel(number, TIMED_OUT)
        held.release.set()
        results = [await server.grok() for _ in range(2)]
    assert [body_of(result) for result in results] == [COMPLETION] * 2
    assert ["mcp-grok/picked_up" in result["_meta"] for result in results] == [True, False]
    assert len(upstream.requests) == 2


async def test_timeout_that_crosses_the_answer_leaves_it_to_a_repeat(upstream: Replay) -> None:
    async with server_process(environment(upstream)) as server:
        number, answer = server.ask_grok()
        await answer
        server.cancel(number, TIMED_OUT)
        await server.request("ping", {})
        result = await server.grok()
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


async def test_user_cancellation_before_the_call_is_sent_stops_it(upstream: Replay, tmp_path: Path) -> None:
    Held(upstream)
    async with server_process(environment(upstream, store=f"disk:{tmp_path / 'store'}")) as server:
        for _ in range(20):
            number, _ = server.ask_grok()
            server.cancel(number, "user")
        await server.request("ping", {})
        while not upstream.exchanges.empty():
            await asyncio.wait_for(upstream.exchanges.get_nowait().closed.wait(), 2)
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        assert not exchange.closed.is_set()
    assert upstream.open_connections <= 1


@pytest.mark.parametrize("reason", [None, "user pressed escape"])
async def test_repeat_after_user_cancellation_is_a_new_call(upstream: Replay, reason: str | None) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        server.cancel(number, reason)
        await asyncio.wait_for(exchange.closed.wait(), 2)
        held.release.set()
        result = await server.grok()
    assert body_of(result) == COMPLETION
    assert result["_meta"].keys().isdisjoint(("mcp-grok/picked_up", "mcp-grok/lost"))
    assert len(upstream.requests) == 2


async def test_with_stop_a_timeout_stops_the_call(upstream: Replay) -> None:
    Held(upstream)
    async with server_process(environment(upstream, on_disconnect="stop")) as server:
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        server.cancel(number, TIMED_OUT)
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_timeout_of_a_fetch_leaves_the_call_to_its_id(upstream: Replay) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream, handoff_after="0.05")) as server:
        pending = body_of(await server.grok())
        get = {"name": "grok_get_completion", "arguments": {"id": pending["id"], "wait": 60}}
        for _ in range(2):
            number, _ = server.ask("tools/call", get)
            await server.request("ping", {})
            server.cancel(number, TIMED_OUT)
            await server.request("ping", {})
        held.release.set()
        assert body_of(await server.request("tools/call", get)) == COMPLETION
    assert len(upstream.requests) == 1


async def test_end_of_stdin_stops_every_call(upstream: Replay) -> None:
    Held(upstream)
    async with server_process(environment(upstream)) as server:
        numbers = [server.ask_grok()[0] for _ in range(2)]
        exchanges = [await upstream.exchanges.get() for _ in numbers]
        server.cancel(numbers[0], TIMED_OUT)
        server.close_stdin()
        assert await asyncio.wait_for(server.process.wait(), 5) == 0
    for exchange in exchanges:
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_cancellation_of_an_unknown_request_is_ignored(upstream: Replay) -> None:
    async with server_process(environment(upstream)) as server:
        server.cancel(99, TIMED_OUT)
        server.cancel(1, None)
        assert body_of(await server.grok()) == COMPLETION


async def test_call_among_many_others_can_be_cancelled(upstream: Replay) -> None:
    held, answering = asyncio.Event(), upstream.behave

    async def behave(exchange: Exchange) -> None:
        if b"long" in exchange.request.body:
            await held.wait()
        await answering(exchange)

    upstream.behave = behave
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok(user="long")
        exchange = await upstream.exchanges.get()
        for _ in range(30):
            await asyncio.gather(*(server.grok() for _ in range(20)))
        server.cancel(number, "user")
        await asyncio.wait_for(exchange.closed.wait(), 2)
