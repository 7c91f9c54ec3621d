"""A call to the Responses API through the whole client, over a real socket."""

import json
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from openai.types.chat import ChatCompletion

from mcp_grok.errors import GrokError
from mcp_grok.limits import MAX_RESPONSE_ITEMS
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request
from mcp_grok.upstream.responses.chat_form import ChatForm
from tests.conftest import KEY
from tests.replay import Replay, held_after
from tests.upstream.responses import events, message, reasoning, response, stream, web_search

WHOLE = response(
    reasoning("I must look."),
    web_search("Grüße"),
    message("xAI is 👋🏽 a", " company.", annotations=[{"type": "url_citation", "url": "https://x.ai"}]),
)
CONTENT = "xAI is 👋🏽 a company."


async def ask(upstream: Replay, **arguments: Any) -> tuple[Completion, str, str]:
    """The completion of one search, its text as it came, and the reasoning."""
    settings = Settings(provider="xai", api_key=KEY, base_url=f"{upstream.base_url}/v1", max_retries=0)
    text: list[str] = []
    thoughts: list[str] = []
    given = {"messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "web_search"}], **arguments}
    async with aclosing(ChatClient(settings.endpoint)) as client:
        answer = await client.complete(read_request(given, settings.endpoint), text.append, thoughts.append)
    return answer, "".join(text), "".join(thoughts)


async def failure(upstream: Replay, **arguments: Any) -> dict[str, Any]:
    """The error of a search that must fail."""
    with pytest.raises(GrokError) as caught:
        await ask(upstream, **arguments)
    error = caught.value.as_dict()
    assert KEY not in str(error)
    return error


def expected() -> dict[str, Any]:
    """The completion for the whole response."""
    return ChatForm(searches=True).completion(WHOLE)


async def test_plain_answer_comes_from_the_responses_api(upstream: Replay) -> None:
    upstream.answer(WHOLE)
    answer, text, _ = await ask(upstream)
    assert upstream.requests[0].path == "/v1/responses"
    assert answer.body == expected()
    assert text == CONTENT
    assert answer.cost == {"amount": 0.00765, "currency": "USD"}
    assert answer.tokens["cached_tokens"] == 900
    assert not answer.has_no_search
    ChatCompletion.model_validate(answer.body)


@pytest.mark.parametrize("how", ["at once", "byte by byte"])
async def test_streamed_answer_is_the_same(upstream: Replay, how: str) -> None:
    content = stream(WHOLE)
    upstream.stream(*([content] if how == "at once" else [content[i : i + 1] for i in range(len(content))]))
    answer, text, thoughts = await ask(upstream, stream=True)
    assert answer.body == expected()
    assert text == CONTENT
    assert thoughts == "I must look.\n[search] web: Grüße\n"
    assert answer.in_doubt is None
    assert len(upstream.requests) == 1


async def test_answer_without_a_search_is_marked(upstream: Replay) -> None:
    upstream.answer(response(message("From memory.")))
    answer, *_ = await ask(upstream)
    assert answer.has_no_search


async def test_stream_without_a_closing_event_is_cut(upstream: Replay) -> None:
    *before, _ = events(WHOLE)
    pieces = [f"data: {json.dumps(event)}\n\n".encode() for event in before]
    upstream.stream(*pieces, b"data: [DONE]\n\n")
    error = await failure(upstream, stream=True)
    assert (error["code"], error["partial"], error["billed"]) == ("stream_truncated", CONTENT, "unknown")


@pytest.mark.parametrize("streamed", [False, True])
async def test_failed_response_is_an_error_with_its_words(upstream: Replay, streamed: bool) -> None:
    words = {"code": "server_error", "message": "The model stumbled."}
    failed = {**WHOLE, "status": "failed", "error": words}
    if streamed:
        upstream.stream(stream(failed))
    else:
        upstream.answer(failed)
    error = await failure(upstream, stream=streamed)
    assert (error["code"], error["upstream_message"]) == ("server_error", "The model stumbled.")
    assert error["partial"] == CONTENT


@pytest.mark.parametrize("status", ["failed", "cancelled", "in_progress"])
async def test_response_that_is_not_completed_is_no_answer(upstream: Replay, status: str) -> None:
    upstream.answer({**WHOLE, "status": status, "output": []})
    assert (await failure(upstream))["billed"] == "unknown"


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Too many requests"},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Too many requests"}},
    ],
)
async def test_error_in_the_stream_is_an_error(upstream: Replay, event: dict[str, Any]) -> None:
    upstream.stream(f"data: {json.dumps(event)}\n\n".encode())
    error = await failure(upstream, stream=True)
    assert (error["code"], error["upstream_message"]) == ("rate_limit_exceeded", "Too many requests")


async def test_error_body_is_an_error(upstream: Replay) -> None:
    upstream.answer({"code": "Client specified an invalid argument", "error": "Too many domains"}, status=400)
    assert (await failure(upstream))["upstream_message"].endswith(": Too many domains")


async def test_missing_api_is_named_and_remembered(upstream: Replay) -> None:
    upstream.answer({"detail": "Not Found"}, status=404)
    settings = Settings(provider="custom", base_url=f"{upstream.base_url}/v1", default_model="m", max_retries=0)
    given = {"messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "web_search"}]}
    async with aclosing(ChatClient(settings.endpoint)) as client:
        for status in (404, None):
            with pytest.raises(GrokError, match="xAI has") as caught:
                await client.complete(read_request(given, settings.endpoint))
            assert (caught.value.code, caught.value.status, caught.value.billed) == ("not_configured", status, "no")
    assert len(upstream.requests) == 1


async def test_unknown_model_is_not_a_missing_api(upstream: Replay) -> None:
    upstream.answer({"error": "The model grok-9 does not exist"}, status=404)
    assert (await failure(upstream))["code"] == "not_found"


async def test_chat_completion_from_that_address_is_an_answer(upstream: Replay) -> None:
    answer, text, _ = await ask(upstream)
    assert text == answer.text == "Yo!"


async def test_missing_api_is_remembered_for_the_caller_who_met_it(upstream: Replay) -> None:
    upstream.answer({"detail": "No such deployment"}, status=404)
    settings = Settings(provider="custom", base_url=f"{upstream.base_url}/v1", default_model="m", max_retries=0)
    request = read_request(
        {"messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "web_search"}]}, settings.endpoint
    )
    async with aclosing(ChatClient(settings.endpoint)) as client:
        for _ in range(2):
            with pytest.raises(GrokError):
                await client.complete(request, caller="ann")
        upstream.answer(WHOLE)
        assert (await client.complete(request, caller="bob")).text == CONTENT


@pytest.mark.parametrize("after", ["silence", "another", "more text", "broken"])
async def test_nothing_after_the_closing_event_counts(upstream: Replay, after: str) -> None:
    later = {
        "silence": b"",
        "another": stream(response(message("Forged."))),
        "more text": b'data: {"type": "response.output_text.delta", "delta": "Forged."}\n\n',
        "broken": b"data: {broken\n\n",
    }
    upstream.behave = held_after(stream(WHOLE) + later[after])
    with anyio.fail_after(5):
        answer, text, _ = await ask(upstream, stream=True)
    assert (text, answer.body, answer.in_doubt) == (CONTENT, expected(), None)


async def test_response_of_too_many_items_is_refused(upstream: Replay) -> None:
    upstream.answer({**WHOLE, "citations": ["a"] * MAX_RESPONSE_ITEMS})
    assert (await failure(upstream))["code"] == "response_too_large"
