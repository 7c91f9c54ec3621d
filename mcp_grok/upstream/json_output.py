"""The check that an answer is JSON and matches the schema. The answer is not changed."""

import json
from typing import Any

from mcp_grok.json_bounds import exceeds
from mcp_grok.json_parser import MAX_ITEMS
from mcp_grok.upstream.content_text import content_text
from mcp_grok.upstream.schema_cost import cost_of

MAX_COST = 100_000
"""Maximum number of times that a part of the schema is applied to a part of the answer."""

MAX_LISTED_COST = 500
"""The same for a list of all violations, each of which takes some 50 μs. Above it only the first one is found."""

MAX_PATTERN_BYTES = 10_000
"""Maximum size of a compiled pattern, which bounds the time for each character."""

MAX_VIOLATIONS = 10
MAX_PROBLEM = 300
"""Maximum characters of a problem's description, which may quote the answer."""

Violation = dict[str, Any]


def violations(body: dict[str, Any], response_format: dict[str, Any]) -> list[Violation]:
    """The violations in the answers of a completion.

    It takes some milliseconds; call it in a thread.

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
    text = content_text(content)
    if not text:
        return [("$", "not checked, the content is not a text")]
    if exceeds(text, MAX_ITEMS):
        return [("$", "not checked, the answer is too large")]
    try:
        value = json.loads(text)
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
    import jsonschema_rs

    try:
        cost = cost_of(schema, value, MAX_COST)
        # Nothing is fetched, and a pattern takes linear time.
        options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES)
        checker = jsonschema_rs.validator_for(schema, offline=True, pattern_options=options)
        first = _first_error(checker, value)
    except Exception as error:  # noqa: BLE001 - the answer is paid for, and no schema may lose it
        return [("$", f"not checked, the schema cannot be used: {getattr(error, 'message', error)}"[:MAX_PROBLEM])]
    if first is None:
        return []
    errors = checker.iter_errors(value) if cost <= MAX_LISTED_COST else [first]
    return [(_path(error.instance_path), error.message[:MAX_PROBLEM]) for error in errors]


def _first_error(checker: Any, value: Any) -> Any:
    import jsonschema_rs

    try:
        checker.validate(value)
    except jsonschema_rs.ValidationError as error:
        return error
    return None


def _path(place: list[str | int]) -> str:
    """A place in a value as a JSON path, like `$.items[0]['a b']`."""
    steps = (f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]" for step in place)
    return "$" + "".join(steps)
