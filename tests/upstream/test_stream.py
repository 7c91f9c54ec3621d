"""How a stream ends: whole, in doubt, or as an error. What its bytes hold is in `tests/wire`."""

import anyio
import pytest

from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.upstream.stream import BROKEN, CONTINUED, FAILED, NO_FINISH, SILENT
from tests.conftest import settings_for
from tests.replay import TEXT, Exchange, Replay, held_after
from tests.upstream.clients import ask, client_for

FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
FINISHED_TEXT = b'data: {"choices":[{"index":0,"delta":{"content":" and on"},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"


async def ending(settings: Settings, *, finish_silence: float = 5) -> tuple[str, str | None]:
    """The text of a streamed call, and why it is in doubt."""
    async with client_for(settings, finish_silence=finish_silence) as client:
        completion = await ask(client, stream=True)
    return completion.text, completion.in_doubt


async def code_of_failure(settings: Settings) -> tuple[str, str | None]:
    """The error's code and the partial text of a streamed call that fails."""
    with pytest.raises(GrokError) as caught:
        await ending(settings)
    return caught.value.code, caught.value.partial


@pytest.mark.parametrize("pieces", [(TEXT, FINISH), (TEXT, FINISH, DONE), (TEXT, FINISH, PING, PING, DONE)])
async def test_finished_stream_that_ends_is_whole(upstream: Replay, settings: Settings, pieces: list[bytes]) -> None:
    upstream.stream(*pieces)
    assert await ending(settings) == ("so far", None)


@pytest.mark.parametrize("rest", [b"\n", b"data: {broken", b": pi"])
async def test_connection_that_breaks_after_the_finish_leaves_a_doubt(
    upstream: Replay, settings: Settings, rest: bytes
) -> None:
    upstream.stream(TEXT, FINISH, rest, whole=False)
    assert await ending(settings) == ("so far", BROKEN)


async def test_connection_that_breaks_where_finishes_mean_nothing_is_a_failure(
    upstream: Replay, settings: Settings
) -> None:
    upstream.stream(TEXT, FINISHED_TEXT, FINISHED_TEXT, whole=False)
    assert await code_of_failure(settings) == ("stream_truncated", "so far and on and on")


async def test_clean_end_where_finishes_mean_nothing_leaves_a_doubt(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, FINISHED_TEXT, FINISHED_TEXT)
    assert await ending(settings) == ("so far and on and on", CONTINUED)


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"code":"rate_limited","message":"slow down"}}\n\n',
        b'event: error\ndata: {"code":"rate_limited","message":"slow down"}\n\n',
    ],
)
async def test_error_after_the_finish_is_named(upstream: Replay, settings: Settings, error: bytes) -> None:
    upstream.stream(TEXT, FINISH, error, DONE)
    text, doubt = await ending(settings)
    assert text == "so far"
    assert doubt is not None
    assert doubt.startswith(FAILED)
    assert "too many requests" in doubt


async def test_done_without_finish_leaves_a_doubt(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, DONE)
    assert await ending(settings) == ("so far", NO_FINISH)


async def test_broken_connection_after_done_is_harmless(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, FINISH, DONE, whole=False)
    assert await ending(settings) == ("so far", None)


async def test_words_that_are_not_json_explain_an_early_end(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, b"data: upstream connect error\n\n")
    with pytest.raises(GrokError) as caught:
        await ending(settings)
    assert (caught.value.code, caught.value.upstream_message) == ("stream_truncated", "upstream connect error")


async def test_silence_after_done_does_not_delay_the_answer(upstream: Replay, settings: Settings) -> None:
    upstream.behave = held_after(TEXT + FINISH + DONE)
    with anyio.fail_after(3):
        assert await ending(settings) == ("so far", None)


@pytest.mark.parametrize("limit", ["finish_silence", "timeout", "idle_timeout"])
async def test_silence_after_the_finish_leaves_a_doubt(upstream: Replay, limit: str) -> None:
    upstream.behave = held_after(TEXT + FINISH)
    limits = {"finish_silence": 10.0, "timeout": 10.0, "idle_timeout": 10.0, limit: 0.3}
    silence = limits.pop("finish_silence")
    with anyio.fail_after(5):
        assert await ending(settings_for(upstream, **limits), finish_silence=silence) == ("so far", SILENT)


async def test_pings_after_the_finish_are_silence(upstream: Replay, settings: Settings) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(TEXT + FINISH)
        while not exchange.closed.is_set():
            exchange.chunk(PING + b"event: ping\ndata: {}\n\n")
            await exchange.writer.drain()
            await anyio.lowlevel.checkpoint()

    upstream.behave = behave
    with anyio.fail_after(5):
        assert await ending(settings, finish_silence=0.3) == ("so far", SILENT)


async def test_text_after_a_finish_takes_its_time(upstream: Replay, settings: Settings) -> None:
    late = anyio.Event()

    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(FINISHED_TEXT + TEXT)
        await late.wait()
        exchange.chunk(FINISHED_TEXT + DONE)
        exchange.end()

    async def release() -> None:
        # Longer than the silence after a finish, which the text has taken back.
        await upstream.exchanges.get()
        with anyio.move_on_after(0.5):
            await anyio.sleep_forever()
        late.set()

    upstream.behave = behave
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(release)
        assert await ending(settings, finish_silence=0.1) == (" and onso far and on", None)
