"""Values read by their JSON Schema: what the parameters of today do not show."""

import json
import time
from typing import Any

import pytest

from mcp_grok.limits import MAX_REQUEST_ITEMS
from mcp_grok.upstream.schema_check import Schema, bounded_texts, from_json_text, read_value
from tests.upstream.refusal import refusal_of

TEXT: Schema = {"type": "string", "minLength": 1}
NESTED: Schema = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "flags": {"type": "array", "items": {"type": "boolean"}},
        "size": {"type": "number", "maximum": 5},
    },
    "required": ["name", "flags"],
}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer", "maximum": 5}, 6, "x must be a whole number of at most 5, got 6."),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'x must be one of a, b, got "c".'),
        ({"type": "array", "items": TEXT, "minItems": 1}, [], "x must not be empty; give a list."),
        ({"type": "array", "items": TEXT}, None, "x must be a list, got null."),
        (NESTED, {"name": "a"}, 'x must be an object, got {"name": "a"}.'),
        (NESTED, {"name": "", "flags": []}, 'x must be an object, got {"name": "", "flags": []}.'),
        (NESTED, {"name": "a", "flags": 1}, 'x must be an object, got {"name": "a", "flags": 1}.'),
    ],
)
def test_wrong_value_is_refused(schema: Schema, value: Any, message: str) -> None:
    assert refusal_of(lambda: read_value("x", value, schema)) == (message, "x")


def test_wrong_item_of_nested_list_is_refused_with_path() -> None:
    schema = {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}
    assert refusal_of(lambda: read_value("x", [[1], [2, "a"]], schema))[1] == "x[1][1]"
    assert read_value("x", '[[1], ["2"]]', schema) == [[1], [2]]


def test_json_texts_are_bounded_together() -> None:
    text = json.dumps([{"": number} for number in range(MAX_REQUEST_ITEMS // 20)])
    with bounded_texts():
        read = [from_json_text(text, list) for _ in range(20)]
    assert [type(one) for one in read] == [list] * 10 + [str] * 10
    assert from_json_text(text, list) == read[0]


@pytest.mark.parametrize("beginning", ["[", " \n[", '{"a":['])
def test_text_of_too_many_items_is_not_parsed(beginning: str) -> None:
    text = beginning + "[]," * 10_000_000
    began = time.thread_time()
    assert from_json_text(text, (list, dict)) is text
    assert time.thread_time() - began < 0.3


def test_optional_and_unknown_properties_pass_untouched() -> None:
    value: dict[str, Any] = {"name": "a", "flags": [], "size": "large", "new": None}
    assert read_value("x", value, NESTED) == value
