"""Reading the functions that a model may call, and which of them it shall."""

from dataclasses import dataclass
from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.parameters import Schema, from_json_text, invalid, nearest

TOOL_CHOICES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`none`, `auto`, `required`, a function's name, or an object."""

    def read(self, name: str, value: Any) -> str | dict[str, Any]:
        choice = from_json_text(value, dict)
        if isinstance(choice, dict):
            return choice
        if not isinstance(choice, str) or not choice:
            raise invalid(name, f"must be {', '.join(TOOL_CHOICES)}, a function's name or an object", value)
        return choice

    def schema(self) -> Schema:
        return {"type": "string"}


def read_tool(name: str, value: Any) -> dict[str, Any]:
    """One tool the model may call."""
    tool = from_json_text(value, dict)
    rule = 'must be an object like {"type": "function", "function": {"name": "…", "parameters": {…}}}'
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise invalid(name, rule, value)
    function = tool.get("function")
    if tool["type"] == "function" and not (
        isinstance(function, dict) and isinstance(function.get("name"), str) and function["name"]
    ):
        raise invalid(name, rule, value)
    return tool


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
}


def named_function(choice: str | dict[str, Any], tools: list[dict[str, Any]]) -> str | dict[str, Any]:
    """The choice as it is sent: a function's name alone means that function.

    Raises:
        InvalidRequest: there is no function of that name.
    """
    if isinstance(choice, dict) or choice in TOOL_CHOICES:
        return choice
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    suggestion = nearest(choice, [*TOOL_CHOICES, *names])
    raise InvalidRequest(
        f"tool_choice must be {', '.join(TOOL_CHOICES)} or the name of a function in tools, got {choice!r}."
        f"{suggestion}",
        param="tool_choice",
    )
