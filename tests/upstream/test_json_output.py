from typing import Any

import pytest

from mcp_grok.upstream.json_output import violations

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "ages": {"type": "array", "items": {"type": "integer"}}},
    "required": ["name"],
}
OBJECT = {"type": "json_object"}


def found(content: Any, response_format: dict[str, Any], **message: Any) -> list[tuple[int, str, str]]:
    """The violations of a completion with one answer."""
    body = {"choices": [{"index": 2, "message": {"content": content, **message}}]}
    return [(one["choice"], one["path"], one["problem"]) for one in violations(body, response_format)]


def by(schema: Any) -> dict[str, Any]:
    """A response_format with a schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize(
    ("content", "response_format"),
    [
        ('{"name": "a", "ages": [1]}', by(SCHEMA)),
        ("{}", OBJECT),
        ("plain text", {"type": "text"}),
        ("[]", by(True)),
        (None, OBJECT),
        ("", OBJECT),
    ],
)
def test_matching_answer_has_no_violations(content: Any, response_format: dict[str, Any]) -> None:
    assert found(content, response_format) == []


def test_violation_has_its_path() -> None:
    assert found('{"name": "a", "ages": [1, "x"]}', by(SCHEMA)) == [(2, "$.ages[1]", "'x' is not of type 'integer'")]
    assert found('{"ages": []}', by(SCHEMA)) == [(2, "$", "'name' is a required property")]


def test_text_that_is_no_json_object_is_a_violation() -> None:
    [(_, path, problem)] = found('```json\n{"a": 1}\n```', OBJECT)
    assert (path, problem[:9]) == ("$", "not JSON:")
    assert found("[1]", OBJECT) == [(2, "$", "not an object")]


def test_tool_calls_are_not_checked() -> None:
    assert found("Let me look.", OBJECT, tool_calls=[{"id": "a"}]) == []


@pytest.mark.parametrize("schema", [{"type": "no-such-type"}, {"$ref": "http://127.0.0.1:9/schema"}, {"$ref": "#/x"}])
def test_unusable_schema_is_named_and_nothing_fetched(schema: dict[str, Any]) -> None:
    [(_, path, problem)] = found("{}", by(schema))
    assert path == "$"
    assert problem.startswith("not checked, the schema cannot be used")


@pytest.mark.parametrize(
    "response_format", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "x"}}]
)
def test_missing_schema_is_named(response_format: dict[str, Any]) -> None:
    assert found("[]", response_format) == [(2, "$", "not checked, the response_format has no schema")]


def test_content_that_is_no_text_is_named() -> None:
    assert found([{"type": "text", "text": "{}"}], OBJECT) == [(2, "$", "not checked, the content is not a text")]


@pytest.mark.parametrize(("content", "schema"), [("1e400", {"multipleOf": 0.1}), ("{}", {"$schema": 5})])
def test_check_that_fails_is_named(content: str, schema: dict[str, Any]) -> None:
    [(_, path, problem)] = found(content, by(schema))
    assert (path, problem.partition(":")[0]) == ("$", "not checked, the schema cannot be used")


def test_violations_are_few_and_short() -> None:
    many = found("[" + ",".join([f'"{"x" * 1000}"'] * 50) + "]", by({"items": {"type": "integer"}}))
    assert len(many) == 10
    assert all(len(problem) <= 300 for _, _, problem in many)
