"""What outlives a server, on disk and in Redis."""

import anyio
import pytest

from mcp_grok.calls import Call, CallerLimits, Outcome, Reason, open_calls
from mcp_grok.errors import CallTimeout, GrokError, Lost, UpstreamError
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from tests.calls.conftest import Opened
from tests.calls.servers import Counted, ask, call_of, ended, hand_off, new_call, outcome_of
from tests.replay import COMPLETION, Replay, hold

pytestmark = pytest.mark.parametrize("store", ["disk", "redis"], indirect=True)

STRANGE = {
    **COMPLETION,
    "big": 10**400,
    "half": "\ud83d",
    "unknown": [None, 1.5, {"z": 1, "a": "ü"}],
    "not_a_number": float("inf"),
}


async def found_after_a_restart(open_store: Opened, outcome: Outcome) -> tuple[Call, Call]:
    """A call that ended with an outcome, and the same as a later process finds it."""
    async with open_store() as store:
        call = await ended(store, outcome=outcome)
    async with open_store() as store:
        found = await store.find(call.id)
    assert found is not None
    return call, found


async def test_answer_outlives_its_process_whole(open_store: Opened) -> None:
    answer = Completion(
        STRANGE, attempts=2, first_text_after=0.5, dropped={"x": "y"}, size=9, violations=[{"path": "$"}]
    )
    call, found = await found_after_a_restart(open_store, answer)
    assert isinstance(found.outcome, Completion)
    assert found.outcome == answer
    assert list(found.outcome.body) == list(STRANGE)
    assert (found.id, found.model) == (call.id, "grok-4")
    assert found.created_at == pytest.approx(call.created_at, abs=1)
    assert found.ended_at == pytest.approx(call.ended_at, abs=1)


@pytest.mark.parametrize(
    "error",
    [
        CallTimeout("Too long.", billed="unknown", partial="half an"),
        UpstreamError("No.", code="used_up", status=403, type="insufficient_quota", billed="no", upstream_message="x"),
    ],
)
async def test_failure_outlives_its_process_as_it_was(open_store: Opened, error: GrokError) -> None:
    error.attempts = 3
    _, found = await found_after_a_restart(open_store, error)
    assert isinstance(found.outcome, GrokError)
    assert (found.outcome.as_dict(), found.outcome.attempts) == (error.as_dict(), 3)
    assert (found.outcome.billed, found.outcome.code) == (error.billed, error.code)


async def test_call_without_an_outcome_is_lost_with_its_process(open_store: Opened) -> None:
    async with open_store() as store:
        call = new_call(store)
        await store.insert(call, None)
        assert await store.claim("?", None) == (None, [])
    async with open_store() as store:
        found = await store.find(call.id)
        assert found is not None
        assert isinstance(found.outcome, Lost)
        assert await store.claim("?", None) == (None, [{"id": call.id, "billed": "unknown"}])


async def test_call_of_a_stopped_server_is_lost_and_not_run_again(upstream: Replay, stored: Settings) -> None:
    upstream.behave = hold
    async with open_calls(stored) as calls:
        call = call_of(await ask(calls))
        await upstream.exchanges.get()
    upstream.answer(COMPLETION)
    async with open_calls(stored) as calls:
        again = await ask(calls)
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        assert isinstance(await outcome_of(again), Completion)
    assert len(upstream.requests) == 2


async def test_undelivered_answer_is_claimed_after_a_restart(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
    async with open_calls(stored) as calls:
        repeat = await ask(calls)
        assert call_of(repeat).id == call_of(request).id
        assert isinstance(await outcome_of(repeat), Completion)
    async with open_calls(stored) as calls:
        assert call_of(await ask(calls)).id != call_of(request).id


async def test_handed_off_answer_is_found_after_a_restart(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        call_id = await hand_off(request)
    async with open_calls(stored) as calls:
        assert isinstance((await calls.find(call_id)).outcome, Completion)


async def test_answer_is_written_while_its_tokens_are_counted(upstream: Replay, stored: Settings) -> None:
    counting = anyio.Event()

    class Slow(Counted):
        async def count(self, name: str, tokens: int) -> None:
            counting.set()
            for _ in range(20):
                await anyio.lowlevel.checkpoint()

    async with open_calls(stored, limits=CallerLimits(quotas=Slow())) as calls:
        call_id = await hand_off(await ask(calls))
        await counting.wait()
    async with open_calls(stored) as calls:
        outcome = (await calls.find(call_id)).outcome
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_user_cancellation_outlives_its_process(upstream: Replay, stored: Settings) -> None:
    async with open_calls(stored) as calls:
        request = await ask(calls)
        await call_of(request).wait()
        await request.interrupt(Reason.USER)
    async with open_calls(stored) as calls:
        assert call_of(await ask(calls)).id != call_of(request).id
