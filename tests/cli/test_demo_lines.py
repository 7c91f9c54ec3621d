"""The lines of the demo, as pure functions."""

import pytest

from mcp_grok.cli.demo_lines import Json, bill_line, call_line, result_line

HELLO = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RETURNED = {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo"}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"properties": {"text": {}, "language": {}}}}}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"messages": [HELLO]}, 'ask "Hello"'),
        ({"messages": [HELLO], "model": "grok-4", "stream": True}, 'ask "Hello" model=grok-4 stream=true'),
        ({"messages": [HELLO, CALLED]}, 'ask user: "Hello" assistant: get_weather(city="Zürich")'),
        ({"messages": [HELLO, RETURNED]}, 'ask user: "Hello" tool: "18 degrees"'),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PNG]}]},
            'ask "What is this?" [image/png]',
        ),
        ({"messages": [HELLO], "tools": [TOOL, TOOL]}, 'ask "Hello" tools=[get_weather, get_weather]'),
        ({"messages": [HELLO], "response_format": SCHEMA}, 'ask "Hello" response_format={text, language}'),
        ({"id": "grok-1", "offset": 7}, "ask id=grok-1 offset=7"),
    ],
)
def test_call_is_one_line(arguments: Json, line: str) -> None:
    assert call_line("ask", arguments) == line


@pytest.mark.parametrize(
    ("result", "line"),
    [
        ({"choices": [{"message": {"content": "Hi!"}}]}, "Hi!"),
        ({"choices": [{"message": CALLED}]}, 'get_weather(city="Zürich")'),
        (
            {"error": {"code": "used_up", "billed": "no", "message": "Top it up.", "trace_id": "1"}},
            "error used_up, billed: no. Top it up.",
        ),
        (
            {"object": "chat.completion.pending", "id": "grok-1", "elapsed": 2.04, "message": "Not ready."},
            "pending after 2 s, id=grok-1. Not ready.",
        ),
        (
            {"object": "video.pending", "id": "grok-1", "elapsed": 2.04, "message": "Not ready."},
            "pending after 2 s, id=grok-1. Not ready.",
        ),
        ({"object": "video", "videos": [{"url": "https://example.com/a/cat.mp4"}]}, "video cat.mp4"),
        ({"object": "other"}, '{"object": "other"}'),
    ],
)
def test_result_has_what_matters(result: Json, line: str) -> None:
    assert result_line(result) == line


def test_bill_is_that_of_an_answer() -> None:
    answer = {"choices": [], "usage": {"total_tokens": 35}}
    assert bill_line(answer, None) == "35 tokens"
    assert bill_line(answer, {"amount": 0.25, "currency": "USD"}) == "35 tokens, 0.25 USD"
    assert bill_line({"videos": [], "usage": {"cost_in_usd_ticks": 0}}, {"amount": 0, "currency": "USD"}) == "0 USD"
    assert bill_line({"error": {}}, None) == ""
