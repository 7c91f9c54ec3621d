"""Calls that several processes share: how they end, and what is left of them."""

import anyio
import anyio.abc
import pytest
from pydantic import SecretStr

from mcp_grok.completions import Caller
from mcp_grok.completions.distributed import open_distributed
from mcp_grok.completions.distributed.sealed import Seal
from mcp_grok.completions.distributed.state import open_redis
from mcp_grok.errors import GrokError, NotConfigured, Unavailable
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.worker import run_worker
from tests.completions.sharing import opened
from tests.completions.test_running import hello, hold
from tests.conftest import KEY, settings_for
from tests.replay import Held, Replay
from tests.valkey import Valkey


async def test_a_call_cancelled_elsewhere_closes_its_connection_and_tells_who_waits(
    upstream: Replay, shared: Settings
) -> None:
    upstream.behave = hold
    async with opened(shared, shared, runs=False) as (one, other):
        call = await one.start(hello(stream=True))
        exchange = await upstream.exchanges.get()
        await one.keep(call)
        here, there = await one.find(call.id), await other.find(call.id)
        await other.cancel(there)
        with anyio.fail_after(1):
            await exchange.closed.wait()
            outcomes = [await here.wait(), await there.wait()]
        assert (await one.start(hello())).notes == {}
    for outcome in outcomes:
        assert isinstance(outcome, GrokError)
        told = outcome.as_dict()
        assert (told["code"], told["billed"]) == ("cancelled", "unknown")


async def test_a_call_that_nobody_has_begun_is_cancelled_without_a_bill(upstream: Replay, shared: Settings) -> None:
    async with opened(shared, runs=False) as (one,):
        call = await one.start(hello())
        call.cancel()
        outcome = await call.wait()
    assert isinstance(outcome, GrokError)
    assert (outcome.as_dict()["code"], outcome.as_dict()["billed"]) == ("cancelled", "no")
    assert not upstream.requests


async def test_a_call_that_no_process_runs_ends_at_its_time_limit_without_a_bill(
    upstream: Replay, valkey: Valkey
) -> None:
    async with opened(settings_for(upstream, store=valkey.url, timeout=0.5), runs=False) as (one,):
        outcome = await (await one.start(hello())).wait()
    assert isinstance(outcome, GrokError)
    told = outcome.as_dict()
    assert (told["code"], told["billed"]) == ("timeout", "no")
    assert "still waiting to be sent" in told["message"]
    assert not upstream.requests


