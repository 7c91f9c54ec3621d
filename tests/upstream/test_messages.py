"""The conversation: what is checked, what passes untouched, and which path an error names."""

import json
import math
from typing import Any

import pytest

from mcp_grok.upstream.messages import IMAGE_ADDRESS, ROLES
from mcp_grok.upstream.parameters import PARAMETERS
from tests.upstream.refusal import refusal_of

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
IMAGE = "https://example.com/cat.png"
URL_PATH = "messages[1].content[1].image_url.url"


def read(messages: Any) -> Any:
    """The messages as they go to the API."""
    return PARAMETERS["messages"].read("messages", messages)


def refusal(messages: Any) -> tuple[str, str]:
    """The message and the parameter of the error for wrong messages."""
    return refusal_of(lambda: read(messages))


def with_part(part: Any) -> list[dict[str, Any]]:
    """A conversation whose second message has a second part."""
    return [USER, {"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]


@pytest.mark.parametrize("messages", [[USER], json.dumps([USER]), [json.dumps(USER)]])
def test_messages_and_items_are_read_from_text(messages: Any) -> None:
    assert read(messages) == [USER]


@pytest.mark.parametrize("value", ["Hello", USER, json.dumps(USER), 7, True, '[{"role": '])
def test_other_type_is_refused_with_example(value: Any) -> None:
    message, param = refusal(value)
    assert message.startswith('messages must be a list like [{"role": "user", "content": "Hello"}], got ')
    assert json.dumps(value) in message
    assert param == "messages"


def test_empty_list_is_refused_with_example() -> None:
    message = 'messages must not be empty; give a list like [{"role": "user", "content": "Hello"}].'
    assert refusal([]) == refusal("[]") == (message, "messages")


@pytest.mark.parametrize("value", ["Hello", '"Hello"', None, 7, [USER], [[USER]]])
def test_message_that_is_not_an_object_is_refused_with_path(value: Any) -> None:
    message, param = refusal([USER, value])
    assert message.startswith('messages[1] must be an object like {"role": "user", "content": "Hello"}, got ')
    assert json.dumps(value) in message
    assert param == "messages[1]"


@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer", "tool"])
def test_documented_role_is_accepted(role: str) -> None:
    message = {"role": role, "content": "x", **({"tool_call_id": "call_1"} if role == "tool" else {})}
    assert read([message]) == [message]


@pytest.mark.parametrize("role", ["", "User", "human", "function", None, 7, ["user"], {}])
def test_unknown_role_is_refused_with_known_roles(role: Any) -> None:
    message = f"messages[0].role must be one of {', '.join(ROLES)}, got {json.dumps(role)}."
    assert refusal([{"role": role, "content": "x"}]) == (message, "messages[0].role")


@pytest.mark.parametrize("given", [{}, {"tool_call_id": None}, {"tool_call_id": 7}])
def test_tool_message_without_call_id_is_refused(given: dict[str, Any]) -> None:
    assert refusal([USER, {"role": "tool", "content": "42", **given}]) == (
        "messages[1] has the role tool and must have the tool_call_id of the call that it answers.",
        "messages[1].tool_call_id",
    )


@pytest.mark.parametrize("content", ['{"a": 1}', "[1, 2]", "null", "true", "7", '"quoted"', "", " \n"])
def test_content_that_looks_like_json_is_unchanged(content: str) -> None:
    assert read([{"role": "user", "content": content}]) == [{"role": "user", "content": content}]


def test_unknown_fields_pass_and_null_fields_are_left_out() -> None:
    message = {"role": "user", "content": "x", "name": "Ann", "new": {"a": [None, 1.5]}, "text": '{"a": 1}'}
    assert read([{**message, "tool_calls": None, "name": "Ann"}]) == [message]


def test_given_messages_are_not_changed_in_place() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"b": 1}}}
    given = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        *with_part({"type": "image_url", "image_url": IMAGE}),
    ]
    before = json.dumps(given)
    read(given)
    assert json.dumps(given) == before


@pytest.mark.parametrize("content", [{}, {"content": None}])
@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer"])
def test_message_without_content_is_refused(role: str, content: dict[str, Any]) -> None:
    message, param = refusal([{"role": role, **content}])
    assert message.startswith("messages[0].content is missing; give a string or a list of parts")
    assert ("tool_calls" in message) == (role == "assistant")
    assert param == "messages[0].content"


