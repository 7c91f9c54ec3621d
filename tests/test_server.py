"""The server through the SDK's in-memory client, where the wire does not matter."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from mcp_grok.errors import InternalError
from mcp_grok.json_parser import MAX_DEPTH
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.upstream.stream import NO_FINISH
from tests.chat import CHAT, HELLO, body_of, completion, text_of
from tests.conftest import KEY, settings_for
from tests.replay import COMPLETION, TEXT, Replay

MESSAGE_DEPTH = 4
"""The levels of a completion down to the fields of a message."""


async def call(settings: Settings, arguments: dict[str, Any], mode: str = "auto") -> CallToolResult:
    """One call of the tool on a server of its own."""
    async with Client(create_server(settings), mode=mode) as client:
        return await client.call_tool(CHAT, arguments)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_completion_is_compact_json_text_in_both_eras(upstream: Replay, settings: Settings, mode: str) -> None:
    result = await call(settings, HELLO, mode)
    assert len(result.content) == 1
    assert text_of(result) == json.dumps(COMPLETION, separators=(",", ":"))
    assert result.structured_content is None
    assert not result.is_error
    assert result.meta is not None
    assert result.meta["mcp-grok/attempts"] == 1


async def test_structured_content_is_sent_only_if_set(upstream: Replay) -> None:
    result = await call(settings_for(upstream, structured=True), HELLO)
    assert result.structured_content == COMPLETION
    assert body_of(result) == COMPLETION


@pytest.mark.parametrize("size", [1, 300_000])
@pytest.mark.parametrize("stream", [False, True])
async def test_answer_of_the_maximum_depth_is_passed_on_without_its_key(
    upstream: Replay, size: int, stream: bool
) -> None:
    text, deep = f"{KEY} {'x' * size}", nested(MAX_DEPTH - MESSAGE_DEPTH)
    if stream:
        delta = {"choices": [{"index": 0, "delta": {"content": text, "deep": deep}, "finish_reason": "stop"}]}
        upstream.stream(f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n".encode())
    else:
        upstream.answer(completion(text, deep=deep))
    result = await call(settings_for(upstream, structured=True), {**HELLO, "stream": stream})
    assert not result.is_error
    assert KEY not in text_of(result)
    assert "[removed] x" in text_of(result)
    assert result.structured_content == body_of(result)


async def test_answer_over_the_maximum_depth_is_an_error(upstream: Replay, settings: Settings) -> None:
    upstream.answer(completion(f"{KEY} {'x' * 300_000}", deep=nested(MAX_DEPTH - MESSAGE_DEPTH + 1)))
    result = await call(settings, HELLO)
    error = body_of(result)["error"]
    assert (error["code"], error["billed"]) == ("bad_upstream_response", "unknown")
    assert KEY not in text_of(result)


def nested(depth: int) -> Any:
    """A list in a list, and so on."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


async def test_completion_keeps_fields_order_and_large_integers(upstream: Replay, settings: Settings) -> None:
    message = b'{"role":"assistant","content":"x","new":[1.5e10]}'
    choices = b'"choices":[{"message":' + message + b',"finish_reason":"stop","index":0}]'
    body = b'{"zebra":12345678901234567890123,' + choices + b',"id":"a"}'
    upstream.answer(body)
    text = text_of(await call(settings, HELLO))
    assert text == body.decode().replace("1.5e10", "15000000000.0")


async def test_lone_surrogate_becomes_the_replacement_character(upstream: Replay, settings: Settings) -> None:
    upstream.answer(
        b'{"choices":[{"message":{"content":"a\\ud83d b \\ud83d\\ude00"},"finish_reason":"stop","index":0}]}'
    )
    answer = body_of(await call(settings, HELLO))
    assert answer["choices"][0]["message"]["content"] == "a\ufffd b \U0001f600"


async def test_error_is_a_result_with_the_contract_object(upstream: Replay, settings: Settings) -> None:
    upstream.answer(
        {
            "success": False,
            "error": {"code": "api_error", "message": f"fetch failed with {KEY}"},
            "trace_id": "2cf86e86",
        },
        500,
    )
    result = await call(settings, HELLO)
    assert result.is_error
    error = body_of(result)["error"]
    assert error == {
        "code": "api_error",
        "message": "AceData failed; send the call again later.",
        "status": 500,
        "type": "server_error",
        "retryable": True,
        "billed": "no",
        "provider": "acedata",
        "trace_id": "2cf86e86",
        "upstream_message": "fetch failed with [removed]",
    }


