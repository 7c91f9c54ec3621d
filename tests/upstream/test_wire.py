"""Every recorded oddity, over a real socket and through the whole client."""

import json
from typing import Any

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request
from tests.replay import Replay
from tests.wire import FOLDER, RECORDINGS, recorded


async def ask(settings: Settings, n: int = 1, stream: bool = True) -> tuple[Completion | GrokError, str]:
    """One call; its outcome, and the text that came piece by piece."""
    pieces: list[str] = []
    arguments = {"messages": [{"role": "user", "content": "Hello"}], "stream": stream, "n": n}
    request = read_request(arguments, settings.endpoint)
    client = ChatClient(settings.endpoint)
    try:
        return await client.complete(request, pieces.append), "".join(pieces)
    except GrokError as error:
        return error, "".join(pieces)
    finally:
        await client.aclose()


def assert_as_recorded(expected: dict[str, Any], outcome: Completion | GrokError, streamed: str) -> None:
    """Checks an outcome against an entry of the index."""
    if "code" in expected:
        assert isinstance(outcome, GrokError)
        error = outcome.as_dict()
        assert error["code"] == expected["code"]
        assert error["billed"] == "unknown"
        assert error.get("partial") == expected.get("partial")
        return
    assert isinstance(outcome, Completion), outcome
    choice = outcome.body["choices"][0]
    message = choice["message"]
    assert outcome.body["object"] == "chat.completion"
    assert bool(outcome.in_doubt) is expected.get("in_doubt", False)
    assert choice["finish_reason"] is not None or outcome.in_doubt
    if "content" in expected:
        assert without_lone_surrogates(message["content"]) == expected["content"]
    if text := expected.get("streamed", expected.get("content")):
        assert without_lone_surrogates(streamed) == text
    if "message" in expected:
        assert {key: value for key, value in message.items() if value is not None} == expected["message"]
    if "whole" in expected:
        assert {key: value for key, value in outcome.body.items() if key != "choices"} == expected["whole"]
    if "usage" in expected:
        usage = outcome.body["usage"]
        assert [usage[f"{name}_tokens"] for name in ("prompt", "completion", "total")] == expected["usage"]
    if "calls" in expected:
        calls = [[call["id"], *call["function"].values()] for call in message["tool_calls"]]
        assert calls == expected["calls"]
        assert all("index" not in call for call in message["tool_calls"])


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("how", ["at once", "byte by byte"])
async def test_recording_gives_what_its_index_says(upstream: Replay, settings: Settings, name: str, how: str) -> None:
    content = recorded(name)
    kind = "application/json" if content.startswith(b"{") else "text/event-stream"
    pieces = [content] if how == "at once" else [content[i : i + 1] for i in range(len(content))]
    upstream.stream(*pieces, content_type=kind)
    expected = RECORDINGS[name]
    assert_as_recorded(expected, *await ask(settings, expected.get("choices", 1)))


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name != "json_where_a_stream_was_asked"])
async def test_stream_is_read_where_json_was_requested(upstream: Replay, settings: Settings, name: str) -> None:
    upstream.stream(recorded(name), content_type="application/json")
    expected = RECORDINGS[name]
    outcome, streamed = await ask(settings, expected.get("choices", 1), stream=False)
    assert_as_recorded(expected, outcome, streamed)


def test_every_recording_is_in_the_index() -> None:
    files = {file.stem for file in FOLDER.iterdir() if file.suffix in (".sse", ".json")}
    assert files == set(RECORDINGS)


async def test_stream_of_the_guide_keeps_identity_and_usage(upstream: Replay, settings: Settings) -> None:
    upstream.stream(recorded("acedata_guide"))
    outcome, _ = await ask(settings)
    assert isinstance(outcome, Completion)
    assert outcome.body["id"] == "foaicmpl-503ab14f-3f22-46ab-9f91-3fb44773be38"
    assert outcome.body["created"] == 1755839790
    assert outcome.body["model"] == "grok-3"
    assert outcome.body["usage"]["input_tokens_details"] is None
    assert outcome.body["choices"][0] == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": "Yo, what's good? Ready to dive into whatever you're pondering about today?",
        },
        "logprobs": None,
        "finish_reason": "stop",
    }


async def test_two_choices_are_whole_and_in_order(upstream: Replay, settings: Settings) -> None:
    upstream.stream(recorded("choices_interleaved"))
    outcome, streamed = await ask(settings, n=2)
    assert isinstance(outcome, Completion)
    first, second = outcome.body["choices"]
    assert (first["message"]["content"], first["finish_reason"]) == ("A1 A2", "stop")
    assert (second["message"]["content"], second["finish_reason"]) == ("B1 B2", "length")
    assert streamed == "A1 A2"


async def test_reasoning_refusal_logprobs_and_unknown_fields_are_kept(upstream: Replay, settings: Settings) -> None:
    upstream.stream(recorded("reasoning_refusal_logprobs"))
    outcome, _ = await ask(settings)
    assert isinstance(outcome, Completion)
    choice = outcome.body["choices"][0]
    assert choice["message"]["reasoning_content"] == "think hard"
    assert choice["message"]["refusal"] == "but no"
    assert [item["token"] for item in choice["logprobs"]["content"]] == ["yes", "!"]
    assert outcome.body["citations"] == ["https://x.ai"]
    assert outcome.body["service_tier"] == "default"


async def test_event_over_a_mebibyte_is_read(upstream: Replay, settings: Settings) -> None:
    text = "word " * 300_000
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    upstream.stream(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    outcome, _ = await ask(settings)
    assert isinstance(outcome, Completion)
    assert outcome.body["choices"][0]["message"]["content"] == text


async def test_missing_choices_after_done_are_counted(upstream: Replay, settings: Settings) -> None:
    upstream.stream(recorded("crlf"))
    outcome, _ = await ask(settings, n=3)
    assert isinstance(outcome, Completion)
    assert outcome.missing_choices == 2


async def test_missing_choices_without_done_are_a_cut_answer(upstream: Replay, settings: Settings) -> None:
    upstream.stream(recorded("no_done"))
    outcome, _ = await ask(settings, n=3)
    assert isinstance(outcome, GrokError)
    assert outcome.as_dict()["code"] == "stream_truncated"
    assert outcome.as_dict()["partial"] == "whole"
