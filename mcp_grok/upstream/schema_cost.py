"""The cost of checking a value against a JSON Schema, before the check.

A schema of a few lines can take hours: each level of `allOf` that refers twice to the next level doubles the work.
"""

from collections.abc import Iterable, Iterator
from typing import Any

SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
BY_NAME_SAME_VALUE = ("dependentSchemas", "dependencies")
"""Keywords with schemas for the same value."""

EACH_FIELD = ("additionalProperties", "unevaluatedProperties")
EACH_ITEM = ("items", "additionalItems", "unevaluatedItems", "contains")
"""Keywords with a schema for each field of an object, or for each item of a list."""

VALUES = ("enum", "const", "required", "dependentRequired", "dependencies")
"""Keywords with values to compare with, or names to look for."""

UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
"""Keywords for which the schemas for the same value are applied once more."""

DYNAMIC_REFERENCES = ("$dynamicRef", "$recursiveRef")
NAMES = ("$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor")
"""Keywords, other than `$ref`, that make it hard to say which schema is meant. A whole schema may have a name."""

CHARACTERS = 100
"""Characters of a text that cost as much as one step."""

STEPS_OF_A_PATTERN = 5
"""Steps for each character that is compared with a pattern; one with many repetitions takes some 7 μs for each."""

MAX_SCHEMA_SIZE = 50_000
"""Maximum number of values and names in a schema, used or not: to compile one takes 10 μs and a kilobyte."""

SIZE_OF_A_PATTERN = 500
"""Values that take as much as a pattern."""


class TooCostlyError(Exception):
    """A check that would take too long, or a schema whose cost is not clear; the text says why."""


def cost_of(schema: Any, value: Any, limit: int) -> int:
    """The number of times that a schema inside this schema is applied to a value inside this value.

    Raises:
        TooCostlyError: there are more than `limit`, the schema is too large, or it refers to itself or to something
            outside it.
    """
    if _size(schema) + sum(map(_size_of_patterns, _inside(schema))) > MAX_SCHEMA_SIZE:
        raise TooCostlyError("it is too large")
    steps = _Steps(schema, limit)
    try:
        steps.apply(schema, value)
    except RecursionError:
        raise TooCostlyError("it is nested too deeply, or refers to itself") from None
    return steps.count


class _Steps:
    """Counts the steps of a check by going through them, without comparing anything."""

    def __init__(self, root: Any, limit: int) -> None:
        self.count = 0
        self._root = root
        self._limit = limit

    def apply(self, schema: Any, value: Any) -> None:
        self._add(1 + (len(value) // CHARACTERS if isinstance(value, str) else 0))
        if not isinstance(schema, dict):
            return
        self._check_keywords(schema)
        for keyword in VALUES:
            if keyword in schema:
                self._add(_size(schema[keyword]))
        if schema.get("uniqueItems") and isinstance(value, list):
            self._add(_size(value))
        if "pattern" in schema and isinstance(value, str):
            self._add(len(value) * STEPS_OF_A_PATTERN)
        for inner in self._schemas_of_same_value(schema):
            self.apply(inner, value)
        if isinstance(value, dict):
            self._apply_to_fields(schema, value)
        elif isinstance(value, list):
            self._apply_to_items(schema, value)

    def _add(self, steps: int) -> None:
        self.count += steps
        if self.count > self._limit:
            raise TooCostlyError("the check would take too long")

    def _check_keywords(self, schema: dict[str, Any]) -> None:
        names = () if schema is self._root else NAMES
        for keyword in (*DYNAMIC_REFERENCES, *names):
            if keyword in schema:
                raise TooCostlyError(f"{keyword} is not supported here")

    def _schemas_of_same_value(self, schema: dict[str, Any]) -> Iterator[Any]:
        times = 2 if any(keyword in schema for keyword in UNEVALUATED) else 1
        for keyword in SAME_VALUE * times:
            if keyword in schema:
                yield from _listed(schema[keyword])
        for keyword in BY_NAME_SAME_VALUE * times:
            yield from _named(schema, keyword).values()
        if "$ref" in schema:
            yield from [self._target(schema["$ref"])] * times

    def _apply_to_fields(self, schema: dict[str, Any], value: dict[str, Any]) -> None:
        by_name = _named(schema, "properties")
        by_pattern = list(_named(schema, "patternProperties").values())
        for_each = [schema[keyword] for keyword in EACH_FIELD if keyword in schema]
        names = schema.get("propertyNames", True)
        for name, inner in value.items():
            self._add(1 + len(name) // CHARACTERS + len(name) * STEPS_OF_A_PATTERN * len(by_pattern))
            self.apply(names, name)
            for one in (*([by_name[name]] if name in by_name else ()), *by_pattern, *for_each):
                self.apply(one, inner)

    def _apply_to_items(self, schema: dict[str, Any], value: list[Any]) -> None:
        items = schema.get("items")
        by_place = [*(schema.get("prefixItems") or ()), *(items if isinstance(items, list) else ())]
        for_each = [schema[keyword] for keyword in EACH_ITEM if isinstance(schema.get(keyword), dict)]
        for one, inner in zip(by_place, value, strict=False):
            self.apply(one, inner)
        for one in for_each:
            for inner in value:
                self.apply(one, inner)

    def _target(self, reference: Any) -> Any:
        """The schema that a `$ref` names by its place in the same schema."""
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")) or "%" in reference:
            raise TooCostlyError("it refers to a schema otherwise than by a plain path in it")
        target = self._root
        for part in reference.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else _item(target, key)
            if isinstance(target, dict) and isinstance(target.get("$id", target.get("id")), str):
                raise TooCostlyError("it refers to a part of a schema with an id")
        if not isinstance(target, dict | bool):
            raise TooCostlyError("it refers to a schema that is not there")
        return target


def _listed(content: Any) -> Iterable[Any]:
    return content if isinstance(content, list) else (content,)


def _named(schema: dict[str, Any], keyword: str) -> dict[str, Any]:
    content = schema.get(keyword)
    return content if isinstance(content, dict) else {}


def _item(content: Any, key: str) -> Any:
    return content[int(key)] if isinstance(content, list) and key.isdecimal() and int(key) < len(content) else None


def _size(value: Any) -> int:
    """The number of values and names inside a value; a long text counts as several."""
    return sum(1 + (len(one) // CHARACTERS if isinstance(one, str) else 0) for one in _inside(value))


def _size_of_patterns(schema: Any) -> int:
    """What the patterns of a schema, apart from those of schemas inside it, add to its size."""
    if not isinstance(schema, dict):
        return 0
    patterns = [*_named(schema, "patternProperties"), *_listed(schema.get("pattern", []))]
    return sum(SIZE_OF_A_PATTERN + len(one) for one in patterns if isinstance(one, str))


def _inside(value: Any) -> Iterator[Any]:
    """A value with all values and names inside it."""
    waiting = [value]
    while waiting:
        yield (one := waiting.pop())
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
