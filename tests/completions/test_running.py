import anyio
import pytest

from mcp_grok.completions import Call, Completions, Outcome, open_completions
from mcp_grok.errors import CallTimeout, Cancelled, Lost, StreamTruncated
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, Exchange, Held, Replay

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n'


def hello(stream: bool = False, text: str = "Hello") -> ChatRequest:
    """A request."""
    arguments = {"messages": [{"role": "user", "content": text}], "stream": stream}
    return read_request(arguments, Settings(provider="acedata"))


async def hold(exchange: Exchange) -> None:
    """Begins an answer and never ends it."""
    exchange.head()
    exchange.chunk(TEXT)
    await exchange.closed.wait()


async def test_cancelling_the_wait_leaves_the_call_running(upstream: Replay, settings: Settings) -> None:
    held = Held(upstream)
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        with anyio.move_on_after(0.05) as waiting:
            await call.wait()
        assert waiting.cancelled_caught
        held.release.set()
        outcome = await call.wait()
    assert isinstance(outcome, Completion)
    assert outcome.body == COMPLETION
    assert len(upstream.requests) == 1


async def test_cancelling_the_call_ends_every_wait_and_closes_the_connection(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    outcomes = []
    async with open_completions(settings) as completions:
        call = await completions.start(hello(stream=True))
        exchange = await upstream.exchanges.get()

        async def wait() -> None:
            outcomes.append(await call.wait())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            call.cancel()
        with anyio.fail_after(2):
            await exchange.closed.wait()
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]
    assert not isinstance(outcomes[0], Completion)
    assert outcomes[0].as_dict()["billed"] == "unknown"


async def test_leaving_loses_what_still_runs_and_tells_what_had_come_without_the_key(
    upstream: Replay, settings: Settings
) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(TEXT.replace(b"so far", f"so far, {KEY}".encode()))
        await exchange.closed.wait()

    upstream.behave = behave
    came = anyio.Event()
    async with open_completions(settings) as completions:
        call = await completions.start(hello(stream=True))
        call.follow(lambda text: came.set())
        exchange = await upstream.exchanges.get()
        await came.wait()
    outcome = await call.wait()
    assert isinstance(outcome, Lost)
    assert (outcome.as_dict()["partial"], outcome.as_dict()["billed"]) == ("so far, [removed]", "unknown")
    with anyio.fail_after(2):
        await exchange.closed.wait()


async def test_followers_get_each_piece_of_the_text(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, TEXT, whole=False)
    first: list[str] = []
    second: list[str] = []
    async with open_completions(settings) as completions:
        call = await completions.start(hello(stream=True))
        call.follow(first.append)
        call.follow(second.append)
        outcome = await call.wait()
    assert first == second == ["so far", "so far"]
    assert isinstance(outcome, StreamTruncated)


async def test_a_call_leaves_one_line_in_the_log_without_its_content(
    upstream: Replay, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="mcp_grok")
    async with open_completions(settings) as completions:
        await (await completions.start(hello())).wait()
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("mcp_grok")]
    assert line.startswith("call model='grok-4' outcome=answered seconds=")
    assert KEY not in caplog.text
    assert "Yo!" not in caplog.text