@pytest.mark.parametrize("content", [{}, {"content": None}])
def test_message_with_tool_calls_needs_no_content(content: dict[str, Any]) -> None:
    message = {"role": "assistant", **content, "tool_calls": [CALL]}
    assert read([message]) == read([{**message, "tool_calls": json.dumps([CALL])}]) == [message]


@pytest.mark.parametrize("content", [7, True, {}, {"type": "text", "text": "x"}])
def test_content_of_other_type_is_refused(content: Any) -> None:
    wanted = "a string or a list of text and image_url parts"
    message = f"messages[0].content must be {wanted}, got {json.dumps(content)}."
    assert refusal([{"role": "user", "content": content}]) == (message, "messages[0].content")


@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": []}, {"content": ""}])
def test_result_of_a_function_that_returned_nothing_is_empty(content: dict[str, Any]) -> None:
    message = {"role": "tool", "tool_call_id": "call_1"}
    assert read([{**message, **content}]) == [{**message, "content": ""}]


@pytest.mark.parametrize("empty", [None, "", [], {}, "[]", "null"])
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_tool_calls_without_any_are_left_out(role: str, empty: Any) -> None:
    message = {"role": role, "content": "x"}
    assert read([{**message, "tool_calls": empty}]) == [message]


@pytest.mark.parametrize("field", ["name", "tool_call_id", "refusal", "audio", "function_call"])
@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_empty_field_is_left_out(field: str, empty: Any) -> None:
    message = {"role": "assistant", "content": "", "reasoning_content": "", "annotations": []}
    assert read([{**message, field: empty}]) == [message]


def test_tool_message_with_empty_call_id_is_refused() -> None:
    assert refusal([{"role": "tool", "tool_call_id": "", "content": "x"}])[1] == "messages[0].tool_call_id"


def test_empty_fields_of_parts_are_left_out() -> None:
    # A model that fills every field of the schema.
    text = {"type": "text", "text": ""}
    image = {"type": "image_url", "image_url": {"url": IMAGE}}
    filled = [{**text, "image_url": {}}, {**text, "image_url": None}, {**image, "text": ""}]
    filled.append({"type": "image_url", "image_url": {"url": IMAGE, "detail": ""}})
    assert read([{"role": "user", "content": filled}]) == [{"role": "user", "content": [text, text, image, image]}]


def test_empty_list_of_parts_is_refused() -> None:
    message = "messages[0].content must not be an empty list."
    assert refusal([{"role": "user", "content": []}]) == (message, "messages[0].content")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": '{"a": 1}'},
        {"type": "text", "text": "", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": IMAGE, "detail": "high", "new": 1}},
        {"type": "refusal", "refusal": "No."},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ],
)
def test_parts_pass_untouched(part: dict[str, Any]) -> None:
    assert read(with_part(part)) == with_part(part)


def test_image_given_as_address_becomes_object() -> None:
    assert read(with_part({"type": "image_url", "image_url": IMAGE})) == with_part(
        {"type": "image_url", "image_url": {"url": IMAGE}}
    )


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("Hello", ""),
        (7, ""),
        (None, ""),
        ({}, ""),
        ({"text": "Hello"}, ""),
        ({"type": 7}, ""),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": 7}, ".text"),
        ({"type": "image_url"}, ".image_url"),
        ({"type": "image_url", "image_url": 7}, ".image_url"),
        ({"type": "image_url", "image_url": {}}, ".image_url"),
        ({"type": "image_url", "image_url": {"url": None}}, ".image_url"),
    ],
)
def test_wrong_part_is_refused_with_path(part: Any, field: str) -> None:
    message, param = refusal(with_part(part))
    assert param == f"messages[1].content[1]{field}"
    assert message.startswith(f"{param} must be a")
    assert ", got " in message


def test_part_and_image_are_read_from_text() -> None:
    part = {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}}
    assert read(with_part(json.dumps(part))) == with_part(part)
    assert read(with_part({**part, "image_url": json.dumps(part["image_url"])})) == with_part(part)


def test_calls_and_results_as_parts_are_refused_with_replacement() -> None:
    assert "send tool_calls beside the content." in refusal(with_part({"type": "tool_use", "id": "a"}))[0]
    assert "send a message with the role tool." in refusal(with_part({"type": "tool_result"}))[0]


@pytest.mark.parametrize("part_type", ["image", "input_image", "input_text", "output_text"])
def test_part_of_another_api_is_refused_with_replacement(part_type: str) -> None:
    message, param = refusal(with_part({"type": part_type, "text": "x"}))
    wanted = "image_url" if "image" in part_type else "text"
    assert f'parts of type {part_type} belong to another API; send {{"type": "{wanted}"' in message
    assert param == "messages[1].content[1].type"


