"""Values read by their JSON Schema: what the parameters of today do not show."""

from typing import Any

import pytest

from mcp_grok.upstream.schema_check import Schema, read_value
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


def test_optional_and_unknown_properties_pass_untouched() -> None:
    value: dict[str, Any] = {"name": "a", "flags": [], "size": "large", "new": None}
    assert read_value("x", value, NESTED) == value
