import json
import time
from typing import Any

import pytest

from mcp_grok.upstream.json_output import violations
from tests.upstream.costly_schemas import ATTACKS, by

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
    assert found('{"name": "a", "ages": [1, "x"]}', by(SCHEMA)) == [(2, "$.ages[1]", '"x" is not of type "integer"')]
    assert found('{"ages": []}', by(SCHEMA)) == [(2, "$", '"name" is a required property')]


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
    assert found([{"type": "image_url"}], OBJECT) == [(2, "$", "not checked, the content is not a text")]
    assert found([{"type": "text", "text": "[]"}], OBJECT) == [(2, "$", "not an object")]


@pytest.mark.parametrize(
    ("content", "schema"),
    [
        ('"\\ud800"', {"maxLength": 1}),
        ("{}", {"$schema": 5}),
        ("{}", {"pattern": "^(?=a)b"}),
        ("{}", {"pattern": "(a{1000}){1000}"}),
    ],
)
def test_check_that_fails_is_named(content: str, schema: dict[str, Any]) -> None:
    [(_, path, problem)] = found(content, by(schema))
    assert (path, problem.partition(":")[0]) == ("$", "not checked, the schema cannot be used")


def test_violations_are_few_and_short() -> None:
    many = found("[" + ",".join([f'"{"x" * 500}"'] * 20) + "]", by({"items": {"type": "integer"}}))
    assert len(many) == 10
    assert all(len(problem) <= 300 for _, _, problem in many)


def test_path_of_any_name_is_written() -> None:
    schema = by({"additionalProperties": {"items": {"type": "string"}}})
    assert [path for _, path, _ in found('{"a b": [1], "c": ["", 2]}', schema)] == ["$['a b'][0]", "$.c[1]"]


def test_of_many_violations_the_first_is_found() -> None:
    [(_, path, _)] = found(json.dumps([0] * 5000 + ["x"] * 5000), by({"items": {"type": "integer"}}))
    assert path == "$[5000]"


@pytest.mark.parametrize("attack", ATTACKS)
def test_costly_check_is_not_made(attack: str) -> None:
    schema, content = ATTACKS[attack]
    began = time.thread_time()
    assert len(found(content, by(schema))) <= 1
    assert time.thread_time() - began < 4


@pytest.mark.parametrize("unused", [{"pattern": "[a-z]{99}"}, {"patternProperties": {"[a-z]{99}": {}}}])
def test_schema_of_many_patterns_is_not_compiled(unused: dict[str, Any]) -> None:
    # Each takes some 10 KB.
    [(_, _, problem)] = found("{}", by({"properties": {f"p{n}": unused for n in range(1000)}}))
    assert problem.endswith("it is too large")


ROW = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "tags": {"items": {"$ref": "#/$defs/tag"}}},
}
CHILDREN = {"properties": {"id": {"type": "integer"}, "children": {"items": {"$ref": "#/$defs/node"}}}}
TREE = {"$defs": {"node": CHILDREN}, "$ref": "#/$defs/node"}


def test_usual_large_answer_is_checked() -> None:
    rows = [{"id": number, "tags": ["a", "b"], "text": "word " * 20} for number in range(3000)]
    schema = {"$defs": {"tag": {"type": "string"}}, "type": "array", "items": ROW}
    assert found(json.dumps(rows), by(schema)) == []
    assert len(found(json.dumps([*rows, {}]), by(schema))) == 1


def test_tree_is_checked() -> None:
    tree: dict[str, Any] = {"id": 0}
    for number in range(25):
        tree = {"id": number, "children": [tree, {"id": "wrong" if number == 7 else 0}]}
    assert [problem for _, _, problem in found(json.dumps(tree), by(TREE))] == ['"wrong" is not of type "integer"']
