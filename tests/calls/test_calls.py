"""The owner of the calls, over every kind of store."""

import gc
import math
import re
import time
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_grok.calls import Call, CallerLimits, Calls, Delivery, Reason, Request, State, Timings, open_calls
from mcp_grok.calls.call import Claim, Outcome
from mcp_grok.calls.calls import MOST_RECENT
from mcp_grok.calls.local_store import LocalStore
from mcp_grok.calls.sqlite_table import CallTable
from mcp_grok.errors import (
    CallTimeout,
    Cancelled,
    GrokError,
    InternalError,
    LimitReached,
    Lost,
    NotFound,
    StreamTruncated,
    Unavailable,
)
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from tests.calls.servers import (
    SOON,
    Counted,
    ask,
    call_of,
    fetch,
    hand_off,
    hello,
    idle,
    notes_of,
    orphaned,
    outcome_of,
    until,
)
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, TEXT, Held, Replay, held_after, hold


async def test_cancelled_wait_leaves_the_call_running(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        request = await ask(calls)
        with anyio.move_on_after(0.05) as waiting:
            await call_of(request).wait()
        assert waiting.cancelled_caught
        held.release.set()
        outcome = await outcome_of(request)
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_cancel_ends_every_wait_and_the_upstream_request(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    outcomes = []
    async with open_calls(stored) as calls:
        request = await ask(calls, hello(stream=True))
        call = call_of(request)
        exchange = await upstream.exchanges.get()

        async def wait() -> None:
            outcomes.append(await call.wait())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await calls.cancel(call)
        with anyio.fail_after(2):
            await exchange.closed.wait()
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]
    assert isinstance(outcomes[0], Cancelled)
    assert outcomes[0].billed == "unknown"


async def test_closing_loses_running_calls_and_keeps_their_text(upstream: Replay, stored: Settings) -> None:
    upstream.behave = held_after(TEXT.replace(b"so far", f"so far, {KEY}".encode()))
    came = anyio.Event()
    async with open_calls(stored) as calls:
        call = call_of(await ask(calls, hello(stream=True)))
        call.follow(lambda text: came.set())
        exchange = await upstream.exchanges.get()
        await came.wait()
    outcome = await call.wait()
    assert isinstance(outcome, Lost)
    assert (outcome.as_dict()["partial"], outcome.billed) == ("so far, [removed]", "unknown")
    with anyio.fail_after(2):
        await exchange.closed.wait()


async def test_followers_get_each_piece_of_the_text(upstream: Replay, stored: Settings) -> None:
    upstream.stream(TEXT, TEXT, whole=False)
    first: list[str] = []
    second: list[str] = []
    async with open_calls(stored) as calls:
        request = await ask(calls, hello(stream=True))
        call_of(request).follow(first.append)
        call_of(request).follow(second.append)
        outcome = await outcome_of(request)
    assert first == second == ["so far", "so far"]
    assert isinstance(outcome, StreamTruncated)


async def test_defect_in_a_follower_is_the_outcome_of_its_call_alone(
    upstream: Replay, stored: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError(text)

    held = Held(upstream)
    async with open_calls(stored) as calls:
        requests = [await ask(calls, hello(text=text)) for text in ("Hello", "Hi")]
        call_of(requests[0]).follow(broken)
        held.release.set()
        outcomes = [await outcome_of(request) for request in requests]
    assert isinstance(outcomes[0], GrokError)
    assert outcomes[0].code == "internal_error"
    assert isinstance(outcomes[1], Completion)
    assert "ZeroDivisionError" in caplog.text
    assert "Yo!" not in caplog.text


@pytest.mark.parametrize("stream", [False, True])
async def test_repeat_claims_the_orphan_once(upstream: Replay, stored: Settings, stream: bool) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        call = await orphaned(calls)
        assert call_of(await ask(calls, hello(text="Hi"))) is not call
        repeat = await ask(calls, hello(stream=stream))
        assert call_of(repeat) is call
        assert repeat.notes["picked_up"] >= 0
        assert call_of(await ask(calls)) is not call


async def test_orphan_that_has_its_answer_is_claimed_once(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        call = await orphaned(calls)
        held.release.set()
        await call.wait()
        repeat, further = await ask(calls), await ask(calls)
        assert call_of(repeat).id == call.id
        assert call_of(further).id != call.id
        assert isinstance(await outcome_of(repeat), Completion)
        assert isinstance(await outcome_of(further), Completion)
    assert len(upstream.requests) == 2


async def test_equal_calls_are_two_while_requests_wait_for_both(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        assert call_of(await ask(calls)) is not call_of(await ask(calls))


async def test_handed_off_call_is_not_claimed_by_an_equal_one(upstream: Replay, stored: Settings) -> None:
    Held(upstream)
    async with open_calls(stored) as calls:
        call_id = await hand_off(await ask(calls))
        assert call_of(await ask(calls)).id != call_id


async def test_stopped_orphan_is_reported_as_lost_until_delivered(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored, timings=SOON) as calls:
        request = await ask(calls)
        exchange = await upstream.exchanges.get()
        call = call_of(request)
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        assert isinstance(await call.wait(), CallTimeout)
        with anyio.fail_after(2):
            await exchange.closed.wait()
        for _ in range(2):
            again = await ask(calls)
            assert again.call is not call
            assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        await again.delivered()
        assert await notes_of(calls) == {}


async def test_all_lost_calls_are_reported_together(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored, timings=SOON) as calls:
        lost = []
        for _ in range(3):
            request = await ask(calls)
            await upstream.exchanges.get()
            lost.append(request)
        for request in lost:
            await request.interrupt(Reason.DISCONNECT)
        for request in lost:
            await call_of(request).wait()
        again = await ask(calls)
    assert {entry["id"] for entry in again.notes["lost"]} == {call_of(request).id for request in lost}


@pytest.mark.parametrize("reason", [Reason.USER, Reason.CLIENT_TIMEOUT])
async def test_lost_warning_survives_cancelled_delivery(upstream: Replay, stored: Settings, reason: Reason) -> None:
    upstream.behave = hold
    async with open_calls(stored, timings=SOON) as calls:
        first = await orphaned(calls)
        await first.wait()
        upstream.answer(COMPLETION)
        crossed = await ask(calls)
        await outcome_of(crossed)
        await crossed.interrupt(reason)
        again = await ask(calls)
        assert again.notes["lost"] == [{"id": first.id, "billed": "unknown"}]
        assert ("picked_up" in again.notes) is (reason is Reason.CLIENT_TIMEOUT)
        await again.delivered()
        assert "lost" not in await notes_of(calls)


async def test_answer_that_crossed_a_timeout_goes_to_the_repeat(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        crossed = await ask(calls)
        await outcome_of(crossed)
        await crossed.interrupt(Reason.CLIENT_TIMEOUT)
        again, further = await ask(calls), await ask(calls)
        assert call_of(again).id == call_of(crossed).id
        assert call_of(further).id != call_of(crossed).id


async def test_failure_without_a_bill_is_not_reported(upstream: Replay, stored: Settings) -> None:
    upstream.answer({"error": {"code": "invalid_token", "message": "No."}}, status=401)
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        assert await notes_of(calls) == {}


async def test_user_cancellation_is_neither_claimed_nor_reported(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await request.interrupt(Reason.USER)
        assert call_of(request).state is State.CANCELLED
        again = await ask(calls)
        assert call_of(again).id != call_of(request).id
        assert again.notes == {}


async def test_user_cancellation_that_crossed_the_answer_is_not_claimed(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        await request.interrupt(Reason.USER)
        assert call_of(await ask(calls)).id != call_of(request).id


async def test_with_stop_a_timeout_stops_the_call(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored.model_copy(update={"on_disconnect": "stop"})) as calls:
        call = await orphaned(calls)
        assert isinstance(await call.wait(), Cancelled)
        assert call_of(await ask(calls)).id != call.id


async def test_only_the_last_request_orphans_or_stops_its_call(upstream: Replay, stored: Settings) -> None:
    Held(upstream)
    async with open_calls(stored) as calls:
        first = await ask(calls)
        call = call_of(first)
        second = calls.request(connection="stdio")
        await calls.attach(call, second)
        await first.interrupt(Reason.USER)
        assert (call.state, call.delivery) in ((State.QUEUED, Delivery.ATTACHED), (State.RUNNING, Delivery.ATTACHED))
        await second.interrupt(Reason.CLIENT_TIMEOUT)
        assert call.delivery is Delivery.ORPHANED


async def test_doubted_request_shares_its_call_with_a_repeat(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        doubted = await ask(calls)
        await doubted.doubt()
        repeat = await ask(calls)
        assert call_of(repeat).id == call_of(doubted).id
        held.release.set()
        outcomes = [await outcome_of(doubted), await outcome_of(repeat)]
        assert all(isinstance(outcome, Completion) for outcome in outcomes)
        further = await ask(calls)
        assert call_of(further).id != call_of(doubted).id
        await outcome_of(further)
    assert len(upstream.requests) == 2


async def test_doubted_request_leaves_its_answer_to_a_late_repeat(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        doubted = await ask(calls)
        await doubted.doubt()
        held.release.set()
        await outcome_of(doubted)
        assert call_of(await ask(calls)).id == call_of(doubted).id
    assert len(upstream.requests) == 1


async def test_fetched_orphan_is_no_longer_claimed(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        call_id = await hand_off(request)
        await call_of(request).wait()
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        assert isinstance(await outcome_of(await fetch(calls, call_id)), Completion)
        assert call_of(await ask(calls)).id != call_id
        assert isinstance(await outcome_of(await fetch(calls, call_id)), Completion)


async def test_interrupted_fetch_orphans_the_call_and_leaves_its_id(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls:
        call_id = await hand_off(await ask(calls))
        fetching = await fetch(calls, call_id)
        await fetching.interrupt(Reason.CLIENT_TIMEOUT)
        repeat = await ask(calls)
        assert call_of(repeat).id == call_id
        held.release.set()
        await outcome_of(repeat)
        assert isinstance(await outcome_of(await fetch(calls, call_id)), Completion)
    assert len(upstream.requests) == 1


async def test_only_its_own_principal_finds_a_call(upstream: Replay, stored: Settings) -> None:
    ann, bob = Principal("ann"), Principal("bob")
    async with open_calls(stored) as calls:
        call_id = await hand_off(await ask(calls, principal=ann))
        with pytest.raises(NotFound):
            await calls.find(call_id, bob)
        assert (await calls.find(call_id, ann)).id == call_id


async def test_unknown_id_says_that_the_call_may_be_billed(stored: Settings) -> None:
    async with open_calls(stored) as calls:
        with pytest.raises(NotFound, match="may have ended") as unknown:
            await calls.find("grok-unknown")
    assert unknown.value.billed == "unknown"


async def test_delivered_call_leaves_nothing_behind(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await outcome_of(request)
        with pytest.raises(NotFound):
            await calls.find(call_of(request).id)


async def test_request_interrupted_before_its_start_begins_nothing(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = calls.request(connection="stdio")
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        with pytest.raises(Cancelled) as refused:
            await calls.start(hello(), request)
        assert refused.value.billed == "no"
        assert await notes_of(calls) == {}
    assert len(upstream.requests) <= 1


@pytest.mark.parametrize("reason", [Reason.USER, Reason.CLIENT_TIMEOUT])
async def test_interrupt_during_start_never_pays_twice(upstream: Replay, stored: Settings, reason: Reason) -> None:
    """Whenever the cancellation lands, an equal call right after it pays at most once and never for a cancelled one."""
    held = Held(upstream)
    async with open_calls(stored) as calls:
        for steps in range(12):
            text = f"Hello {steps}"
            request = calls.request(connection="stdio")
            async with anyio.create_task_group() as tasks:

                async def start(request: object = request, text: str = text) -> None:
                    try:
                        await calls.start(hello(text=text), request)  # type: ignore[arg-type]
                    except Cancelled:
                        return

                tasks.start_soon(start)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                await request.interrupt(reason)
                repeat = await ask(calls, hello(text=text))
            if request.call is None:
                assert repeat.notes == {}
            else:
                assert (call_of(repeat).id == request.call.id) is (reason is Reason.CLIENT_TIMEOUT)
        held.release.set()


async def test_closed_calls_start_nothing(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        await calls.drain(1)
        with pytest.raises(Unavailable):
            await ask(calls)


async def test_draining_lets_running_calls_end(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    async with open_calls(stored) as calls, anyio.create_task_group() as tasks:
        request = await ask(calls)
        await upstream.exchanges.get()
        tasks.start_soon(calls.drain, 10)
        held.release.set()
        assert isinstance(await outcome_of(request), Completion)


async def test_stopping_the_server_loses_its_calls(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await upstream.exchanges.get()
        calls.stop_all()
        assert isinstance(await outcome_of(request), Lost)


async def test_fingerprint_depends_on_address_and_key_alone(upstream: Replay, settings: Settings) -> None:
    endpoints = [
        ChatClient(settings_for(upstream, **changes).endpoint).endpoint_id()
        for changes in ({}, {"base_url": f"{upstream.base_url}/other"}, {"api_key": "other"}, {"timeout": 5})
    ]
    assert len(set(endpoints)) == 3
    assert endpoints[0] == endpoints[3]


class SlowStore(LocalStore):
    """A store that takes long over the first claim."""

    def __init__(self) -> None:
        super().__init__()
        self.first: str | None = None
        self.begun, self.go_on = anyio.Event(), anyio.Event()

    async def claim(self, fingerprint: str, running: Call | None) -> Claim:
        self.first = self.first or fingerprint
        if fingerprint == self.first:
            self.begun.set()
            await self.go_on.wait()
        return await super().claim(fingerprint, running)


async def test_slow_start_delays_only_calls_with_its_fingerprint(upstream: Replay, settings: Settings) -> None:
    client, store = ChatClient(settings.endpoint), SlowStore()
    async with anyio.create_task_group() as tasks:
        calls = Calls(client, tasks, store)
        tasks.start_soon(ask, calls, hello(text="slow"))
        await store.begun.wait()
        tasks.start_soon(ask, calls, hello(text="slow"))
        with anyio.fail_after(5):
            assert isinstance(await outcome_of(await ask(calls, hello(text="other"))), Completion)
        assert len(upstream.requests) == 1
        store.go_on.set()
        await until(lambda: len(upstream.requests) == 3)
        tasks.cancel_scope.cancel()
    await client.aclose()


async def test_other_principal_or_key_does_not_claim(upstream: Replay, stored: Settings) -> None:
    Held(upstream)
    ann = Principal("ann")
    async with open_calls(stored) as calls:
        request = await ask(calls, principal=ann)
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        others = [Principal("bob"), Principal("ann", key=SecretStr("sk-ann"))]
        assert call_of(request).id not in {call_of(await ask(calls, principal=other)).id for other in others}


async def test_call_stopped_in_line_is_not_billed(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored.model_copy(update={"max_concurrency": 1})) as calls:
        await ask(calls, hello(text="Hi"))
        await upstream.exchanges.get()
        request = await ask(calls)
        await calls.cancel(call_of(request))
        outcome = await outcome_of(request)
    assert isinstance(outcome, Cancelled)
    assert outcome.billed == "no"


async def test_principal_has_at_most_so_many_calls_at_once(upstream: Replay, stored: Settings) -> None:
    held = Held(upstream)
    refused: list[GrokError] = []
    async with open_calls(stored, limits=CallerLimits(calls_at_once=2)) as calls:

        async def try_one(number: int) -> None:
            try:
                await ask(calls, hello(text=str(number)), Principal("ann"))
            except LimitReached as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(try_one, number)
        assert len(refused) == 38
        assert {error.billed for error in refused} == {"no"}
        await ask(calls, principal=Principal("bob"))
        held.release.set()
        await until(lambda: not calls.under_way(Principal("ann")))
        await ask(calls, principal=Principal("ann"))


async def test_orphan_is_claimed_though_the_limit_is_reached(upstream: Replay, stored: Settings) -> None:
    Held(upstream)
    async with open_calls(stored, limits=CallerLimits(calls_at_once=1)) as calls:
        call = await orphaned(calls)
        assert call_of(await ask(calls)).id == call.id


async def test_usage_counts_each_answer_once(upstream: Replay, stored: Settings) -> None:
    ann = Principal("ann")
    counted = Counted()
    async with open_calls(stored, limits=CallerLimits(quotas=counted)) as calls:
        for _ in range(2):
            await outcome_of(await ask(calls, principal=ann))

        async def both() -> dict[str, Any]:
            totals: dict[str, Any] = (await calls.usage(ann))["models"].get("grok-4", {})
            return totals if totals.get("answers") == 2 else {}

        totals = await until(both)
        assert (await calls.usage(Principal("bob")))["models"] == {}
    assert totals["total_tokens"] == 20
    assert counted.tokens == {"ann": 20}


async def test_repeat_waits_for_the_disconnect_of_a_duplicate(upstream: Replay, settings: Settings) -> None:
    Held(upstream)
    timings = Timings(disconnect_grace=0.2)
    async with open_calls(settings, timings=timings) as calls, anyio.create_task_group() as tasks:
        first = calls.request()
        await calls.start(hello(), first)
        await anyio.sleep(timings.disconnect_grace)
        repeat = calls.request()
        tasks.start_soon(calls.start, hello(), repeat)
        await anyio.wait_all_tasks_blocked()
        assert repeat.call is None
        await first.interrupt(Reason.DISCONNECT)
        await until(lambda: repeat.call, 1)
        assert repeat.call is first.call


async def test_repeat_waits_for_no_younger_duplicate_or_connection(upstream: Replay, settings: Settings) -> None:
    Held(upstream)
    async with open_calls(settings, timings=Timings(disconnect_grace=0.05)) as calls:
        for connection in (None, "stdio"):
            first = calls.request(connection=connection)
            await calls.start(hello(text=str(connection)), first)
            if connection:
                await anyio.sleep(0.06)
            before = time.monotonic()
            await calls.start(hello(text=str(connection)), calls.request(connection=connection))
            assert time.monotonic() - before < 0.05


async def log_lines(calls: Calls, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log lines of calls, once every call has ended."""
    await idle(calls)
    return [record.getMessage() for record in caplog.records if record.name == "mcp_grok.calls"]


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("answer", r"call model='grok-4' outcome=answered seconds=\d\.\d{3}"),
        (Reason.USER, r"call .* outcome=cancelled .* reason='cancelled by its user'"),
        (Reason.CLIENT_TIMEOUT, r"call .* outcome=answered .* reason='its client timed out'"),
        (Reason.DISCONNECT, r"call .* outcome=answered .* reason='its connection closed'"),
        ("server", r"call .* outcome=lost .* reason='the server stopped'"),
    ],
)
async def test_log_line_says_how_a_call_ended_and_why(
    upstream: Replay, settings: Settings, caplog: pytest.LogCaptureFixture, end: str, line: str
) -> None:
    caplog.set_level("INFO", logger="mcp_grok")
    held = Held(upstream)
    async with open_calls(settings) as calls:
        request = await ask(calls)
        await upstream.exchanges.get()
        if end == "server":
            calls.stop_all()
        elif end != "answer":
            await request.interrupt(Reason(end))
        held.release.set()
        lines = await log_lines(calls, caplog)
    assert len(lines) == 1
    assert re.fullmatch(line, lines[0])
    assert "Yo!" not in caplog.text
    assert "Hello" not in caplog.text


async def test_log_line_of_a_stopped_orphan(
    upstream: Replay, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="mcp_grok")
    upstream.behave = hold
    async with open_calls(settings, timings=SOON) as calls:
        request = await ask(calls)
        await upstream.exchanges.get()
        await request.interrupt(Reason.CLIENT_TIMEOUT)
        [line] = await log_lines(calls, caplog)
    assert "outcome=timeout" in line
    assert "reason='no request waited for it any longer'" in line


async def test_wall_clock_decides_nothing(upstream: Replay, settings: Settings) -> None:
    Held(upstream)
    async with open_calls(settings) as calls:
        call = await orphaned(calls)
        call.created_at -= 1e6
        assert call.elapsed < 10
        assert (await ask(calls)).notes["picked_up"] < 10


async def test_claimed_answer_is_not_held_in_memory(upstream: Replay, settings: Settings) -> None:
    async with open_calls(settings) as calls:
        claimed = (await orphaned(calls)).id
        await outcome_of(await ask(calls))
        for number in range(MOST_RECENT + 1):
            await outcome_of(await ask(calls, hello(text=str(number))))
        gc.collect()
        assert claimed not in {call.id for call in gc.get_objects() if isinstance(call, Call)}


async def test_plain_call_in_memory_opens_no_table(upstream: Replay, settings: Settings) -> None:
    gc.collect()
    tables = sum(isinstance(thing, CallTable) for thing in gc.get_objects())
    async with open_calls(settings) as calls:
        await outcome_of(await ask(calls))
        assert sum(isinstance(thing, CallTable) for thing in gc.get_objects()) == tables


async def test_call_with_a_ttl_ends_unless_it_is_polled(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await calls.give_id(request, ttl=0.05)
        await request.delivered()
        outcome = await until(lambda: call_of(request).outcome)
    assert isinstance(outcome, CallTimeout)
    assert call_of(request).reason is Reason.ORPHAN_TIMEOUT


def deadline_of(request: Request) -> float:
    """When the work on a request's call ends at the latest."""
    work = call_of(request).work
    assert work is not None
    return work.scope.deadline


async def test_poll_moves_the_end_of_a_call_with_a_ttl(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await calls.give_id(request, ttl=60)
        assert deadline_of(request) == math.inf
        await request.delivered()
        first = deadline_of(request)
        assert first == pytest.approx(anyio.current_time() + 60, abs=5)
        await calls.poll(call_of(request))
        assert deadline_of(request) > first


async def test_poll_through_another_server_moves_the_end(upstream: Replay, shared: Settings) -> None:
    upstream.behave = hold
    async with open_calls(shared) as calls, open_calls(shared) as other:
        request = await ask(calls)
        await calls.give_id(request, ttl=60)
        await request.delivered()
        first = deadline_of(request)
        await other.poll(await other.find(call_of(request).id))
        await until(lambda: deadline_of(request) > first)


async def test_ttl_replaces_the_timeout_of_an_orphan(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored, timings=SOON) as calls:
        request = await ask(calls)
        await calls.give_id(request, ttl=60)
        await request.interrupt(Reason.DISCONNECT)
        assert deadline_of(request) == pytest.approx(anyio.current_time() + 60, abs=5)


class BrokenStore(LocalStore):
    """A store with a defect."""

    async def commit(self, call: Call, outcome: Outcome) -> None:
        raise ValueError("no place for it")


async def test_defect_after_an_answer_ends_one_call_alone(upstream: Replay, settings: Settings) -> None:
    client = ChatClient(settings.endpoint)
    async with anyio.create_task_group() as tasks:
        calls = Calls(client, tasks, BrokenStore())
        for text in ("one", "two"):
            with anyio.fail_after(5):
                assert isinstance(await outcome_of(await ask(calls, hello(text=text))), InternalError)
            assert calls.under_way(ANONYMOUS) == 0
    await client.aclose()
