import anyio
import pytest

from mcp_grok.completions import open_completions
from mcp_grok.errors import Cancelled, StreamTruncated
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest, read_request
from tests.conftest import KEY
from tests.replay import COMPLETION, Exchange, Replay

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n'


def hello(stream: bool = False) -> ChatRequest:
    """A request."""
    arguments = {"messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    return read_request(arguments, default_model="grok-4", progress_wanted=False)


async def hold(exchange: Exchange) -> None:
    """Begins an answer and never ends it."""
    exchange.head()
    exchange.chunk(TEXT)
    await exchange.closed.wait()


async def test_cancelling_the_wait_leaves_the_call_running(upstream: Replay, settings: Settings) -> None:
    answering, release = upstream.behave, anyio.Event()

    async def behave(exchange: Exchange) -> None:
        await release.wait()
        await answering(exchange)

    upstream.behave = behave
    async with open_completions(settings) as completions:
        call = completions.start(hello())
        with anyio.move_on_after(0.05) as waiting:
            await call.wait()
        assert waiting.cancelled_caught
        release.set()
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
        call = completions.start(hello(stream=True))
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


async def test_leaving_cancels_what_still_runs_and_tells_what_had_come_without_the_key(
    upstream: Replay, settings: Settings
) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(TEXT.replace(b"so far", f"so far, {KEY}".encode()))
        await exchange.closed.wait()

    upstream.behave = behave
    came = anyio.Event()
    async with open_completions(settings) as completions:
        call = completions.start(hello(stream=True))
        call.follow(lambda text: came.set())
        exchange = await upstream.exchanges.get()
        await came.wait()
    outcome = await call.wait()
    assert isinstance(outcome, Cancelled)
    assert outcome.as_dict()["partial"] == "so far, [removed]"
    with anyio.fail_after(2):
        await exchange.closed.wait()


async def test_followers_get_each_piece_of_the_text(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, TEXT, whole=False)
    first: list[str] = []
    second: list[str] = []
    async with open_completions(settings) as completions:
        call = completions.start(hello(stream=True))
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
        await completions.start(hello()).wait()
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
        call = completions.start(hello())
        call.follow(broken)
        outcome = await call.wait()
    assert not isinstance(outcome, Completion)
    assert outcome.as_dict()["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
    assert "Yo!" not in caplog.text
