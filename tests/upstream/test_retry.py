"""When a call is sent again: the rule as a table, and the client keeping to it on real sockets."""

import asyncio
import json
from typing import Any

import pytest

from mcp_grok.errors import CallTimeout, ConnectionFailed, GrokError, StreamTruncated, UpstreamError
from mcp_grok.settings import Settings
from mcp_grok.upstream.retry import backoff, seconds_before_resend
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, Exchange, Replay
from tests.upstream.clients import ask, client_for


def refused(status: int, **details: Any) -> GrokError:
    """An upstream's answer with an error."""
    return UpstreamError("x", status=status, retryable=True, billed="no", **details)


@pytest.mark.parametrize(
    ("error", "attempt", "wait"),
    [
        (ConnectionFailed("refused", billed="no"), 1, 7.0),
        (ConnectionFailed("refused", billed="no"), 2, 7.0),
        (ConnectionFailed("refused", billed="no"), 3, None),
        (ConnectionFailed("certificate", billed="no", retryable=False), 1, None),
        (ConnectionFailed("broke after sending"), 1, None),
        (refused(429), 2, 7.0),
        (refused(429, retry_after=0.25), 1, 0.25),
        (refused(429, retry_after=120.0), 1, 120.0),
        (refused(429, retry_after=121.0), 1, None),
        (UpstreamError("credits used up", status=429, retryable=False, billed="no"), 1, None),
        (refused(500), 1, 7.0),
        (refused(500), 2, None),
        (refused(502), 1, 7.0),
        (refused(503, retry_after=3.0), 1, 3.0),
        (refused(504), 1, 7.0),
        (refused(529), 1, 7.0),
        (refused(529), 2, None),
        (refused(408), 1, None),
        (refused(520), 1, None),
        (refused(524), 1, None),
        (refused(200, type="rate_limit_error"), 2, 7.0),
        (refused(501), 1, None),
        (refused(200), 1, None),
        (refused(500, partial="so far"), 1, None),
        (UpstreamError("bad request", status=400, billed="no"), 1, None),
        (CallTimeout("idle"), 1, None),
        (StreamTruncated("cut"), 1, None),
    ],
)
def test_only_calls_that_cannot_be_billed_twice_are_resent(error: GrokError, attempt: int, wait: float | None) -> None:
    assert seconds_before_resend(error, attempt=attempt, max_retries=2, waiting=lambda number: 7.0) == wait


def test_nothing_is_resent_without_retries() -> None:
    assert seconds_before_resend(refused(429), attempt=1, max_retries=0) is None


@pytest.mark.parametrize(("attempt", "most"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (9, 8)])
def test_backoff_doubles_up_to_eight_seconds(attempt: int, most: float) -> None:
    waits = [backoff(attempt) for _ in range(200)]
    assert most * 0.75 <= min(waits) < max(waits) <= most


def answers(upstream: Replay, *statuses: int, headers: str = "") -> None:
    """Has the upstream answer with one status after the other, and then well."""
    left = list(statuses)

    async def behave(exchange: Exchange) -> None:
        upstream.answer(COMPLETION) if not left else upstream.answer({"error": "no"}, left.pop(0), headers=headers)
        answering, upstream.behave = upstream.behave, behave
        await answering(exchange)

    upstream.behave = behave


async def outcome(settings: Settings, **arguments: Any) -> Any:
    """The completion, or the error, of one call that does not wait between attempts."""
    async with client_for(settings, backoff=lambda attempt: 0.0) as client:
        try:
            return await ask(client, **arguments)
        except GrokError as error:
            return error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("statuses", "attempts"), [((429,), 2), ((429, 429), 3), ((500,), 2), ((504,), 2)])
async def test_answer_follows_attempts_that_cost_nothing(
    upstream: Replay, statuses: tuple[int, ...], attempts: int, stream: bool
) -> None:
    answers(upstream, *statuses)
    completion = await outcome(settings_for(upstream, max_retries=2), stream=stream)
    assert completion.body == COMPLETION
    assert completion.attempts == len(upstream.requests) == attempts
    assert len({request.body for request in upstream.requests}) == 1


