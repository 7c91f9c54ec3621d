"""The check of values against a JSON Schema, with errors in plain sentences.

Supported keywords: `type`, `enum` (of strings), `minimum`, `maximum`, `minLength` and `minItems` (1: not empty),
`maxLength`, `maxItems`, `items`, `properties`, `required`, and `examples`; errors quote the first example.

Clients often send numbers, booleans, lists and objects as text; such text is converted. Only the required properties of
an object are checked. The others are not changed, because APIs accept more than they document.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.json_bounds import JSONBounds
from mcp_grok.limits import MAX_REQUEST_ITEMS

Schema = dict[str, Any]
PythonType = type | tuple[type, ...]

TYPES: dict[str, tuple[PythonType, str]] = {
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}
"""The Python type and the wording for each type of JSON Schema."""

EMPTY_TEXTS = ("", "null", "[]", "{}", '""')
"""Texts that mean nothing where a number, a boolean, a list or an object is expected."""

CONTAINER = re.compile(r"\s*[\[{]")
"""The beginning of a list or an object."""

QUOTED_CHARACTERS = 80
"""Maximum characters of a wrong value that an error quotes."""


def is_empty(value: Any) -> bool:
    """Whether a value is null, or an empty string, list or object. Models and proxies fill optional fields with these.

    https://github.com/coder/xum/issues/2887, https://github.com/can1357/oh-my-pi/issues/2981
    """
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def is_given(value: Any, schema: Schema) -> bool:
    """Whether the value of an optional parameter is one. An empty value means not given, also as JSON text."""
    if isinstance(value, str) and schema["type"] != "string":
        return value.strip() not in EMPTY_TEXTS
    return not is_empty(value)


def without_empty(fields: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """An object without those of the named fields that are empty."""
    return {name: value for name, value in fields.items() if name not in names or not is_empty(value)}


def read_value(path: str, value: Any, schema: Schema) -> Any:
    """The value, converted to the type in its schema and checked.

    Args:
        path: The path of the value in the arguments, like `tools[0]`.
        value: The value that the client sent.
        schema: The accepted values.

    Raises:
        InvalidRequest: the value is not accepted; `param` is its path.
    """
    if schema["type"] == "array":
        return read_list(path, value, schema, partial(read_value, schema=schema["items"]))
    read = _from_text(value, schema["type"])
    if not _fits(read, schema):
        raise invalid(path, expected(schema), value)
    return read


def read_list(path: str, value: Any, schema: Schema, read_item: Callable[[str, Any], Any]) -> list[Any]:
    """A list with its items read by `read_item`, which gets their path and value.

    Raises:
        InvalidRequest: the value is not a list, has too few or too many items, or an item is wrong.
    """
    items = from_json_text(value, list)
    if not isinstance(items, list):
        raise invalid(path, expected(schema), value)
    if len(items) < schema.get("minItems", 0):
        raise InvalidRequest(f"{path} must not be empty; give {expected(schema)}.", param=path)
    if len(items) > (most := schema.get("maxItems", math.inf)):
        raise InvalidRequest(f"{path} must have at most {most} items, got {len(items)}.", param=path)
    return [read_item(f"{path}[{index}]", item) for index, item in enumerate(items)]


_BOUNDS: ContextVar[JSONBounds | None] = ContextVar("bounds", default=None)


@contextmanager
def bounded_texts() -> Iterator[None]:
    """Bounds the JSON texts that `from_json_text` reads inside it: together they have no more items than a request."""
    token = _BOUNDS.set(JSONBounds(MAX_REQUEST_ITEMS))
    try:
        yield
    finally:
        _BOUNDS.reset(token)


def from_json_text(value: Any, wanted: PythonType) -> Any:
    """The JSON value in a string, if it has a wanted type and not too many items; otherwise the given value."""
    if not isinstance(value, str):
        return value
    bounds = _BOUNDS.get() or JSONBounds(MAX_REQUEST_ITEMS)
    if CONTAINER.match(value) and bounds.exceeded_by_text(value):
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, wanted) else value


def expected(schema: Schema) -> str:
    """The values that a schema accepts, in words, like "a whole number from 1 to 128"."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    words = TYPES[schema["type"]][1]
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        words += f" from {least} to {most}"
    elif least is not None:
        words += f" of at least {least}"
    elif most is not None:
        words += f" of at most {most}"
    if schema.get("minLength"):
        words += " with text"
    if "maxLength" in schema:
        words += f" of at most {schema['maxLength']} characters"
    if "examples" in schema:
        words += f" like {json.dumps(schema['examples'][0], ensure_ascii=False)}"
    return words


def invalid(path: str, wanted: str, value: Any) -> InvalidRequest:
    """The error for a wrong value, like "temperature must be a number from 0 to 2, got 3."."""
    try:
        got = json.dumps(value, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        got = f"a value of type {type(value).__name__}"
    if len(got) > QUOTED_CHARACTERS:
        got = got[:QUOTED_CHARACTERS] + "…"
    return InvalidRequest(f"{path} must be {wanted}, got {got}.", param=path)


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """A space and a sentence that suggests the most similar name; empty if no name is similar."""
    nearest = difflib.get_close_matches(name, names, n=1) if len(name) <= QUOTED_CHARACTERS else None
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _from_text(value: Any, schema_type: str) -> Any:
    if schema_type == "string":
        return value
    if schema_type == "boolean" and isinstance(value, str):
        value = value.lower()
    read = from_json_text(value, (int, float) if schema_type == "integer" else TYPES[schema_type][0])
    return int(read) if schema_type == "integer" and isinstance(read, float) and read.is_integer() else read


def _fits(value: Any, schema: Schema) -> bool:
    schema_type = schema["type"]
    # In Python, True is also an integer.
    of_type = isinstance(value, TYPES[schema_type][0]) and (schema_type == "boolean" or not isinstance(value, bool))
    if not of_type:
        return False
    if schema_type in ("integer", "number"):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        # NaN and the infinities are refused, even without bounds.
        return bool(-math.inf < value < math.inf and least <= value <= most)
    if schema_type == "object":
        properties = schema.get("properties", {})
        return all(key in value and _fits(value[key], properties[key]) for key in schema.get("required", ()))
    if schema_type == "string":
        fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return fits and value in schema.get("enum", [value])
    return True
