"""Schemas whose check would take very long, each with an answer."""

import json
import random
from itertools import pairwise
from typing import Any


def by(schema: Any) -> dict[str, Any]:
    """A response_format with a schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


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
"""By what makes them costly."""
