"""The form of the answer, as chat completions and other APIs write it."""

import json
from typing import Any

import pytest

from mcp_grok.upstream.response_format import FORMS, read_response_format
from tests.upstream.refusal import refusal_of

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NAMED = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
UNNAMED = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


def read(value: Any) -> Any:
    """The format as it is sent."""
    return read_response_format("response_format", value)


@pytest.mark.parametrize("value", [{"type": "text"}, {"type": "json_object"}, {"type": "json_object", "new": 1}, NAMED])
def test_documented_form_is_unchanged(value: dict[str, Any]) -> None:
    assert read(value) == read(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("json", {"type": "json_object"}),
        ("json_object", {"type": "json_object"}),
        ("TEXT", {"type": "text"}),
        ({"type": "json"}, {"type": "json_object"}),
        ({"type": "JSON_OBJECT"}, {"type": "json_object"}),
        ({"type": "json_object", "json_schema": None}, {"type": "json_object"}),
        ({"type": "text", "json_schema": {}}, {"type": "text"}),
        # The Responses API.
        ({"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}, NAMED),
        ({"type": "json_schema", "schema": json.dumps(SCHEMA)}, UNNAMED),
        # llama.cpp, Together, the AI SDK.
        ({"type": "json_object", "schema": SCHEMA}, UNNAMED),
        ({"type": "json", "schema": SCHEMA, "name": "place", "strict": True}, NAMED),
        ({"type": "json_schema", "json_schema": {"name": "", "schema": SCHEMA, "strict": None}}, UNNAMED),
        ({"type": "json_schema", "json_schema": SCHEMA}, UNNAMED),
        ({"type": "json_schema", "json_schema": json.dumps(NAMED["json_schema"])}, NAMED),
        ({"json_schema": NAMED["json_schema"]}, NAMED),
        ({"schema": SCHEMA}, UNNAMED),
        (SCHEMA, UNNAMED),
    ],
)
def test_form_of_another_api_is_read(value: Any, sent: dict[str, Any]) -> None:
    assert read(value) == sent


@pytest.mark.parametrize("value", [{"type": ""}, {"type": None}, {"type": "", "json_schema": {}}, "{}"])
def test_object_of_empty_fields_means_not_given(value: Any) -> None:
    assert read(value) is None


def test_format_that_only_some_servers_have_passes_untouched() -> None:
    grammar = {"type": "grammar", "grammar": "root ::= [0-9]+"}
    assert read(grammar) == grammar


@pytest.mark.parametrize(
    "value",
    [
        "xml",
        7,
        True,
        ["json_object"],
        {"type": 1},
        {"type": "yaml"},
        {"type": "json_objct", "strict": True},
        {"type": "object", "title": "A place"},
        '{"kind": "text"}',
    ],
)
def test_other_value_is_refused_with_the_forms(value: Any) -> None:
    message, param = refusal_of(lambda: read(value))
    assert message == f"response_format must be {FORMS}, got {json.dumps(value)}."
    assert param == "response_format"


@pytest.mark.parametrize(
    "value",
    [
        "json_schema",
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "place"}},
        {"type": "json_schema", "json_schema": "place"},
        {"type": "json_schema", "schema": "place"},
        {"type": "json_schema", "name": "place"},
    ],
)
def test_schema_that_is_missing_is_an_error(value: Any) -> None:
    message, param = refusal_of(lambda: read(value))
    assert message.startswith('response_format has no schema; give {"type": "json_schema", ')
    assert param == "response_format"
