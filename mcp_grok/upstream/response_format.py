"""The form of the answer, `response_format`. Forms of other APIs are read as what they mean."""

from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.schema_check import TYPES, Schema, did_you_mean, from_json_text, invalid, is_empty

FORMATS = ("text", "json_object", "json_schema")
FORMS = (
    '{"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}'
)

RESPONSE_FORMAT: Schema = {
    "type": "object",
    "properties": {"type": {"type": "string", "description": "text, json_object or json_schema"}},
    "required": ["type"],
    "examples": [{"type": "json_object"}],
}

SCHEMA_WORDS = ("properties", "$schema", "$ref", "$defs", "anyOf", "allOf", "oneOf", "items", "enum")
"""Keywords of which a JSON Schema has at least one, and a format none."""

WRAPPER = ("name", "description", "schema", "strict")
"""The fields of `json_schema`, which the Responses API has beside `type`."""


def read_response_format(path: str, value: Any) -> dict[str, Any] | None:
    """The format to send; None if the value is an object of empty fields.

    Raises:
        InvalidRequest: the value is not a format, or its schema is missing; `param` is its path.
    """
    given = from_json_text(value, dict)
    if isinstance(given, str):
        given = {"type": given}
    if not isinstance(given, dict):
        raise invalid(path, FORMS, value)
    fields = {name: field for name, field in given.items() if not is_empty(field)}
    if not fields:
        return None
    if _is_schema(fields):
        return _json_schema(path, {"schema": fields}, {})
    return _read_format(path, fields, value)


def _read_format(path: str, fields: dict[str, Any], value: Any) -> dict[str, Any]:
    has_schema = "schema" in fields or "json_schema" in fields
    given_type = fields.get("type", "json_schema" if has_schema else None)
    if not isinstance(given_type, str):
        raise invalid(path, FORMS, value)
    kind = given_type.strip().lower()
    if kind == "json_schema" or (kind in ("json", "json_object") and has_schema):
        return _read_json_schema(path, fields)
    if kind in ("json", *FORMATS):
        return {**fields, "type": "json_object" if kind == "json" else kind}
    if len(fields) == 1 or kind in TYPES or did_you_mean(kind, FORMATS):
        raise invalid(path, FORMS, value)
    # A grammar or another format that only some servers have.
    return fields


def _read_json_schema(path: str, fields: dict[str, Any]) -> dict[str, Any]:
    rest = {name: field for name, field in fields.items() if name not in ("type", "json_schema", *WRAPPER)}
    wrapper = from_json_text(fields.get("json_schema"), dict)
    if wrapper is None:
        wrapper = {name: fields[name] for name in WRAPPER if name in fields}
    elif isinstance(wrapper, dict) and "schema" not in wrapper and _is_schema(wrapper):
        wrapper = {"schema": wrapper}
    else:
        rest |= {name: fields[name] for name in WRAPPER if name in fields}
    return _json_schema(path, wrapper, rest)


def _json_schema(path: str, wrapper: Any, rest: dict[str, Any]) -> dict[str, Any]:
    schema = from_json_text(wrapper.get("schema"), dict) if isinstance(wrapper, dict) else None
    if not isinstance(schema, dict):
        raise InvalidRequest(
            f"{path} has no schema; give "
            '{"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}, '
            'or {"type": "json_object"} for JSON of any form.',
            param=path,
        )
    given = {name: field for name, field in wrapper.items() if not is_empty(field)}
    return {"type": "json_schema", "json_schema": {"name": "answer", **given, "schema": schema}, **rest}


def _is_schema(fields: dict[str, Any]) -> bool:
    """Whether an object is itself a JSON Schema."""
    return fields.get("type") not in FORMATS and any(word in fields for word in SCHEMA_WORDS)
