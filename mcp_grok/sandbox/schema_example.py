"""A value that fits a JSON Schema."""

from typing import Any


def schema_example(schema: dict[str, Any] | bool, text: str) -> Any:
    """A value that fits the schema, with `text` as its strings. The schema `true` allows any value."""
    if isinstance(schema, bool):
        return text
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return _object_example(schema, text)
    if kind == "array":
        return [schema_example(schema.get("items") or {}, text)] * max(1, schema.get("minItems", 1))
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1), "boolean": True, "null": None}
    return plain.get(kind, text) if isinstance(kind, str) else text


def _object_example(schema: dict[str, Any], text: str) -> dict[str, Any]:
    # As a model does: the required properties, and those of any type, such as a message's content.
    required = schema.get("required")
    return {
        name: schema_example(part, text)
        for name, part in schema.get("properties", {}).items()
        if not required or name in required or isinstance(part, bool) or "type" not in part
    }