@pytest.mark.parametrize(
    "url",
    [
        IMAGE,
        "HTTPS://EXAMPLE.com:8443/a%20b?q=@x#y",
        "https://[2001:db8::1]/x.png",
        "https://bücher.example/ü.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
    ],
)
def test_https_or_data_image_is_unchanged(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    assert read(with_part(part)) == with_part(part)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cat.png",
        "http://example.com/cat.png",
        "ftp://example.com/cat.png",
        "https://",
        "https:///cat.png",
        "https://[2001:db8::1",
        "https://example.com/a cat.png",
        "https://example.com/cat.png\n",
        "https://example.com:port/cat.png",
        "https://example.com:99999/cat.png",
        "data:image/png;base64",
        "iVBORw0KGgo=",
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_other_image_address_is_refused(url: str, alone: bool) -> None:
    message = f"{URL_PATH} must be {IMAGE_ADDRESS}, got {json.dumps(url, ensure_ascii=False)}."
    assert refusal(with_part({"type": "image_url", "image_url": url if alone else {"url": url}})) == (message, URL_PATH)


@pytest.mark.parametrize(
    "start", ["https://ann:hunter2@", "https://hunter2@", "https://:hunter2@", "http://a:hunter2@"]
)
def test_address_with_password_is_refused_without_quoting_it(start: str) -> None:
    message = f"{URL_PATH} must not contain a user name or password."
    assert refusal(with_part({"type": "image_url", "image_url": f"{start}example.com/cat.png"})) == (message, URL_PATH)


def test_arguments_given_as_object_become_json_text() -> None:
    arguments = {"city": "Zürich", "n": [1, None]}
    call = {**CALL, "new": 1, "function": {"name": "f", "arguments": arguments, "strict": True}}
    [message] = read([{"role": "assistant", "content": "", "tool_calls": [CALL, call]}])
    untouched, converted = message["tool_calls"]
    assert untouched == CALL
    assert json.loads(converted["function"].pop("arguments")) == arguments
    assert converted == {**CALL, "new": 1, "function": {"name": "f", "strict": True}}


@pytest.mark.parametrize(
    "arguments", [{"arguments": ""}, {"arguments": " \n"}, {"arguments": None}, {"arguments": {}}, {}]
)
def test_call_without_arguments_has_an_empty_object(arguments: dict[str, Any]) -> None:
    # https://github.com/vllm-project/vllm/issues/19419
    call = {"id": "a", "type": "function", "function": {"name": "now", **arguments}}
    [message] = read([{"role": "assistant", "tool_calls": [call]}])
    assert message["tool_calls"][0]["function"] == {"name": "now", "arguments": "{}"}


@pytest.mark.parametrize("arguments", ['{"a": 1', "not JSON", "[]"])
def test_arguments_that_are_text_are_unchanged(arguments: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "now", "arguments": arguments}}
    assert read([{"role": "assistant", "tool_calls": [call]}])[0]["tool_calls"] == [call]


@pytest.mark.parametrize(("innermost", "depth"), [(math.nan, 0), (-math.inf, 0), (1, 100_000)])
def test_arguments_that_json_cannot_hold_are_refused(innermost: Any, depth: int) -> None:
    arguments = {"x": innermost}
    for _ in range(depth):
        arguments = {"deeper": arguments}
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    message, param = refusal([{"role": "assistant", "tool_calls": [call]}])
    assert param == "messages[0].tool_calls[0].function.arguments"
    assert message.startswith(f"{param} must be JSON text, or an object without NaN, ")


@pytest.mark.parametrize(
    ("calls", "item"),
    [
        ("call_1", ""),
        ({"id": "call_1"}, ""),
        ([7], "[0]"),
        ([CALL, {}], "[1]"),
        ([{**CALL, "id": None}], "[0]"),
        ([{**CALL, "id": 7}], "[0]"),
        ([{"id": "a"}], "[0].function"),
        ([{"id": "a", "type": "function", "function": "f"}], "[0].function"),
    ],
)
def test_wrong_tool_call_is_refused_with_path(calls: Any, item: str) -> None:
    message, param = refusal([USER, {"role": "assistant", "content": None, "tool_calls": calls}])
    assert param == f"messages[1].tool_calls{item}"
    assert message.startswith(f"{param} must be a")


def test_tool_call_of_other_type_passes_untouched() -> None:
    message = {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"input": {"b": 1}}}]}
    assert read([message]) == [message]
