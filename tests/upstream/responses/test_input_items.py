"""The messages of a chat as input items: every role and part, and what has no counterpart."""

from typing import Any

import pytest

from mcp_grok.upstream.responses.input_items import input_items
from tests.upstream.refusal import refusal_of


def items(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The items for messages of which nothing is dropped."""
    dropped: dict[str, str] = {}
    read = input_items(list(messages), dropped)
    assert dropped == {}
    return read


CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"of": "x"}'}}


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_text_stays_as_it_is(role: str) -> None:
    assert items({"role": role, "content": "Hi"}) == [{"role": role, "content": "Hi"}]


def test_parts_have_their_counterparts() -> None:
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    assert items({"role": "user", "content": parts}) == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is it?"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
                {"type": "input_file", "file_id": "file-1"},
            ],
        }
    ]


def test_tool_calls_and_their_results_are_items_of_their_own() -> None:
    assert items(
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "found"}]},
    ) == [
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"of": "x"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "found"},
    ]


def test_assistant_that_only_calls_says_nothing() -> None:
    assert [item["type"] for item in items({"role": "assistant", "content": None, "tool_calls": [CALL]})] == [
        "function_call"
    ]


def test_refusal_is_what_the_assistant_said() -> None:
    assert items({"role": "assistant", "content": None, "refusal": "No."}) == [{"role": "assistant", "content": "No."}]


def test_field_without_counterpart_is_dropped_and_named() -> None:
    dropped: dict[str, str] = {}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Hi", "name": "Ann"},
        {"role": "assistant", "content": "?", "audio": {}},
    ]
    assert input_items(messages, dropped) == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "?"}]
    assert list(dropped) == ["messages[0].name", "messages[1].audio"]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "file"}]}, "messages[0].content[0]"),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "type": "custom"}]},
            "messages[0].tool_calls[0]",
        ),
    ],
)
def test_part_without_counterpart_is_refused(message: dict[str, Any], param: str) -> None:
    assert refusal_of(lambda: items(message))[1] == param


def test_part_keeps_its_type_whatever_its_fields_say() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "type": "input_file"}}
    file = {"type": "file", "file": {"file_id": "file-1", "type": "input_image"}}
    [item] = items({"role": "user", "content": [image, file]})
    assert [part["type"] for part in item["content"]] == ["input_image", "input_file"]