@pytest.mark.parametrize(("statuses", "attempts"), [((429, 429, 429), 3), ((500, 500), 2), ((400,), 1), ((403,), 1)])
async def test_last_error_has_the_number_of_attempts(
    upstream: Replay, statuses: tuple[int, ...], attempts: int
) -> None:
    answers(upstream, *statuses)
    error = await outcome(settings_for(upstream, max_retries=2))
    assert error.as_dict()["status"] == statuses[-1]
    assert error.attempts == len(upstream.requests) == attempts


async def test_retry_after_is_kept_unless_past_the_deadline(upstream: Replay) -> None:
    answers(upstream, 429, headers="retry-after-ms: 20\r\n")
    completion = await outcome(settings_for(upstream, max_retries=1))
    assert completion.attempts == 2
    answers(upstream, 429, headers="retry-after: 60\r\n")
    error = await outcome(settings_for(upstream, max_retries=1, timeout=5))
    assert error.as_dict()["retry_after"] == 60
    assert error.attempts == 1


LIMITED = {"error": {"code": 429, "message": "Slow down."}}


@pytest.mark.parametrize("stream", [False, True])
async def test_rate_limit_under_http_200_is_sent_again(upstream: Replay, stream: bool) -> None:
    async def behave(exchange: Exchange) -> None:
        first = len(upstream.requests) == 1
        if stream and first:
            upstream.stream(f"data: {json.dumps(LIMITED)}\n\n".encode())
        else:
            upstream.answer(LIMITED if first else COMPLETION)
        answering, upstream.behave = upstream.behave, behave
        await answering(exchange)

    upstream.behave = behave
    completion = await outcome(settings_for(upstream, max_retries=1), stream=stream)
    assert (completion.body, completion.attempts) == (COMPLETION, 2)


@pytest.mark.parametrize(
    "begun",
    [
        {"choices": [{"index": 0, "delta": {"content": "so far"}}]},
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]},
        {"id": "c-1", "choices": []},
    ],
)
async def test_rate_limit_within_an_answer_is_never_resent(upstream: Replay, begun: Any) -> None:
    upstream.stream(*[f"data: {json.dumps(chunk)}\n\n".encode() for chunk in (begun, LIMITED)])
    error = await outcome(settings_for(upstream, max_retries=5), stream=True)
    assert (error.status, error.type, error.attempts) == (429, "rate_limit_error", 1)
    assert len(upstream.requests) == 1


async def test_broken_stream_is_never_resent(upstream: Replay) -> None:
    upstream.stream(b'data: {"choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n', whole=False)
    error = await outcome(settings_for(upstream, max_retries=5), stream=True)
    assert error.as_dict()["code"] == "stream_truncated"
    assert len(upstream.requests) == 1


async def test_broken_connection_after_sending_is_never_resent(upstream: Replay) -> None:
    upstream.raw(b"")
    error = await outcome(settings_for(upstream, max_retries=5))
    assert (error.as_dict()["code"], error.as_dict()["billed"]) == ("connection_failed", "unknown")
    assert len(upstream.requests) == 1


async def test_refused_connection_is_tried_again() -> None:
    async with Replay() as gone:
        port = gone.port
    late = Replay(port=port)

    async def open_the_door(attempt: int) -> None:
        await late.__aenter__()

    opening: list[asyncio.Task[None]] = []

    def waiting(attempt: int) -> float:
        opening.append(asyncio.ensure_future(open_the_door(attempt)))
        return 0.05

    settings = Settings(provider="acedata", api_key=KEY, base_url=f"http://127.0.0.1:{port}", max_retries=1)
    async with client_for(settings, backoff=waiting) as client:
        completion = await ask(client)
    await late.__aexit__(None, None, None)
    assert completion.attempts == 2


async def test_possible_bill_of_an_earlier_attempt_is_kept(upstream: Replay) -> None:
    answers(upstream, 500, 400)
    error = await outcome(settings_for(upstream, provider="xai", max_retries=2), model="grok-4.7")
    assert (error.as_dict()["status"], error.as_dict()["billed"]) == (400, "unknown")
