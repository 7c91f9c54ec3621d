"""The conversation: what is checked, what goes through untouched, and where a fault is said to be."""

import json
import math
from typing import Any

import pytest

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.messages import ROLES
from mcp_grok.upstream.request import PARAMETERS

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
IMAGE = "https://example.com/cat.png"


def read(messages: Any) -> Any:
    """The messages as they go to the API."""
    return PARAMETERS["messages"].kind.read("messages", messages)


def refusal(messages: Any) -> dict[str, Any]:
    """The error object for messages that are not allowed."""
    with pytest.raises(InvalidRequest) as caught:
        read(messages)
    error = caught.value.as_dict()
    assert (error["code"], error["billed"]) == ("invalid_request", "no")
    return error


def with_part(part: Any) -> list[dict[str, Any]]:
    """A conversation whose second message has a second part."""
    return [USER, {"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]


@pytest.mark.parametrize("messages", [[USER], json.dumps([USER]), [json.dumps(USER)]])
def test_messages_and_their_elements_are_read_also_as_json_text(messages: Any) -> None:
    assert read(messages) == [USER]


@pytest.mark.parametrize("value", ["Hello", USER, json.dumps(USER), 7, True, '[{"role": '])
def test_what_is_no_list_is_refused_with_an_example(value: Any) -> None:
    error = refusal(value)
    assert error["message"].startswith('messages must be a list like [{"role": "user", "content": "Hello"}], got ')
    assert json.dumps(value) in error["message"]
    assert error["param"] == "messages"


def test_an_empty_list_is_refused_with_an_example() -> None:
    error = refusal([])
    assert error["message"] == 'messages must not be empty; give a list like [{"role": "user", "content": "Hello"}].'
    assert error == refusal("[]")


@pytest.mark.parametrize("value", ["Hello", '"Hello"', None, 7, [USER], [[USER]]])
def test_an_element_that_is_no_object_is_refused_by_its_place(value: Any) -> None:
    error = refusal([USER, value])
    assert error["message"].startswith("messages[1] must be an object like ")
    assert json.dumps(value) in error["message"]
    assert error["param"] == "messages[1]"


@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer", "tool"])
def test_every_documented_role_is_accepted(role: str) -> None:
    message = {"role": role, "content": "x", **({"tool_call_id": "call_1"} if role == "tool" else {})}
    assert read([message]) == [message]


@pytest.mark.parametrize("role", ["", "User", "human", "function", None, 7, ["user"], {}])
def test_an_unknown_role_is_refused_with_the_known_ones(role: Any) -> None:
    error = refusal([{"role": role, "content": "x"}])
    assert error["message"] == f"messages[0].role must be one of {', '.join(ROLES)}, got {json.dumps(role)}."
    assert error["param"] == "messages[0].role"


@pytest.mark.parametrize("given", [{}, {"tool_call_id": None}, {"tool_call_id": 7}])
def test_a_tool_message_without_its_call_is_refused(given: dict[str, Any]) -> None:
    error = refusal([USER, {"role": "tool", "content": "42", **given}])
    assert error["message"].startswith("messages[1] has the role tool and must carry the tool_call_id")
    assert error["param"] == "messages[1].tool_call_id"


@pytest.mark.parametrize("content", ['{"a": 1}', "[1, 2]", "null", "true", "7", '"quoted"', "", " \n"])
def test_content_is_never_touched_even_when_it_looks_like_json(content: str) -> None:
    assert read([{"role": "user", "content": content}]) == [{"role": "user", "content": content}]


def test_unknown_fields_go_through_untouched_and_null_means_not_given() -> None:
    message = {"role": "user", "content": "x", "name": "Ann", "new": {"a": [None, 1.5]}, "text": '{"a": 1}'}
    assert read([{**message, "tool_calls": None, "name": "Ann"}]) == [message]


def test_the_messages_given_are_not_changed_in_place() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"b": 1}}}
    given = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        *with_part({"type": "image_url", "image_url": IMAGE}),
    ]
    before = json.dumps(given)
    read(given)
    assert json.dumps(given) == before


@pytest.mark.parametrize("content", [{}, {"content": None}])
@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer", "tool"])
def test_a_message_without_content_is_refused(role: str, content: dict[str, Any]) -> None:
    error = refusal(
        [{"role": role, "tool_call_id": "call_1", **content} if role == "tool" else {"role": role, **content}]
    )
    assert error["message"].startswith("messages[0].content is missing; give a string or a list of parts")
    assert ("tool_calls" in error["message"]) == (role == "assistant")
    assert error["param"] == "messages[0].content"


@pytest.mark.parametrize("content", [{}, {"content": None}])
def test_an_assistant_message_with_tool_calls_needs_no_content(content: dict[str, Any]) -> None:
    message = {"role": "assistant", **content, "tool_calls": [CALL]}
    assert read([message]) == [message]


@pytest.mark.parametrize("content", [7, True, {}, {"type": "text", "text": "x"}])
def test_content_of_another_type_is_refused_with_its_value(content: Any) -> None:
    error = refusal([{"role": "user", "content": content}])
    assert error["message"] == (
        "messages[0].content must be a string or a list of text and image_url parts, got " + json.dumps(content) + "."
    )
    assert error["param"] == "messages[0].content"


