"""Calls that several processes share: who finds them, and what becomes of them. Redis cannot tell that they are one."""

import anyio
import pytest
from pydantic import SecretStr

from mcp_grok.completions import Call, Caller, Completions
from mcp_grok.errors import GrokError, NotFound
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from tests.completions.sharing import opened
from tests.completions.test_running import hello, hold
from tests.replay import COMPLETION, Exchange, Held, Replay


async def test_a_call_is_sent_once_and_its_answer_comes_whole(upstream: Replay, shared: Settings) -> None:
    async with opened(shared, shared) as (one, _):
        outcome = await (await one.start(hello())).wait()
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_a_call_handed_off_is_fetched_elsewhere_with_the_text_so_far(upstream: Replay, shared: Settings) -> None:
    go_on = anyio.Event()

    async def behave(exchange: Exchange) -> None:
        exchange.head()
        for piece in ("once ", "upon "):
            exchange.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % piece.encode())
        await go_on.wait()
        exchange.chunk(
            b'data: {"choices":[{"index":0,"delta":{"content":"a time"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        )
        exchange.end()

    upstream.behave = behave
    async with opened(shared, shared, runs=False) as (one, other):
        call = await one.start(hello(stream=True))
        came = anyio.Event()
        call.follow(lambda text: came.set() if "upon" in call.text else None)
        await came.wait()
        assert call.sent
        await one.keep(call)
        late = await other.find(call.id)
        assert (late.text, late.sent, late.model) == ("once upon ", True, "grok-4")
        pieces: list[str] = []
        late.follow(pieces.append)
        go_on.set()
        outcome = await late.wait()
        again = await one.find(call.id)
        assert await again.wait() == outcome
    assert isinstance(outcome, Completion)
    assert "".join(pieces) == "once upon a time"
    assert len(upstream.requests) == 1


async def test_only_its_own_caller_finds_a_call(upstream: Replay, shared: Settings) -> None:
    async with opened(shared, shared) as (one, other):
        call = await one.start(hello(), Caller("ann"))
        await one.keep(call)
        with pytest.raises(NotFound):
            await other.find(call.id, Caller("bob"))
        await call.wait()
        assert (await other.find(call.id, Caller("ann"))).id == call.id
        with pytest.raises(NotFound):
            await other.find("grok-none", Caller("ann"))


async def test_two_calls_that_ask_the_same_at_once_stay_two(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    async with opened(shared, shared) as (one, other):
        calls = [await one.start(hello()), await other.start(hello()), await one.start(hello())]
        held.release.set()
        for call in calls:
            assert isinstance(await call.wait(), Completion)
    assert len({call.id for call in calls}) == 3
    assert len(upstream.requests) == 3


@pytest.mark.parametrize("ended", [False, True])
async def test_an_abandoned_call_is_taken_over_elsewhere_once(upstream: Replay, shared: Settings, ended: bool) -> None:
    held = Held(upstream)
    async with opened(shared, shared) as (one, other):
        call = await one.start(hello())
        await upstream.exchanges.get()
        if ended:
            held.release.set()
            await call.wait()
        await one.abandon(call)
        taken = await other.start(hello(stream=True))
        assert taken.id == call.id
        assert taken.notes["picked_up"] >= 0
        new = await one.start(hello())
        assert new.id != call.id
        held.release.set()
        for ends in (taken, new):
            assert isinstance(await ends.wait(), Completion)
    assert len(upstream.requests) == 2


async def test_of_many_that_ask_again_at_once_one_gets_the_abandoned_call(upstream: Replay, shared: Settings) -> None:
    held = Held(upstream)
    ids: list[str] = []
    async with opened(shared, shared) as (one, other):
        call = await one.start(hello())
        await one.abandon(call)

        async def ask(place: Completions) -> None:
            ids.append((await place.start(hello())).id)

        async with anyio.create_task_group() as tasks:
            for place in (one, other) * 3:
                tasks.start_soon(ask, place)
        held.release.set()
    assert ids.count(call.id) == 1
    assert len(set(ids)) == 6


@pytest.fixture
def unanswered(upstream: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is answered, and a call ends soon after nobody waits for it any more."""
    upstream.behave = hold
    monkeypatch.setattr("mcp_grok.completions.distributed.joining.PATIENCE", 0.1)


async def left_until_its_time_was_up(place: Completions, upstream: Replay) -> Call:
    """A call that nobody waits for."""
    call = await place.start(hello(stream=True))
    exchange = await upstream.exchanges.get()
    await place.abandon(call)
    await exchange.closed.wait()
    return call


async def asked_again(place: Completions, lost: Call) -> Call:
    """A call that asks the same as one before, once it is known that that one was lost."""
    while (again := await place.start(hello(stream=True))).id == lost.id:
        await place.abandon(again)
    return again


@pytest.mark.usefixtures("unanswered")
async def test_an_abandoned_call_ends_after_its_time_and_is_told_as_lost(upstream: Replay, shared: Settings) -> None:
    async with opened(shared, shared) as (one, other):
        call = await left_until_its_time_was_up(one, upstream)
        again = await asked_again(other, call)
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}


@pytest.mark.usefixtures("unanswered")
async def test_what_was_lost_is_told_again_by_any_server_when_its_telling_crossed_a_cancellation(
    upstream: Replay, shared: Settings
) -> None:
    async with opened(shared, shared) as (one, other):
        first = await left_until_its_time_was_up(one, upstream)
        upstream.answer(COMPLETION)
        crossed = await asked_again(one, first)
        await crossed.wait()
        await one.cancel(crossed)
        again = await other.start(hello(stream=True))
        assert again.notes == {"lost": [{"id": first.id, "billed": "unknown"}]}
        assert again.id != crossed.id


async def test_the_oldest_answers_go_first(upstream: Replay, shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = "local AGE, IDLE, ENTRIES, BYTES = 100, 100, 2, 1000000"
    monkeypatch.setattr("mcp_grok.completions.distributed.state.BOUNDS_IN_FORCE", bounds)
    async with opened(shared) as (one,):
        calls = []
        for _ in range(3):
            calls.append(await one.start(hello()))
            await one.keep(calls[-1])
            await calls[-1].wait()
        with pytest.raises(NotFound):
            await one.find(calls[0].id)
        for call in calls[1:]:
            assert (await one.find(call.id)).outcome == call.outcome


async def test_a_defect_in_a_follower_is_told_to_its_waiter_alone(upstream: Replay, shared: Settings) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError(text)

    held = Held(upstream)
    async with opened(shared) as (one,):
        calls = [await one.start(hello()) for _ in range(2)]
        calls[0].follow(broken)
        held.release.set()
        outcomes = [await call.wait() for call in calls]
    assert isinstance(outcomes[0], GrokError)
    assert outcomes[0].as_dict()["code"] == "internal_error"
    assert isinstance(outcomes[1], Completion)


async def test_with_another_caller_or_key_a_call_is_not_taken_over(upstream: Replay, shared: Settings) -> None:
    Held(upstream)
    async with opened(shared, shared) as (one, other):
        call = await one.start(hello(), Caller("ann"))
        await one.abandon(call)
        others = [Caller("bob"), Caller("ann", SecretStr("sk-ann"))]
        assert call.id not in {(await other.start(hello(), caller)).id for caller in others}