async def test_the_wait_in_line_counts_for_the_time_limit(
    upstream: Replay, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.behave = hold
    monkeypatch.setattr("mcp_grok.completions.distributed.runner.IN_LINE", 0)
    async with opened(settings_for(upstream, store=valkey.url, timeout=0.5)) as (one,):
        outcome = await (await one.start(hello(stream=True))).wait()
    assert isinstance(outcome, GrokError)
    told = outcome.as_dict()
    assert (told["code"], told["billed"], told["partial"]) == ("timeout", "unknown", "so far")


async def test_what_answers_have_used_is_counted_over_all_processes(upstream: Replay, shared: Settings) -> None:
    counted: list[tuple[str, int]] = []

    async def count(name: str, tokens: int) -> None:
        counted.append((name, tokens))

    ann = Caller("ann")
    async with open_distributed(shared, on_answer=count) as one, open_distributed(shared, on_answer=count) as other:
        for place in (one, other):
            await (await place.start(hello(), ann)).wait()
        while len(counted) < 2:
            await anyio.lowlevel.checkpoint()
        spent = [await place.spending(ann) for place in (one, other)]
        assert (await one.spending(Caller("bob")))["models"] == {}
        assert await one.under_way(ann) == 0
    assert spent[0] == spent[1]
    assert spent[0]["models"]["grok-4"]["answers"] == 2
    assert spent[0]["models"]["grok-4"]["total_tokens"] == 20
    assert counted == [("ann", 10)] * 2


async def test_how_many_calls_of_a_caller_run_is_known_everywhere(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    async with opened(shared, shared) as (one, other):
        for _ in range(2):
            await one.start(hello(), Caller("ann"))
        assert await other.under_way(Caller("ann")) == 2
        assert await other.under_way(Caller("bob")) == 0


async def test_neither_the_keys_nor_the_request_stay_in_the_store(
    upstream: Replay, shared: Settings, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    own = "sk-own-key-of-ann"
    request = hello(text="a very private question")
    async with opened(shared) as (one,):
        outcome = await (await one.start(request, Caller("ann", SecretStr(own)))).wait()
        assert isinstance(outcome, Completion)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {own}"
    assert own.encode() not in valkey.dump()
    assert KEY.encode() not in valkey.dump()
    for secret in (own, KEY, "private question"):
        assert secret not in caplog.text


async def test_what_runs_here_is_lost_when_the_server_ends_and_is_not_run_by_another(
    upstream: Replay, shared: Settings
) -> None:
    upstream.behave = hold
    async with opened(shared, runs=False) as (other,):
        async with opened(shared) as (one,):
            call = await one.start(hello(stream=True))
            await upstream.exchanges.get()
            one.stop_all()
            outcome = await call.wait()
            with pytest.raises(Unavailable):
                await one.start(hello())
        assert isinstance(outcome, GrokError)
        assert (outcome.as_dict()["code"], outcome.as_dict()["billed"]) == ("lost", "unknown")
        again = await other.start(hello())
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
    assert len(upstream.requests) == 1


async def test_a_server_that_drains_lets_its_calls_end(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    async with opened(shared) as (one,), anyio.create_task_group() as tasks:
        call = await one.start(hello())
        await upstream.exchanges.get()
        tasks.start_soon(one.drain, 10)
        held.release.set()
        assert isinstance(await call.wait(), Completion)


async def test_a_caller_s_key_that_the_running_process_cannot_read_is_told_and_nothing_is_sent(
    upstream: Replay, shared: Settings
) -> None:
    seal = Seal(settings_for(upstream, api_key="another"))
    async with opened(shared) as (one,):
        one._seal = seal
        outcome = await (await one.start(hello(), Caller("ann", SecretStr("sk-ann")))).wait()
    assert isinstance(outcome, GrokError)
    assert (outcome.as_dict()["code"], outcome.as_dict()["billed"]) == ("not_configured", "no")
    assert not upstream.requests


async def test_connections_to_the_store_are_closed_by_whoever_is_cancelled(valkey: Valkey) -> None:
    async def connect(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with open_redis(valkey.url) as redis:
            await redis.ping()
            task_status.started()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        await tasks.start(connect)
        tasks.cancel_scope.cancel()
    async with open_redis(valkey.url) as redis:
        assert len(await redis.client_list()) == 1


async def test_a_worker_without_a_store_or_an_address_says_what_it_needs(upstream: Replay) -> None:
    with pytest.raises(NotConfigured, match="MCP_GROK_STORE"):
        await run_worker(settings_for(upstream))
    with pytest.raises(NotConfigured, match="MCP_GROK_BASE_URL"):
        await run_worker(Settings(provider="sandbox", store="redis://127.0.0.1:1/0"))


async def test_a_store_that_is_not_there_is_told(upstream: Replay) -> None:
    with pytest.raises(NotConfigured, match="MCP_GROK_STORE"):
        async with open_distributed(settings_for(upstream, store="redis://:secret@127.0.0.1:1/0")):
            pass


async def test_while_the_store_is_away_calls_are_refused_and_an_answer_is_kept_until_it_is_back(
    upstream: Replay, shared: Settings, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(upstream)
    async with opened(shared) as (one,):
        call = await one.start(hello())
        await upstream.exchanges.get()
        assert await one.is_ready()
        await anyio.to_thread.run_sync(valkey.stop)
        held.release.set()
        assert not await one.is_ready()
        with pytest.raises(GrokError, match="cannot be reached") as refused:
            await one.start(hello(text="Hi"))
        assert refused.value.as_dict()["billed"] == "no"
        await anyio.to_thread.run_sync(valkey.start)
        assert isinstance(await call.wait(), Completion)
        assert await one.is_ready()
        assert isinstance(await (await one.start(hello(text="Hi"))).wait(), Completion)
    assert len(upstream.requests) == 2
    assert "Traceback" not in caplog.text


async def test_whoever_waits_while_the_store_is_away_is_told_and_gets_the_answer_later(
    upstream: Replay, shared: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_grok.completions.distributed.waited_for.SILENCE", 0.1)
    held = Held(upstream)
    async with opened(shared) as (one,):
        call = await one.start(hello())
        await upstream.exchanges.get()
        await anyio.to_thread.run_sync(valkey.stop)
        outcome = await call.wait()
        held.release.set()
        await anyio.to_thread.run_sync(valkey.start)
        again = await one.start(hello())
        assert again.id == call.id
        assert isinstance(await again.wait(), Completion)
    assert isinstance(outcome, GrokError)
    told = outcome.as_dict()
    assert (told["code"], told["billed"], told["retryable"]) == ("out_of_reach", "unknown", True)
    assert len(upstream.requests) == 1


async def test_after_the_store_was_away_calls_are_run_though_an_old_one_still_runs(
    upstream: Replay, shared: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_grok.completions.distributed.queue.SETTLING", 0.5)
    answering = upstream.behave
    upstream.behave = hold
    async with opened(shared) as (one,):
        old = await one.start(hello(stream=True))
        await upstream.exchanges.get()
        await anyio.to_thread.run_sync(valkey.stop)
        assert not await one.is_ready()
        await anyio.to_thread.run_sync(valkey.start)
        upstream.behave = answering
        assert isinstance(await (await one.start(hello(text="Hi"))).wait(), Completion)
        assert old.outcome is None
