"""The sandbox's answers, without a socket."""

import json
from typing import Any

import pytest

from mcp_grok.sandbox.answers import NOTICE, Answer, answer
from mcp_grok.sandbox.chat_request import ChatRequest
from mcp_grok.sandbox.schema_example import schema_example
from tests.sandbox.conftest import HELLO

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time", "get_news")]


def answer_to(content: str = "Hello", **parameters: Any) -> Answer:
    """The answer to a message."""
    messages = [{"role": "user", "content": content}]
    return answer(ChatRequest.model_validate({**HELLO, "messages": messages, **parameters}), 0)


def called(one: Answer) -> list[str]:
    """The names of the called functions."""
    return [call["function"]["name"] for call in one.tool_calls]


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "string"}, NOTICE),
        ({"const": 7}, 7),
        ({"type": "string", "default": "blue"}, "blue"),
        ({"enum": ["en", "de"]}, "en"),
        ({"type": "integer", "minimum": 18}, 18),
        ({"type": "number"}, 1),
        ({"type": ["boolean", "null"]}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array"}, [NOTICE]),
        ({"type": "array", "items": True}, [NOTICE]),
        ({"properties": {"a": True, "b": {"type": "number"}}, "required": ["b"]}, {"a": NOTICE, "b": 1}),
        ({"properties": {"a": {"type": "object", "properties": {"b": {"type": "boolean"}}}}}, {"a": {"b": True}}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_example_fits_schema(schema: dict[str, Any], fits: Any) -> None:
    assert schema_example(schema, NOTICE) == fits


def test_named_tools_are_called() -> None:
    one = answer_to("get_news, then get_weather", tools=TOOLS)
    assert called(one) == ["get_weather", "get_news"]
    assert len({call["id"] for call in one.tool_calls}) == 2


def test_first_tool_is_called_if_none_is_named() -> None:
    assert called(answer_to(tools=TOOLS)) == ["get_weather"]


def test_tool_choice_none_calls_no_tool() -> None:
    one = answer_to(tools=TOOLS, tool_choice="none")
    assert (one.tool_calls, one.finish_reason) == ([], "stop")
    assert (one.text or "").startswith(NOTICE)


def test_stop_sequence_at_the_start_empties_the_answer() -> None:
    one = answer_to(stop="This")
    assert (one.text, one.finish_reason) == ("", "stop")
