"""Kinds of parameters: what each accepts, how it is read, and its JSON Schema.

`read` takes what a client sent and returns what goes to the API, or raises `InvalidRequest`. Clients send
arrays, objects and numbers as text surprisingly often; those are read as what they mean.
"""

import difflib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_grok.errors import InvalidRequest

Schema = dict[str, Any]

SHOWN_CHARACTERS = 80


class Kind(Protocol):
    """How one sort of value is read and described."""

    def read(self, name: str, value: Any) -> Any:
        """The value for the API.

        Raises:
            InvalidRequest: it is not what is allowed; the message names the parameter, the value and the rule.
        """

    def schema(self) -> Schema:
        """Its JSON Schema, flat: no unions, references, null or default."""


def invalid(name: str, rule: str, value: Any) -> InvalidRequest:
    """The error for a value that breaks a rule, like "temperature must be a number from 0 to 2, got 3"."""
    return InvalidRequest(f"{name} {rule}, got {_shown(value)}.", param=name)


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def from_json_text(value: Any, wanted: type | tuple[type, ...]) -> Any:
    """The value that a string holds as JSON, when it is of a wanted type; else the value itself."""
    if not isinstance(value, str):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, wanted) else value


def nearest(name: str, names: list[str]) -> str:
    """A sentence with the name that was probably meant; empty where none is near."""
    nearest = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds, both included; whole when `whole`."""

    minimum: float | None = None
    maximum: float | None = None
    whole: bool = False

    def read(self, name: str, value: Any) -> int | float:
        parsed = from_json_text(value, (int, float))
        if isinstance(parsed, bool) or not isinstance(parsed, int | float):
            raise invalid(name, self._rule(), value)
        number: int | float = parsed
        if isinstance(number, float):
            if not math.isfinite(number) or (self.whole and not number.is_integer()):
                raise invalid(name, self._rule(), value)
            if self.whole:
                number = int(number)
        too_small = self.minimum is not None and number < self.minimum
        if too_small or (self.maximum is not None and number > self.maximum):
            raise invalid(name, self._rule(), value)
        return number

    def schema(self) -> Schema:
        schema: Schema = {"type": "integer" if self.whole else "number"}
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.maximum is not None:
            schema["maximum"] = self.maximum
        return schema

    def _rule(self) -> str:
        rule = "must be a whole number" if self.whole else "must be a number"
        if self.minimum is not None and self.maximum is not None:
            return f"{rule} from {self.minimum} to {self.maximum}"
        return rule if self.minimum is None else f"{rule} of at least {self.minimum}"


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, name: str, value: Any) -> bool:
        flag = from_json_text(value.lower() if isinstance(value, str) else value, bool)
        if not isinstance(flag, bool):
            raise invalid(name, "must be true or false", value)
        return flag

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Text:
    """A string, never touched, even when it looks like JSON."""

    may_be_empty: bool = True

    def read(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or not (value or self.may_be_empty):
            raise invalid(name, "must be a string" if self.may_be_empty else "must be a string with text", value)
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object. With `requires`, that key must hold a string."""

    requires: str | None = None
    example: str = ""

    def read(self, name: str, value: Any) -> dict[str, Any]:
        parsed = from_json_text(value, dict)
        rule = f"must be an object{f' like {self.example}' if self.example else ''}"
        if not isinstance(parsed, dict):
            raise invalid(name, rule, value)
        if self.requires and not isinstance(parsed.get(self.requires), str):
            raise invalid(name, rule, value)
        return parsed

    def schema(self) -> Schema:
        if self.requires is None:
            return {"type": "object"}
        return {
            "type": "object",
            "properties": {self.requires: {"type": "string"}},
            "required": [self.requires],
        }


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, each item read by a function of the item's name and value."""

    item: Callable[[str, Any], Any]
    items_schema: Schema
    minimum: int = 0
    maximum: int | None = None
    example: str = ""

    def read(self, name: str, value: Any) -> list[Any]:
        parsed = from_json_text(value, list)
        if not isinstance(parsed, list):
            raise invalid(name, f"must be a list{f' like {self.example}' if self.example else ''}", value)
        self._check_count(name, parsed)
        return [self.item(f"{name}[{position}]", item) for position, item in enumerate(parsed)]

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.items_schema}
        if self.minimum:
            schema["minItems"] = self.minimum
        if self.maximum is not None:
            schema["maxItems"] = self.maximum
        return schema

    def _check_count(self, name: str, items: Sequence[Any]) -> None:
        if len(items) < self.minimum:
            wanted = f"like {self.example}" if self.example else f"{self.minimum} at least"
            raise InvalidRequest(f"{name} must not be empty; give a list {wanted}.", param=name)
        if self.maximum is not None and len(items) > self.maximum:
            raise InvalidRequest(f"{name} must have at most {self.maximum} items, got {len(items)}.", param=name)
