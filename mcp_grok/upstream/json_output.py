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
        are none or no JSON was requested. Choices without content, such as tool calls, have none. A choice that could
        not be checked has a problem that begins with "not checked".
    """
    if response_format.get("type") not in ("json_object", "json_schema"):
        return []
    found: list[Violation] = []
    for choice in body["choices"]:
        message = choice.get("message") or {}
        content = message.get("content")
        if content and not message.get("tool_calls"):
            problems = _problems(content, response_format)
            found += [{"choice": choice.get("index", 0), "path": path, "problem": text} for path, text in problems]
    return found[:MAX_VIOLATIONS]


def _problems(content: Any, response_format: dict[str, Any]) -> list[tuple[str, str]]:
    if not isinstance(content, str):
        return [("$", "not checked, the content is not a text")]
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        return [("$", f"not JSON: {error}"[:MAX_PROBLEM])]
    if response_format["type"] == "json_object":
        return [] if isinstance(value, dict) else [("$", "not an object")]
    json_schema = response_format.get("json_schema")
    schema = json_schema.get("schema") if isinstance(json_schema, dict) else None
    if not isinstance(schema, (dict, bool)):
        return [("$", "not checked, the response_format has no schema")]
    return _schema_problems(value, schema)


def _schema_problems(value: Any, schema: Any) -> list[tuple[str, str]]:
    import jsonschema
    import referencing

    try:
        checker = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        checker.check_schema(schema)
        # With an empty registry, a schema cannot make this server fetch anything.
        errors = list(checker(schema, registry=referencing.Registry()).iter_errors(value))
    except Exception as error:  # noqa: BLE001 - the answer is paid for, and no schema may lose it
        return [("$", f"not checked, the schema cannot be used: {getattr(error, 'message', error)}"[:MAX_PROBLEM])]
    return [(error.json_path, error.message[:MAX_PROBLEM]) for error in errors]
