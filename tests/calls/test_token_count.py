"""The tokens that a call counts, also without a usage from the API."""

from collections.abc import Callable
from typing import Any

import pytest

from mcp_grok.calls import CallerLimits, Reason, Timings, open_calls
from mcp_grok.errors import Cancelled, LimitReached
from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest, read_request
from mcp_grok.upstream.token_estimate import prompt_tokens
from tests.calls.servers import SOON, Counted, ask, call_of, hello, outcome_of, until
from tests.conftest import settings_for
from tests.replay import COMPLETION, Held, HeldStream, Replay

LONG = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"a" * 400)
THOUGHTS = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"%s"}}]}\n\n' % (b"a" * 400)
WITHOUT_USAGE = {name: value for name, value in COMPLETION.items() if name != "usage"}

QUESTION = hello(stream=True, text="q" * 4000)
PROMPT = prompt_tokens(QUESTION.body)


async def counted(settings: Settings, chat: ChatRequest = QUESTION, timings: Timings | None = None) -> tuple[int, int]:
    """The tokens that the quota and the usage count for a call."""
    quotas = Counted()
    async with open_calls(settings, limits=CallerLimits(quotas=quotas), timings=timings) as calls:
        await outcome_of(await ask(calls, chat))
        await until(lambda: not calls.under_way(calls.request().principal))
        models = (await calls.usage())["models"]
    return quotas.tokens[""], sum(totals.get("estimated_tokens", 0) for totals in models.values())


async def test_stated_usage_is_counted_as_it_is(upstream: Replay, stored: Settings) -> None:
    assert await counted(stored) == (10, 0)


async def test_answer_without_usage_is_estimated(upstream: Replay, settings: Settings) -> None:
    upstream.answer(WITHOUT_USAGE)
    tokens, estimated = await counted(settings)
    assert PROMPT < tokens < PROMPT + 50
    assert estimated == tokens


@pytest.mark.parametrize(("choices", "text"), [(1, 200), (3, 600)])
async def test_text_that_came_before_a_failure_is_estimated(
    upstream: Replay, settings: Settings, choices: int, text: int
) -> None:
    upstream.stream(THOUGHTS, LONG, whole=False)
    messages = [{"role": "user", "content": "q" * 4000}]
    chat = read_request({"messages": messages, "stream": True, "n": choices}, settings.endpoint)
    tokens, estimated = await counted(settings, chat)
    assert tokens == estimated == pytest.approx(PROMPT + text, abs=5)


@pytest.mark.parametrize("reason", [Reason.USER, Reason.CLIENT_TIMEOUT])
async def test_cancelled_call_counts_what_came(upstream: Replay, stored: Settings, reason: Reason) -> None:
    HeldStream(upstream, LONG)
    quotas = Counted()
    async with open_calls(stored, limits=CallerLimits(quotas=quotas), timings=SOON) as calls:
        request = await ask(calls, QUESTION)
        await until(lambda: call_of(request).text)
        await request.interrupt(reason)
        await call_of(request).wait()
        await until(lambda: not calls.under_way(request.principal))

        async def estimated() -> Any:
            return (await calls.usage())["models"].get("grok-4", {}).get("estimated_tokens")

        tokens = await until(estimated)
        assert (await calls.usage())["models"]["grok-4"]["answers"] == 0
    assert tokens == quotas.tokens[""] == pytest.approx(PROMPT + 100, abs=2)


async def test_call_past_its_time_counts_its_request(upstream: Replay) -> None:
    Held(upstream)
    tokens, estimated = await counted(settings_for(upstream, timeout=0.2))
    assert tokens == estimated == PROMPT


@pytest.mark.parametrize(
    ("status", "error", "tokens"),
    [
        (400, {"message": "no"}, 0),
        (429, {"message": "slow down"}, 0),
        (500, {"message": "failed"}, 0),
    ],
)
async def test_failure_that_costs_nothing_counts_nothing(
    upstream: Replay, settings: Settings, status: int, error: Any, tokens: int
) -> None:
    upstream.answer({"error": error}, status)
    assert await counted(settings) == (tokens, 0)


async def test_failure_that_may_be_billed_counts_its_request(upstream: Replay) -> None:
    upstream.answer({"error": {"message": "failed"}}, 500)
    assert await counted(settings_for(upstream, provider="xai")) == (PROMPT, PROMPT)


async def test_call_that_does_not_begin_counts_nothing(upstream: Replay, settings: Settings) -> None:
    Held(upstream)
    quotas = Counted()
    async with open_calls(settings, limits=CallerLimits(quotas=quotas, calls_at_once=1)) as calls:
        await ask(calls)
        before = quotas.tokens.copy()
        with pytest.raises(LimitReached):
            await ask(calls, QUESTION)
        assert quotas.tokens == before
    async with open_calls(settings, limits=CallerLimits(quotas=quotas)) as calls:
        before = quotas.tokens.copy()
        request = calls.request(connection="stdio")
        await request.interrupt(Reason.USER)
        with pytest.raises(Cancelled):
            await calls.start(QUESTION, request)
        assert quotas.tokens == before


async def test_repeat_that_claims_a_call_counts_nothing_more(upstream: Replay, stored: Settings) -> None:
    quotas = Counted()
    async with open_calls(stored, limits=CallerLimits(quotas=quotas)) as calls:
        first = await ask(calls, QUESTION)
        await first.interrupt(Reason.CLIENT_TIMEOUT)
        assert isinstance(await outcome_of(await ask(calls, QUESTION)), Completion)
        await until(lambda: quotas.tokens[""] == 10)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("prepare", "tokens", "is_estimate"),
    [
        (lambda upstream: None, 10, False),
        (lambda upstream: upstream.stream(LONG, whole=False), PROMPT + 100, True),
        (lambda upstream: upstream.answer(b"", 401), 0, False),
    ],
)
async def test_log_says_whether_the_tokens_are_an_estimate(
    upstream: Replay,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    prepare: Callable[[Replay], None],
    tokens: int,
    is_estimate: bool,
) -> None:
    caplog.set_level("INFO")
    prepare(upstream)
    await counted(settings)
    [record] = [record for record in caplog.records if record.name == "mcp_grok.calls"]
    fields: dict[str, Any] = vars(record)["call"]
    assert fields["tokens"] == pytest.approx(tokens, abs=2)
    assert fields["tokens_estimated"] is is_estimate
