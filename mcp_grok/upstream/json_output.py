"""The check that an answer is JSON and matches the schema. The answer is not changed."""

import json
from typing import Any

MAX_VIOLATIONS = 10
MAX_PROBLEM = 300
"""Maximum characters of a problem's description, which may quote the answer."""

Violation = dict[str, Any]


def violations(body: dict[str, Any], response_format: dict[str, Any]) -> list[Violation]:
    """The violations in the answers of a completion.

    Imports jsonschema when first used, which takes a tenth of a second: call it in a thread.

    Args:
        body: The completion.
        response_format: `json_object`, or `json_schema` with a schema.

    Returns:
        At most `MAX_VIOLATIONS` of `{"choice", "path", "problem"}`, with a path like `$.items[0].name`; empty if there
        are none or no JSON was requested. Choices without content, such as tool calls, have none.
    """
    if response_format.get("type") not in ("json_object", "json_schema"):
        return []
    found: list[Violation] = []
    for choice in body["choices"]:
        message = choice.get("message") or {}
        content = message.get("content")
        if isinstance(content, str) and content and not message.get("tool_calls"):
            problems = _problems(content, response_format)
            found += [{"choice": choice.get("index", 0), "path": path, "problem": text} for path, text in problems]
    return found[:MAX_VIOLATIONS]


def _problems(content: str, response_format: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        return [("$", f"not JSON: {error}"[:MAX_PROBLEM])]
    if response_format["type"] == "json_object":
        return [] if isinstance(value, dict) else [("$", "not an object")]
    json_schema = response_format.get("json_schema")
    schema = json_schema.get("schema") if isinstance(json_schema, dict) else None
    return _schema_problems(value, schema) if isinstance(schema, dict) else []


def _schema_problems(value: Any, schema: dict[str, Any]) -> list[tuple[str, str]]:
    import jsonschema
    import referencing
    import referencing.exceptions

    # With an empty registry, a schema cannot make this server fetch anything.
    checker = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        checker.check_schema(schema)
        errors = list(checker(schema, registry=referencing.Registry()).iter_errors(value))
    except (jsonschema.SchemaError, referencing.exceptions.Unresolvable, RecursionError) as error:
        return [("$", f"not checked, the schema cannot be used: {getattr(error, 'message', error)}"[:MAX_PROBLEM])]
    return [(error.json_path, error.message[:MAX_PROBLEM]) for error in errors]
