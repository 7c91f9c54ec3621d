"""Why a client gave a call up, and what becomes of the call: over stdio, to the byte."""

import asyncio
from pathlib import Path

import pytest

from tests.chat import body_of
from tests.process import TIMEOUTS, environment, server_process
from tests.replay import COMPLETION, Exchange, Held, Replay


@pytest.mark.parametrize("reason", TIMEOUTS)
async def test_a_client_whose_time_was_up_gets_the_answer_by_asking_again(upstream: Replay, reason: str) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        server.cancel(number, reason)
        _, again = server.ask_grok()
        await server.request("ping", {})
        held.release.set()
        result = (await again)["result"]
        assert body_of(result) == COMPLETION
        assert result["_meta"]["mcp-grok/picked_up"] >= 0
        assert not exchange.closed.is_set()
    assert len(upstream.requests) == 1


async def test_an_answer_that_came_after_the_client_had_given_up_is_there_when_it_asks_again(upstream: Replay) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream)) as server:
        number, _ = server.ask_grok()
        await upstream.exchanges.get()
        server.cancel(number, "Request timed out")
        held.release.set()
        results = [await server.grok() for _ in range(2)]
    assert [body_of(result) for result in results] == [COMPLETION] * 2
    assert ["mcp-grok/picked_up" in result["_meta"] for result in results] == [True, False]
    assert len(upstream.requests) == 2


async def test_a_client_that_gives_up_in_the_moment_of_the_answer_gets_it_by_asking_again(upstream: Replay) -> None:
    async with server_process(environment(upstream)) as server:
        number, answer = server.ask_grok()
        await answer
        server.cancel(number, "Request timed out")
        await server.request("ping", {})
        result = await server.grok()
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


async def test_a_user_who_cancels_before_the_call_is_sent_stops_it_too(upstream: Replay, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("reason", [None, "", "user pressed escape", "caller cancelled"])
async def test_a_user_who_cancels_stops_the_call_at_once_and_asking_again_is_a_new_call(
    upstream: Replay, reason: str | None
) -> None:
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


async def test_with_stop_a_client_whose_time_was_up_stops_its_call(upstream: Replay) -> None:
    Held(upstream)
    async with server_process(environment(upstream, on_disconnect="stop")) as server:
        number, _ = server.ask_grok()
        exchange = await upstream.exchanges.get()
        server.cancel(number, "Request timed out")
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_a_client_that_gives_up_fetching_finds_the_call_by_its_id_and_by_asking_again(upstream: Replay) -> None:
    held = Held(upstream)
    async with server_process(environment(upstream, handoff_after="0.05")) as server:
        pending = body_of(await server.grok())
        get = {"name": "grok_get_completion", "arguments": {"id": pending["id"], "wait": 60}}
        for _ in range(2):
            number, _ = server.ask("tools/call", get)
            await server.request("ping", {})
            server.cancel(number, "Request timed out")
            await server.request("ping", {})
        held.release.set()
        assert body_of(await server.request("tools/call", get)) == COMPLETION
    assert len(upstream.requests) == 1


async def test_the_end_of_stdin_stops_every_call(upstream: Replay) -> None:
    Held(upstream)
    async with server_process(environment(upstream)) as server:
        numbers = [server.ask_grok()[0] for _ in range(2)]
        exchanges = [await upstream.exchanges.get() for _ in numbers]
        server.cancel(numbers[0], "Request timed out")
        server.close_stdin()
        assert await asyncio.wait_for(server.process.wait(), 5) == 0
    for exchange in exchanges:
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_a_cancellation_of_nothing_is_no_trouble(upstream: Replay) -> None:
    async with server_process(environment(upstream)) as server:
        server.cancel(99, "Request timed out")
        server.cancel(1, None)
        assert body_of(await server.grok()) == COMPLETION


async def test_many_calls_leave_none_that_cannot_be_cancelled(upstream: Replay) -> None:
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
