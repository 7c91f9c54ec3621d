"""The functions that a model may call (`tools`), and which of them it must call (`tool_choice`)."""

from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.schema_check import (
    Schema,
    did_you_mean,
    expected,
    from_json_text,
    invalid,
    read_list,
    read_value,
)

TOOL_CHOICES = ("none", "auto", "required")

TOOL_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "function": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "description": {"type": "string"},
                "parameters": {"type": "object", "description": "JSON Schema"},
            },
            "required": ["name"],
        },
    },
    "required": ["type"],
    "examples": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
}
TOOLS_SCHEMA: Schema = {"type": "array", "items": TOOL_SCHEMA, "maxItems": 128}


def read_tools(path: str, value: Any) -> list[dict[str, Any]]:
    """The checked tools. A tool that is not a function is returned unchanged.

    Raises:
        InvalidRequest: there are too many, or one is wrong; `param` is its path.
    """
    return read_list(path, value, TOOLS_SCHEMA, _read_tool)


def _read_tool(path: str, value: Any) -> dict[str, Any]:
    tool: dict[str, Any] = read_value(path, value, TOOL_SCHEMA)
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if tool["type"] == "function" and not (isinstance(name, str) and name):
        raise invalid(path, expected(TOOL_SCHEMA), value)
    return tool


def read_tool_choice(path: str, value: Any) -> str | dict[str, Any]:
    """`none`, `auto`, `required`, a function's name, or an object, which is returned unchanged.

    Raises:
        InvalidRequest: the value is empty or of another type.
    """
    choice = from_json_text(value, dict)
    if isinstance(choice, dict) or (isinstance(choice, str) and choice):
        return choice
    raise invalid(path, f"{', '.join(TOOL_CHOICES)}, a function's name or an object", value)


def resolve_tool_choice(choice: str | dict[str, Any], tools: list[dict[str, Any]]) -> str | dict[str, Any]:
    """The choice to send: a function's name is replaced by the object that names the function.

    Raises:
        InvalidRequest: no function among the tools has that name.
    """
    if isinstance(choice, dict) or choice in TOOL_CHOICES:
        return choice
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    raise InvalidRequest(
        f"tool_choice must be {', '.join(TOOL_CHOICES)} or the name of a function in tools, got {choice!r}."
        f"{did_you_mean(choice, [*TOOL_CHOICES, *names])}",
        param="tool_choice",
    )
