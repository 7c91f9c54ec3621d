import json
import random
import time
from itertools import pairwise
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


def doubling(levels: int, keyword: str = "allOf") -> dict[str, Any]:
    """A schema that refers twice from each level to the next."""
    names = [f"level{number}" for number in range(levels)]
    last = {names[-1]: {"type": "string"}}
    return {"$defs": {a: {keyword: [{"$ref": f"#/$defs/{b}"}] * 2} for a, b in pairwise(names)} | last}


def hidden(reference: str, **definitions: Any) -> tuple[Any, str]:
    """A schema that refers to the beginning of 40 doublings in an unusual way, and an answer."""
    definitions = {**doubling(40)["$defs"], **definitions}
    return {"properties": {"a": {"$ref": reference}}, "$defs": definitions}, '{"a": 1}'


BEGIN = {"$ref": "#/$defs/level0"}
OTHER_BASE = {"$id": "https://example.com/", **doubling(40), "begin": BEGIN}
MANY = range(20_000)
RANDOM = "".join(random.Random(1).choices("ab", k=3_000_000))
NESTED = {"allOf": [{"properties": {"c": {"$ref": "#/$defs/n"}}}] * 2}
ATTACKS = {
    "backtracking": ({"properties": {"a": {"pattern": "^(a+)+$"}}}, json.dumps({"a": "a" * 5000 + "!"})),
    "names by pattern": ({"patternProperties": {"^(a|a)*$": {}}}, json.dumps({"a" * 5000 + "!": 1})),
    **{keyword: ({**doubling(40, keyword), "$ref": "#/$defs/level0"}, "1") for keyword in ("allOf", "anyOf", "oneOf")},
    "doubling in depth": ({"$defs": {"n": NESTED}, "$ref": "#/$defs/n"}, '{"c":' * 60 + "1" + "}" * 60),
    "itself": ({"$ref": "#"}, "1"),
    "in a circle": ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}, "1"),
    "many values": ({"enum": [[number] for number in range(3000)]}, json.dumps([[0]] * 20_000)),
    "many items": ({"items": {"allOf": [{"minLength": 1}] * 100}}, json.dumps(["x"] * 20_000)),
    "encoded path": hidden("#/$defs/%6cevel0", **{"%6cevel0": {}}),
    "index with a sign": hidden("#/$defs/other/list/+0", other={"list": [BEGIN]}),
    "named": hidden("#begin", begin={"$anchor": "begin", **BEGIN}),
    "another base": hidden("#/$defs/other/begin", level0={}, other=OTHER_BASE),
    "dynamic": ({**doubling(40), "$dynamicRef": "#/$defs/level0"}, "1"),
    "unique items": ({"allOf": [{"uniqueItems": True}] * 5000}, json.dumps(list(range(90_000)))),
    "dependent": ({"items": {"dependentRequired": {f"p{n}": [] for n in MANY}}}, json.dumps([{"z": 1} for _ in MANY])),
    "many states": ({"pattern": "([ab]{0,40}a){2}c"}, json.dumps(RANDOM)),
    "names of many states": ({"propertyNames": {"pattern": "([ab]{0,40}a){2}c"}}, json.dumps({RANDOM: 1})),
    "wide": ({"allOf": [{"properties": {f"p{n}": {"type": "string"}}} for n in range(30_000)]}, "{}"),
}


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
