"""Calls that servers share through a real Valkey; here the servers are in one process."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import pytest
import trustme
from pydantic import SecretStr, ValidationError

from mcp_grok.calls import CallerLimits, Interrupted, Reason, State, open_calls
from mcp_grok.calls.call import Work
from mcp_grok.calls.redis_client import AWAY, open_redis
from mcp_grok.calls.redis_record import call_key, holders_key
from mcp_grok.calls.redis_servers import Servers
from mcp_grok.calls.redis_store import open_redis_store
from mcp_grok.calls.redis_transactions import Transactions
from mcp_grok.calls.store import BOUNDS, Bounds
from mcp_grok.errors import (
    GrokError,
    InternalError,
    LimitReached,
    Lost,
    NotConfigured,
    NotFound,
    OutOfReach,
    StoreUnreachable,
)
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings, explain
from mcp_grok.upstream.completion import Completion
from tests.calls.servers import (
    ANSWER,
    QUICK,
    SOON,
    ask,
    call_of,
    ended,
    fetch,
    hand_off,
    hello,
    new_call,
    opened,
    orphaned,
    outcome_of,
    until,
)
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, Exchange, Held, HeldStream, Replay, hold
from tests.valkey import Valkey


@asynccontextmanager
async def transactions(url: str) -> AsyncIterator[Transactions]:
    """The transactions of a server that does nothing else."""

    async def returned() -> None:
        pass

    async with open_redis(url) as redis:
        servers = Servers(redis, QUICK, lambda message: None, returned)
        await servers.beat()
        yield Transactions(redis, servers, lambda call_id: [], BOUNDS, QUICK)


async def test_running_call_is_fetched_elsewhere_with_its_text(upstream: Replay, shared: Settings) -> None:
    held = HeldStream(upstream)
    async with opened(shared, shared) as (one, other):
        request = await ask(one, hello(stream=True))
        came = anyio.Event()
        call_of(request).follow(lambda text: came.set())
        await came.wait()
        call_id = await hand_off(request)
        fetching = await fetch(other, call_id)
        pieces: list[str] = []
        call_of(fetching).follow(pieces.append)
        await until(lambda: "".join(pieces) == "so far")
        assert (call_of(fetching).state, call_of(fetching).model) == (State.RUNNING, "grok-4")
        held.release.set()
        outcome = await outcome_of(fetching)
        assert await outcome_of(await fetch(one, call_id)) == outcome
    assert isinstance(outcome, Completion)
    assert "".join(pieces) == "so far, done"
    assert len(upstream.requests) == 1


async def test_lost_message_leaves_no_gap_in_the_text(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with (
        open_redis_store(shared.store, timings=QUICK) as store,
        open_calls(shared) as one,
        open_redis(shared.store) as redis,
    ):
        call_id = await hand_off(await ask(one, hello(stream=True)))
        call = await store.find(call_id)
        assert call is not None
        one_call = await one.find(call_id)
        assert one_call.work is not None
        call.work = Work()
        pieces: list[str] = []
        call.follow(pieces.append)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.follow, call)
            await until(lambda: pieces)
            after_a_gap = {"at": 400, "text": "later", "state": "running", "reasoning": ""}
            await redis.publish(
                f"mcp-grok:server:{store.process}", json.dumps({"do": "text", "call": call_id, **after_a_gap})
            )
            one_call.work.text_came(", and on")
            await until(lambda: "".join(pieces) == "so far, and on")
            tasks.cancel_scope.cancel()


async def test_second_follower_gets_the_text_from_its_beginning(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with opened(shared, shared) as (one, other):
        call_id = await hand_off(await ask(one, hello(stream=True)))
        for _ in range(2):
            fetching = await fetch(other, call_id)
            await until(lambda request=fetching: call_of(request).text == "so far")  # type: ignore[misc]
            await fetching.interrupt(Reason.CLIENT_TIMEOUT)


async def test_nonce_tells_a_repeated_claim_from_another(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    async with opened(shared) as (one,), transactions(shared.store) as other, open_redis(shared.store) as redis:
        call = await orphaned(one)

        async def is_written() -> bool:
            return not await redis.exists(holders_key(call.id))

        await until(is_written)
        assert await other.claim(call.id, "nonce") is not None
        assert await other.claim(call.id, "nonce") is not None
        assert await other.claim(call.id, "another") is None


async def test_call_that_fails_during_a_claim_is_claimed_or_lost(upstream: Replay, shared: Settings) -> None:
    async def drop(exchange: Exchange) -> None:
        exchange.hang_up()

    async with opened(shared) as (calls,):
        for number in range(50):
            upstream.behave = drop
            held = Held(upstream)
            chat = hello(text=f"question {number}")
            first = await orphaned(calls, chat)
            held.release.set()
            for _ in range(number):
                # The two race: each round starts the repeat a little later.
                await anyio.lowlevel.checkpoint()
            repeat = await ask(calls, chat)
            lost = [call["id"] for call in repeat.notes.get("lost", [])]
            assert call_of(repeat).id == first.id or lost == [first.id]
            await outcome_of(repeat)


async def test_pending_writes_are_done_at_the_end_of_the_process(upstream: Replay, shared: Settings) -> None:
    async with open_redis_store(shared.store) as other:
        with anyio.CancelScope() as signal:
            async with open_calls(shared) as calls:
                request = await ask(calls)
                await call_of(request).wait()
                call_id = call_of(request).id
                await calls.give_id(request)
                await request.delivered()
                signal.cancel()
                await anyio.lowlevel.checkpoint()
        found = await other.find(call_id)
    assert found is not None
    assert isinstance(found.outcome, Completion)


async def test_only_its_own_principal_finds_a_call_elsewhere(upstream: Replay, shared: Settings) -> None:
    ann, bob = Principal("ann"), Principal("bob")
    async with opened(shared, shared) as (one, other):
        call_id = await hand_off(await ask(one, principal=ann))
        with pytest.raises(NotFound):
            await other.find(call_id, bob)
        assert (await other.find(call_id, ann)).id == call_id
        with pytest.raises(NotFound):
            await other.find("grok-none", ann)


async def test_equal_calls_on_two_servers_stay_two(upstream: Replay, shared: Settings) -> None:
    async with opened(shared, shared) as (one, other):
        requests = [await ask(one), await ask(other), await ask(one)]
        for request in requests:
            assert isinstance(await outcome_of(request), Completion)
    assert len({call_of(request).id for request in requests}) == 3
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("ended", [False, True])
async def test_orphan_is_claimed_elsewhere_once(upstream: Replay, shared: Settings, ended: bool) -> None:
    held = Held(upstream)
    async with opened(shared, shared) as (one, other):
        call = await orphaned(one)
        if ended:
            held.release.set()
            await call.wait()
        repeat = await ask(other, hello(stream=True))
        assert call_of(repeat).id == call.id
        assert repeat.notes["picked_up"] >= 0
        further = await ask(one)
        assert call_of(further).id != call.id
        held.release.set()
        for request in (repeat, further):
            assert isinstance(await outcome_of(request), Completion)
    assert len(upstream.requests) == 2


async def test_one_of_many_repeats_claims_the_orphan(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    ids: list[str] = []
    async with opened(shared, shared) as (one, other):
        call = await orphaned(one)

        async def repeat(calls: Any) -> None:
            ids.append(call_of(await ask(calls)).id)

        async with anyio.create_task_group() as tasks:
            for calls in (one, other) * 10:
                tasks.start_soon(repeat, calls)
    assert ids.count(call.id) == 1
    assert len(set(ids)) == 20


async def test_call_goes_on_while_another_server_waits_for_it(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    async with opened(shared, shared) as (one, other):
        first = await ask(one)
        await one.give_id(first)
        second = await fetch(other, call_of(first).id)
        await first.interrupt(Reason.USER)
        held.release.set()
        assert isinstance(await outcome_of(second), Completion)
    assert len(upstream.requests) == 1


async def test_user_cancellation_elsewhere_stops_the_call(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with opened(shared, shared) as (one, other):
        first = await ask(one, hello(stream=True))
        exchange = await upstream.exchanges.get()
        await first.interrupt(Reason.CLIENT_TIMEOUT)
        repeat = await ask(other, hello(stream=True))
        assert call_of(repeat).id == call_of(first).id
        await repeat.interrupt(Reason.USER)
        further = await ask(one)
        assert call_of(further).id != call_of(first).id
        assert further.notes == {}
        with anyio.fail_after(1):
            await exchange.closed.wait()


async def test_cancel_elsewhere_ends_the_call_and_every_wait(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with opened(shared, shared) as (one, other):
        request = await ask(one, hello(stream=True))
        exchange = await upstream.exchanges.get()
        call_id = await hand_off(request)
        here, there = await fetch(one, call_id), await fetch(other, call_id)
        await other.cancel(call_of(there))
        with anyio.fail_after(2):
            await exchange.closed.wait()
            outcomes = [await outcome_of(here), await outcome_of(there)]
        assert (await ask(one)).notes == {}
    for outcome in outcomes:
        assert isinstance(outcome, GrokError)
        assert (outcome.code, outcome.billed) == ("cancelled", "unknown")


async def test_any_server_reports_a_lost_call_until_delivered(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with opened(shared, shared, timings=SOON) as (one, other):
        call = await orphaned(one)
        await call.wait()
        upstream.answer(COMPLETION)
        crossed = await ask(other)
        assert crossed.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        await outcome_of(crossed)
        await crossed.interrupt(Reason.USER)
        again = await ask(one)
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        await again.delivered()
        assert (await ask(other)).notes == {}


async def test_server_without_a_sign_of_life_loses_its_calls(redis_url: str) -> None:
    """Its outcome, should it be alive after all, replaces the loss."""
    silent = replace(QUICK, beat=1000)
    async with (
        open_redis_store(redis_url, timings=silent) as one,
        open_redis_store(redis_url, timings=QUICK) as other,
        open_redis(redis_url) as redis,
    ):
        call = new_call(one)
        await one.insert(call, None)
        await redis.delete(f"mcp-grok:alive:{one.process}")
        before = time.monotonic()
        found = await other.find(call.id)
        assert found is not None
        assert isinstance(found.outcome, Lost)
        assert QUICK.look <= time.monotonic() - before < 2
        call.state = State.COMPLETED
        await one.commit(call, ANSWER)
        found = await other.find(call.id)
        assert found is not None
        assert found.outcome == ANSWER


async def test_error_between_two_looks_finds_no_dead_server(valkey: Valkey) -> None:
    async with open_redis_store(valkey.url, timings=QUICK) as store:
        dead = store.servers.dead
        assert await dead(["unknown"]) == set()
        await anyio.to_thread.run_sync(valkey.stop)
        with pytest.raises(AWAY):
            await dead(["unknown"])
        await anyio.to_thread.run_sync(valkey.start)
        await anyio.sleep(QUICK.look)
        assert await dead(["unknown"]) == set()
        await anyio.sleep(QUICK.look)
        assert await dead(["unknown"]) == {"unknown"}


async def test_limit_of_running_calls_holds_over_servers(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    refused: list[GrokError] = []
    async with opened(shared, shared, shared, limits=CallerLimits(calls_at_once=2)) as servers:

        async def try_one(number: int) -> None:
            try:
                await ask(servers[number % 3], hello(text=str(number)), Principal("ann"))
            except LimitReached as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(try_one, number)
        running = sum(calls.under_way(Principal("ann")) for calls in servers)
        assert running <= 2
        assert len(refused) == 40 - running
        held.release.set()
        await until(lambda: not any(calls.under_way(Principal("ann")) for calls in servers))
        for number in range(2):
            await outcome_of(await ask(servers[number], hello(text=f"again {number}"), Principal("ann")))


async def test_usage_is_counted_once_over_all_servers(upstream: Replay, shared: Settings) -> None:
    ann = Principal("ann")
    async with opened(shared, shared) as (one, other):
        for calls in (one, other):
            await outcome_of(await ask(calls, principal=ann))

        async def both() -> dict[str, Any]:
            totals: dict[str, Any] = (await one.usage(ann))["models"].get("grok-4", {})
            return totals if totals.get("answers") == 2 else {}

        totals = await until(both)
        assert await other.usage(ann) == await one.usage(ann)
        assert (await one.usage(Principal("bob")))["models"] == {}
    assert (totals["answers"], totals["total_tokens"]) == (2, 20)


async def test_outcome_written_again_is_counted_once(redis_url: str) -> None:
    async with open_redis_store(redis_url) as store, transactions(redis_url) as other:
        write = other.commitment(new_call(store, principal="ann"), ANSWER, b"{}")
        await write()
        await write()
        assert (await store.usage("ann"))["models"]["grok-4"]["answers"] == 1


async def test_neither_keys_nor_prompts_go_into_the_store(
    upstream: Replay, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    own = "sk-own-key-of-ann"
    async with open_calls(settings_for(upstream, store=valkey.url)) as calls:
        request = await ask(calls, hello(text="a very private question"), Principal("ann", SecretStr(own)))
        assert isinstance(await outcome_of(request), Completion)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {own}"
    for secret in (own, KEY, "private question"):
        assert secret.encode() not in valkey.dump()
        assert secret not in caplog.text


async def test_every_record_expires(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    async with opened(shared) as (calls,), open_redis(shared.store) as redis:
        await ask(calls)
        await orphaned(calls, hello(text="Hi"))
        for key in await redis.keys("mcp-grok:*"):
            assert key == "mcp-grok:ended" or await redis.ttl(key) > 0


async def test_delivered_call_leaves_no_record(upstream: Replay, shared: Settings) -> None:
    async with opened(shared) as (calls,), open_redis(shared.store) as redis:
        await outcome_of(await ask(calls))

        async def is_empty() -> bool:
            keys = await redis.keys("mcp-grok:*")
            return not [key for key in keys if "alive" not in key and "usage" not in key]

        await until(is_empty)


async def test_oldest_records_over_the_bytes_go_first(redis_url: str) -> None:
    async with open_redis_store(redis_url, Bounds(bytes=900), QUICK) as store:
        calls = [await ended(store, str(number)) for number in range(3)]

        async def kept() -> bool:
            return [await store.find(call.id) is not None for call in calls] == [False, True, True]

        await until(kept)


RUBBISH = [
    "{}",
    "[",
    "null",
    '{"completion": {}}',
    '{"error": 5}',
    "\udcff",
    '{"completion": {"body": {"choices": []}}}',
]


@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_unreadable_record_fails_its_call_alone(upstream: Replay, shared: Settings, rubbish: str) -> None:
    async with opened(shared, shared) as (one, other), open_redis(shared.store) as redis:
        call = await orphaned(one)
        await call.wait()
        await until(lambda: redis.hexists(call_key(call.id), "outcome"))
        await redis.hset(call_key(call.id), "outcome", rubbish)
        again = await ask(other)
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        assert isinstance(await outcome_of(again), Completion)
        assert isinstance((await other.find(call.id)).outcome, InternalError)


@pytest.mark.parametrize("field", ["state", "created_at", "server"])
async def test_record_with_rubbish_in_a_field_is_ignored(upstream: Replay, shared: Settings, field: str) -> None:
    async with opened(shared, shared) as (one, other), open_redis(shared.store) as redis:
        call = await orphaned(one)
        await call.wait()
        await redis.hset(call_key(call.id), field, "")
        assert isinstance(await outcome_of(await ask(other)), Completion)


async def test_unreadable_message_ends_nothing(
    upstream: Replay, shared: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(shared) as (calls,), open_redis(shared.store) as redis:
        for message in ("[", "5", "{}", '{"do": "interrupt", "from": "x"}', '{"do": "follow"}', '{"do": "text"}'):
            await redis.publish("mcp-grok:servers", message)
        assert isinstance(await outcome_of(await ask(calls)), Completion)
        await until(lambda: "cannot be read" in caplog.text)


async def test_message_that_comes_while_a_server_ends_ends_nothing(redis_url: str) -> None:
    async with open_redis_store(redis_url) as store:
        await store.close()
        for _ in range(50):
            await store.servers.send(store.process, {"do": "stop", "call": "x"})


async def test_cancellation_reaches_the_server_of_its_request(upstream: Replay, shared: Settings) -> None:
    found: list[Interrupted] = []
    event = Interrupted("ann", "session", "7", Reason.CLIENT_TIMEOUT)
    async with opened(shared, shared) as (one, other):

        async def interrupted(event: Interrupted) -> None:
            found.append(event)

        other.on_interrupted = interrupted
        await one.interrupted_elsewhere(event)
        await until(lambda: found)
    assert found == [event]


async def test_repeat_elsewhere_waits_for_a_disconnect(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    async with opened(shared, shared) as (one, other), anyio.create_task_group() as tasks:
        first = one.request()
        await one.start(hello(), first)
        await anyio.sleep(0.6)
        repeat = other.request()
        tasks.start_soon(other.start, hello(), repeat)
        await anyio.sleep(0.1)
        assert repeat.call is None
        await first.interrupt(Reason.DISCONNECT)
        await until(lambda: repeat.call, 1)
        assert call_of(repeat).id == call_of(first).id


async def test_cancelled_task_closes_its_connections(valkey: Valkey) -> None:
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


async def test_unreachable_store_is_refused_without_its_password(upstream: Replay) -> None:
    with pytest.raises(NotConfigured, match="MCP_GROK_STORE") as refused:
        async with open_calls(settings_for(upstream, store="redis://:secret@127.0.0.1:1/0")):
            pass
    assert "secret" not in str(refused.value)


def test_address_of_another_kind_is_not_printed() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(store="redis+cluster://ann:secret@127.0.0.1:1/0")
    assert "secret" not in explain(refused.value)
    assert "MCP_GROK_STORE" in explain(refused.value)


async def test_without_the_store_calls_go_on_and_none_begins(
    upstream: Replay, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(upstream)
    async with open_calls(settings_for(upstream, store=valkey.url)) as calls:
        request = await ask(calls)
        await upstream.exchanges.get()
        assert await calls.is_ready()
        await anyio.to_thread.run_sync(valkey.stop)
        assert not await calls.is_ready()
        with pytest.raises(StoreUnreachable) as refused:
            await ask(calls, hello(text="Hi"))
        assert refused.value.billed == "no"
        held.release.set()
        assert isinstance(await outcome_of(request), Completion)
        await anyio.to_thread.run_sync(valkey.start)
        back = time.monotonic()
        assert isinstance(await outcome_of(await ask(calls, hello(text="Hi"))), Completion)
        assert time.monotonic() - back < 1
        assert await calls.is_ready()
    assert len(upstream.requests) == 2
    assert "Traceback" not in caplog.text


async def test_call_outlives_a_restart_of_the_store(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    settings = settings_for(upstream, store=valkey.url)
    async with opened(settings, settings) as (one, other):
        call_id = await hand_off(await ask(one))
        fetching = await fetch(other, call_id)
        await anyio.to_thread.run_sync(valkey.stop)
        await anyio.to_thread.run_sync(valkey.start)
        held.release.set()
        assert isinstance(await outcome_of(fetching), Completion)
    assert len(upstream.requests) == 1


async def test_answer_is_written_when_the_store_is_back(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    settings = settings_for(upstream, store=valkey.url)
    async with opened(settings, settings) as (one, other):
        call_id = await hand_off(await ask(one))
        await upstream.exchanges.get()
        await anyio.to_thread.run_sync(valkey.stop)
        held.release.set()
        await (await one.find(call_id)).wait()
        assert isinstance((await one.find(call_id)).outcome, Completion)
        await anyio.to_thread.run_sync(valkey.start)
        with anyio.fail_after(5):
            assert isinstance(await outcome_of(await fetch(other, call_id)), Completion)


async def test_follower_gives_up_without_the_store_and_returns(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    settings = settings_for(upstream, store=valkey.url)
    async with open_calls(settings) as one, open_redis_store(settings.store, timings=QUICK) as store:
        call_id = await hand_off(await ask(one))
        call = await store.find(call_id)
        assert call is not None
        call.work = Work()
        await anyio.to_thread.run_sync(valkey.stop)
        with anyio.fail_after(5):
            assert isinstance(await store.follow(call), OutOfReach)
        await anyio.to_thread.run_sync(valkey.start)
        held.release.set()
        with anyio.fail_after(5):
            assert isinstance(await store.follow(call), Completion)


@asynccontextmanager
async def tls_in_front(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS for a Valkey that does not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_tls_user_name_and_password_are_used(
    upstream: Replay, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with open_redis(valkey.url) as redis:
        await redis.execute_command("ACL", "SETUSER", "grok", "on", ">pass-word", "~mcp-grok:*", "&mcp-grok:*", "+@all")
        await redis.execute_command("ACL", "SETUSER", "default", "off")
    async with tls_in_front(int(valkey.url.split(":")[2].split("/")[0]), context) as port:
        url = f"rediss://grok:pass-word@127.0.0.1:{port}/0"
        async with open_calls(settings_for(upstream, store=url)) as calls:
            assert isinstance(await outcome_of(await ask(calls)), Completion)
        with pytest.raises(NotConfigured):
            async with open_calls(settings_for(upstream, store=url.replace("pass-word", "wrong"))):
                pass


@pytest.mark.parametrize("options", ["hunter2=1", "socket_timeout=hunter2", "ssl_ca_certs=/dev/zero", "max=hunter2"])
async def test_address_with_wrong_options_is_refused_without_its_text(options: str) -> None:
    with pytest.raises(NotConfigured, match="MCP_GROK_STORE: ") as refused:
        async with open_redis(f"rediss://:hunter2@127.0.0.1/0?{options}"):
            pass
    assert "hunter2" not in refused.value.message
