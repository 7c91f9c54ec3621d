"""The cost of checking a value against a JSON Schema, before the check.

A schema of a few lines can take hours: each level of `allOf` that refers twice to the next level doubles the work.
"""

from collections.abc import Iterable, Iterator
from typing import Any

SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
BY_NAME_SAME_VALUE = ("dependentSchemas", "dependencies")
"""Keywords with schemas for the same value."""

EACH_FIELD = ("additionalProperties", "unevaluatedProperties", "propertyNames")
EACH_ITEM = ("items", "additionalItems", "unevaluatedItems", "contains")
"""Keywords with a schema for each field of an object, or for each item of a list."""

VALUES = ("enum", "const", "required")
"""Keywords with values to compare with."""

UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
"""Keywords for which the schemas for the same value are applied once more."""

REFERENCES = ("$dynamicRef", "$recursiveRef", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor")
"""Keywords, other than `$ref`, that make it hard to say which schema is meant."""

CHARACTERS = 100
"""Characters of a text that cost as much as one step."""


class TooCostlyError(Exception):
    """A check that would take too long, or a schema whose cost is not clear; the text says why."""


def cost_of(schema: Any, value: Any, limit: int) -> int:
    """The number of times that a schema inside this schema is applied to a value inside this value.

    Raises:
        TooCostlyError: there are more than `limit`, or the schema refers to itself or to something outside it.
    """
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
        for keyword in REFERENCES:
            if keyword in schema and schema is not self._root:
                raise TooCostlyError(f"{keyword} is not supported here")
        for keyword in VALUES:
            if keyword in schema:
                self._add(_size(schema[keyword]))
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
        for name, inner in value.items():
            self._add(1 + len(name) // CHARACTERS)
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
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise TooCostlyError("it refers to another schema")
        target = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else _item(target, key)
        return target


def _listed(content: Any) -> Iterable[Any]:
    return content if isinstance(content, list) else (content,)


def _named(schema: dict[str, Any], keyword: str) -> dict[str, Any]:
    content = schema.get(keyword)
    return content if isinstance(content, dict) else {}


def _item(content: Any, key: str) -> Any:
    return content[int(key)] if isinstance(content, list) and key.isdecimal() and int(key) < len(content) else None


def _size(value: Any) -> int:
    """The number of values inside a value."""
    size, level = 0, [value]
    while level:
        size += len(level)
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return size