async def test_a_defect_in_a_follower_is_told_to_the_waiter(
    upstream: Replay, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError(text)

    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        call.follow(broken)
        outcome = await call.wait()
    assert not isinstance(outcome, Completion)
    assert outcome.as_dict()["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert "Yo!" not in caplog.text


async def left_until_its_time_was_up(completions: Completions, call: Call) -> Outcome:
    """How a call ends that nobody waits for."""
    await completions.abandon(call)
    call.give_up_in(0.01)
    return await call.wait()


async def test_an_abandoned_call_is_taken_over_by_one_that_asks_the_same_streamed_or_not(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        await completions.abandon(call)
        other = hello(text="Hi")
        assert await completions.start(other) is not call
        assert await completions.start(hello(stream=True)) is call
        assert call.notes["picked_up"] >= 0
        assert await completions.start(hello()) is not call


async def test_two_calls_that_ask_the_same_are_two_while_both_are_waited_for(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        assert await completions.start(hello()) is not await completions.start(hello())


async def test_an_abandoned_call_ends_after_its_time_and_is_told_as_lost_when_asked_again(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        exchange = await upstream.exchanges.get()
        assert isinstance(await left_until_its_time_was_up(completions, call), CallTimeout)
        with anyio.fail_after(2):
            await exchange.closed.wait()
        again = await completions.start(hello())
        assert again is not call
        assert again.notes == {"lost": [{"id": call.id, "billed": "unknown"}]}
        assert (await completions.start(hello())).notes == {}


async def test_what_was_lost_is_told_until_somebody_has_heard_it(upstream: Replay, settings: Settings) -> None:
    upstream.behave = hold
    ids = []
    async with open_completions(settings) as completions:
        for _ in range(2):
            call = await completions.start(hello())
            await upstream.exchanges.get()
            await left_until_its_time_was_up(completions, call)
            ids.append(call.id)
        unheard = await completions.start(hello())
        await completions.cancel(unheard)
        await unheard.wait()
        again = await completions.start(hello())
    assert again.notes == {"lost": [{"id": call_id, "billed": "unknown"} for call_id in ids]}


async def test_what_was_lost_is_told_again_when_the_answer_that_told_it_crossed_a_cancellation(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        first = await completions.start(hello())
        await left_until_its_time_was_up(completions, first)
        upstream.answer(COMPLETION)
        crossed = await completions.start(hello())
        await crossed.wait()
        await completions.cancel(crossed)
        again = await completions.start(hello())
        assert again.notes == {"lost": [{"id": first.id, "billed": "unknown"}]}
        assert again.id != crossed.id
        assert (await completions.start(hello())).notes == {}


async def test_what_failed_without_a_bill_is_asked_again_without_a_word(upstream: Replay, settings: Settings) -> None:
    upstream.answer({"error": {"code": "invalid_token", "message": "No."}}, status=401)
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        await call.wait()
        await completions.abandon(call)
        assert (await completions.start(hello())).notes == {}


async def test_a_call_its_user_cancelled_is_not_taken_over_nor_told_as_lost(
    upstream: Replay, settings: Settings
) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        await completions.abandon(call)
        await completions.cancel(call)
        await call.wait()
        await completions.abandon(call)
        again = await completions.start(hello())
        assert again is not call
        assert again.notes == {}


async def test_fetching_an_abandoned_call_by_its_id_takes_it_over(upstream: Replay, settings: Settings) -> None:
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        await completions.keep(call)
        await call.wait()
        await completions.abandon(call)
        assert await completions.find(call.id) is call
        assert await completions.start(hello()) is not call


async def test_when_the_server_stops_its_calls_are_lost(upstream: Replay, settings: Settings) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        call = await completions.start(hello())
        await upstream.exchanges.get()
        completions.stop_all()
        assert isinstance(await call.wait(), Lost)


async def test_a_call_is_not_taken_over_at_another_address_or_with_another_key(
    upstream: Replay, settings: Settings
) -> None:
    places = [
        ChatClient(settings_for(upstream, **changes)).place()
        for changes in ({}, {"base_url": f"{upstream.base_url}/other"}, {"api_key": "other"}, {"timeout": 5})
    ]
    assert len(set(places)) == 3
    assert places[0] == places[3]


async def test_while_somebody_waits_a_call_is_not_abandoned(upstream: Replay, settings: Settings) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions, anyio.create_task_group() as tasks:
        call = await completions.start(hello())
        tasks.start_soon(call.wait)
        await anyio.wait_all_tasks_blocked()
        await completions.abandon(call)
        assert not call.abandoned
        call.cancel()


async def test_a_call_that_is_stopped_in_line_is_not_billed(upstream: Replay) -> None:
    upstream.behave = hold
    async with open_completions(settings_for(upstream, max_concurrency=1)) as completions:
        await completions.start(hello())
        await upstream.exchanges.get()
        call = await completions.start(hello())
        await completions.cancel(call)
        outcome = await call.wait()
    assert isinstance(outcome, Cancelled)
    assert outcome.as_dict()["billed"] == "no"


async def test_all_that_was_lost_is_told_at_once(upstream: Replay, settings: Settings) -> None:
    upstream.behave = hold
    async with open_completions(settings) as completions:
        calls = [await completions.start(hello()) for _ in range(3)]
        for call in calls:
            await upstream.exchanges.get()
            await left_until_its_time_was_up(completions, call)
        again = await completions.start(hello())
    assert {lost["id"] for lost in again.notes["lost"]} == {call.id for call in calls}