def test_an_empty_list_of_parts_is_refused() -> None:
    error = refusal([{"role": "user", "content": []}])
    assert (error["message"], error["param"]) == (
        "messages[0].content must not be an empty list.",
        "messages[0].content",
    )


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
def test_parts_go_through_untouched(part: dict[str, Any]) -> None:
    assert read(with_part(part)) == with_part(part)


def test_an_image_given_by_its_address_alone_becomes_the_object() -> None:
    assert read(with_part({"type": "image_url", "image_url": IMAGE})) == with_part(
        {"type": "image_url", "image_url": {"url": IMAGE}}
    )


@pytest.mark.parametrize(
    ("part", "place"),
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
def test_a_part_that_is_none_is_refused_by_its_exact_place(part: Any, place: str) -> None:
    error = refusal(with_part(part))
    assert error["param"] == f"messages[1].content[1]{place}"
    assert error["message"].startswith(f"messages[1].content[1]{place} must be a")
    assert ", got " in error["message"]


@pytest.mark.parametrize("kind", ["image", "input_image", "input_text", "output_text"])
def test_a_part_of_another_api_is_refused_with_what_to_send_instead(kind: str) -> None:
    error = refusal(with_part({"type": kind, "text": "x"}))
    wanted = "image_url" if "image" in kind else "text"
    assert f"parts of type {kind} belong to another API; send " in error["message"]
    assert f'{{"type": "{wanted}"' in error["message"]
    assert error["param"] == "messages[1].content[1].type"


@pytest.mark.parametrize(
    "url",
    [
        IMAGE,
        "HTTPS://EXAMPLE.com:8443/a%20b?q=@x#y",
        "https://[2001:db8::1]/x.png",
        "https://bücher.example/ü.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
        "DATA:image/svg+xml;charset=utf-8;BASE64,PHN2Zz4=",
    ],
)
def test_an_https_or_data_image_goes_through_as_it_is(url: str) -> None:
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
        "data:text/plain;base64,SGk=",
        "data:image/png,raw",
        "iVBORw0KGgo=",
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_any_other_image_address_is_refused_with_what_is_allowed(url: str, alone: bool) -> None:
    error = refusal(with_part({"type": "image_url", "image_url": url if alone else {"url": url}}))
    place = "messages[1].content[1].image_url.url"
    rule = "must be an https URL, a data:image/…;base64,… URI, or the whole path of a file"
    assert error["message"] == f"{place} {rule}, got {json.dumps(url, ensure_ascii=False)}."
    assert error["param"] == place


@pytest.mark.parametrize(
    "start", ["https://ann:hunter2@", "https://hunter2@", "https://:hunter2@", "http://a:hunter2@"]
)
def test_an_address_with_a_password_is_refused_without_repeating_it(start: str) -> None:
    error = refusal(with_part({"type": "image_url", "image_url": f"{start}example.com/cat.png"}))
    assert error["message"] == "messages[1].content[1].image_url.url must not hold a user name or password."
    assert error["param"] == "messages[1].content[1].image_url.url"


def test_a_data_image_without_data_is_refused() -> None:
    error = refusal(with_part({"type": "image_url", "image_url": "data:image/png;base64,"}))
    assert error["message"] == "messages[1].content[1].image_url.url is a data URI without data."


def test_arguments_of_a_call_given_as_an_object_become_the_json_text_the_format_wants() -> None:
    arguments = {"city": "Zürich", "n": [1, None]}
    call = {**CALL, "new": 1, "function": {"name": "f", "arguments": arguments, "strict": True}}
    [message] = read([{"role": "assistant", "content": "", "tool_calls": [CALL, call]}])
    untouched, converted = message["tool_calls"]
    assert untouched == CALL
    assert json.loads(converted["function"].pop("arguments")) == arguments
    assert converted == {**CALL, "new": 1, "function": {"name": "f", "strict": True}}


@pytest.mark.parametrize(("innermost", "depth"), [(math.nan, 0), (-math.inf, 0), (1, 100_000)])
def test_arguments_of_a_call_that_json_text_cannot_hold_are_refused(innermost: Any, depth: int) -> None:
    arguments = {"x": innermost}
    for _ in range(depth):
        arguments = {"deeper": arguments}
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}
    refusal([{"role": "assistant", "tool_calls": [call]}])


@pytest.mark.parametrize(
    ("calls", "place"),
    [
        ("call_1", ""),
        ({}, ""),
        ([7], "[0]"),
        ([CALL, {}], "[1]"),
        ([{**CALL, "id": None}], "[0]"),
        ([{**CALL, "id": 7}], "[0]"),
        ([{"id": "a"}], "[0].function"),
        ([{"id": "a", "type": "function", "function": "f"}], "[0].function"),
    ],
)
def test_a_tool_call_that_is_none_is_refused_by_its_exact_place(calls: Any, place: str) -> None:
    error = refusal([USER, {"role": "assistant", "content": None, "tool_calls": calls}])
    assert error["param"] == f"messages[1].tool_calls{place}"
    assert error["message"].startswith(f"messages[1].tool_calls{place} must be a")


def test_a_tool_call_of_another_type_goes_through_untouched() -> None:
    message = {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"input": {"b": 1}}}]}
    assert read([message]) == [message]
