"""Servers and workers as processes of their own, which come and go, and are killed."""

import signal
import time

import pytest

from tests.completions.sharing import ELSEWHERE, fetched, of, worker_process
from tests.completions.test_running import hold
from tests.process import server_process
from tests.replay import COMPLETION, Held, Replay
from tests.test_cancellations import body_of, give_up
from tests.valkey import Valkey


async def test_a_call_handed_off_by_one_server_is_fetched_through_another_after_it_has_gone(
    upstream: Replay, valkey: Valkey
) -> None:
    given = of(upstream, valkey)
    async with worker_process(given), server_process(given, ELSEWHERE) as other:
        async with server_process({**given, "MCP_GROK_HANDOFF_AFTER": "0.01"}, ELSEWHERE) as server:
            held = Held(upstream)
            pending = body_of(await server.grok())
            await upstream.exchanges.get()
        held.release.set()
        assert await fetched(other, pending["id"]) == COMPLETION
    assert len(upstream.requests) == 1


async def test_a_client_whose_time_was_up_gets_the_answer_by_asking_again(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    async with server_process(of(upstream, valkey)) as server:
        number, _ = server.ask_grok()
        await upstream.exchanges.get()
        give_up(server, number, "Request timed out")
        _, again = server.ask_grok()
        await server.request("ping", {})
        held.release.set()
        result = (await again)["result"]
        assert "mcp-grok/picked_up" in result["_meta"]
        assert "mcp-grok/picked_up" not in (await server.grok())["_meta"]
    assert len(upstream.requests) == 2


async def test_when_the_process_that_runs_a_call_is_killed_it_is_lost_and_not_run_again(
    upstream: Replay, valkey: Valkey
) -> None:
    upstream.behave = hold
    given = of(upstream, valkey)
    async with server_process(given, ELSEWHERE) as server:
        async with worker_process(given) as worker:
            _, answer = server.ask_grok(stream=True)
            await upstream.exchanges.get()
            worker.kill()
            await worker.wait()
        async with worker_process(given):
            began = time.monotonic()
            error = body_of((await answer)["result"])["error"]
            assert time.monotonic() - began < 30
            assert (error["code"], error["billed"]) == ("lost", "unknown")
            again, _ = server.ask_grok(stream=True)
            await upstream.exchanges.get()
            give_up(server, again, "user")
    assert len(upstream.requests) == 2


async def test_when_the_server_that_waits_is_killed_the_answer_is_picked_up_through_another(
    upstream: Replay, valkey: Valkey
) -> None:
    held = Held(upstream)
    given = of(upstream, valkey)
    async with worker_process(given), server_process(given, ELSEWHERE) as other:
        async with server_process(given, ELSEWHERE) as server:
            server.ask_grok()
            await upstream.exchanges.get()
            server.process.kill()
            await server.process.wait()
        _, again = other.ask_grok()
        await other.request("ping", {})
        held.release.set()
        result = (await again)["result"]
    assert body_of(result) == COMPLETION
    assert result["_meta"]["mcp-grok/picked_up"] >= 0
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("end", ["killed", "stdin closed"])
async def test_a_server_that_ends_with_its_call_leaves_it_to_be_told_as_lost_at_once(
    upstream: Replay, valkey: Valkey, end: str
) -> None:
    held = Held(upstream)
    given = of(upstream, valkey)
    async with server_process(given) as server:
        server.ask_grok()
        await upstream.exchanges.get()
        if end == "killed":
            server.process.kill()
        else:
            server.close_stdin()
        await server.process.wait()
    held.release.set()
    async with server_process(given) as other:
        result = await other.grok()
    assert body_of(result) == COMPLETION
    [lost] = result["_meta"]["mcp-grok/lost"]
    assert lost["billed"] == "unknown"
    assert len(upstream.requests) == 2


async def test_a_worker_that_is_told_to_end_lets_its_calls_end(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    given = of(upstream, valkey)
    async with server_process(given, ELSEWHERE) as server, worker_process(given) as worker:
        _, answer = server.ask_grok()
        await upstream.exchanges.get()
        worker.terminate()
        held.release.set()
        assert body_of((await answer)["result"]) == COMPLETION
        assert await worker.wait() == 128 + signal.SIGTERM