async def test_wrong_argument_is_refused_before_sending(upstream: Replay, settings: Settings) -> None:
    result = await call(settings, {**HELLO, "temperature": 3})
    error = body_of(result)["error"]
    assert (error["code"], error["param"]) == ("invalid_request", "temperature")
    assert error["message"] == "temperature must be a number from 0 to 2, got 3."
    assert error["billed"] == "no"
    assert not upstream.requests


async def test_call_without_a_key_says_what_to_set(upstream: Replay) -> None:
    settings = Settings(base_url=upstream.base_url)
    async with Client(create_server(settings)) as client:
        assert (await client.list_tools()).tools
        result = await client.call_tool(CHAT, HELLO)
    error = body_of(result)["error"]
    assert error["code"] == "not_configured"
    for name in ("ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY"):
        assert name in error["message"]
    assert not upstream.requests


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api_key": KEY}, ["MCP_GROK_API_KEY", "MCP_GROK_PROVIDER", "acedata, llmprovider, xai, custom"]),
        ({"acedata_api_key": "xai-1"}, ["starts with xai-", "not sent to AceData", "MCP_GROK_PROVIDER=xai"]),
        ({"provider": "llmprovider", "api_key": "xai-1"}, ["not sent to llmprovider.ai", "MCP_GROK_PROVIDER=xai"]),
    ],
)
async def test_key_of_another_company_is_not_sent(upstream: Replay, given: dict[str, str], words: list[str]) -> None:
    async with Client(create_server(Settings(base_url=upstream.base_url, **given))) as client:  # type: ignore[arg-type]
        assert (await client.list_tools()).tools
        result = await client.call_tool(CHAT, HELLO)
    error = body_of(result)["error"]
    assert (error["code"], error["billed"]) == ("not_configured", "no")
    assert [word for word in words if word not in error["message"]] == []
    assert not upstream.requests


@pytest.mark.parametrize("provider", ["xai", "custom"])
async def test_key_of_xai_is_sent_where_it_is_meant_for(upstream: Replay, provider: str) -> None:
    settings = Settings(provider=provider, api_key="xai-1", base_url=upstream.base_url, default_model="m")
    async with Client(create_server(settings)) as client:
        assert not (await client.call_tool(CHAT, HELLO)).is_error
    assert upstream.requests[0].headers["authorization"] == "Bearer xai-1"


async def test_unknown_tool_is_a_protocol_error(settings: Settings) -> None:
    async with Client(create_server(settings)) as client:
        with pytest.raises(MCPError, match="Unknown tool 'grok'"):
            await client.call_tool("grok", {})


async def test_dropped_parameter_is_named_in_meta(upstream: Replay, settings: Settings) -> None:
    result = await call(settings, {**HELLO, "stream_options": {"include_usage": True}})
    assert result.meta is not None
    assert result.meta["mcp-grok/dropped"] == {"stream_options": "the call is not streamed"}


async def test_dropped_parameters_without_end_are_counted(upstream: Replay) -> None:
    options = {f"{number}{'k' * 1000}": 1 for number in range(1000)}
    async with Client(create_server(settings_for(upstream, provider="xai"))) as client:
        result = await client.call_tool(CHAT, {**HELLO, "web_search_options": options})
    assert result.meta is not None
    dropped = result.meta["mcp-grok/dropped"]
    assert dropped["…"] == "980 more"
    assert len(json.dumps(dropped)) < 10_000
    assert "stream_options" not in upstream.requests[0].json


async def test_answer_of_another_form_is_returned_with_violations(upstream: Replay, settings: Settings) -> None:
    result = await call(settings, {**HELLO, "response_format": {"type": "json_object"}})
    assert body_of(result) == COMPLETION
    assert result.meta is not None
    [violation] = result.meta["mcp-grok/invalid_json"]
    assert (violation["choice"], violation["path"]) == (0, "$")


async def test_missing_choices_are_counted_in_meta(upstream: Replay, settings: Settings) -> None:
    result = await call(settings, {**HELLO, "n": 3})
    assert result.meta is not None
    assert result.meta["mcp-grok/missing_choices"] == 2


async def test_doubt_about_an_answer_is_in_meta(upstream: Replay, settings: Settings) -> None:
    upstream.stream(TEXT, b"data: [DONE]\n\n")
    result = await call(settings, {**HELLO, "stream": True})
    assert result.meta is not None
    assert result.meta["mcp-grok/in_doubt"] == NO_FINISH


def test_defect_is_an_internal_error_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    prompt = "".join(["a secret ", "prompt"])
    try:
        int(prompt)
    except ValueError as error:
        internal = InternalError.of(error)
    assert internal.as_dict()["code"] == "internal_error"
    assert "ValueError" in caplog.text
    assert prompt not in caplog.text
