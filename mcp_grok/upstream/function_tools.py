"""The functions that a model may call (`tools`), and which of them it must call (`tool_choice`).

Forms of other APIs are read as what they mean: OpenAI's Responses, Anthropic, Mistral, Gemini and MCP.
"""

from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.schema_check import (
    Schema,
    did_you_mean,
    expected,
    from_json_text,
    invalid,
    read_list,
    without_empty,
)

TOOL_CHOICES = ("none", "auto", "required")
CHOICE = f"{', '.join(TOOL_CHOICES)} or the name of a function in tools"
REQUIRED_ELSEWHERE = "any"
"""What Anthropic, Mistral and Gemini call `required`."""

NAMING = ("function", "tool")
"""The types of an object that names a function: OpenAI's and Anthropic's."""

CHOICE_FIELDS = {"type", "mode", "name", "function"}

TOOL_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "function, or a type that only the API knows"},
        "function": {
            "type": "object",
            "description": "with type function: the function itself",
            "properties": {
                "name": {"type": "string", "description": "as the model calls it"},
                "description": {"type": "string", "description": "what it does, and when to call it"},
                "parameters": {"type": "object", "description": "JSON Schema"},
            },
            "required": ["name"],
        },
    },
    "required": ["type"],
    "examples": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
}
TOOLS_SCHEMA: Schema = {"type": "array", "items": TOOL_SCHEMA, "maxItems": 128}

FUNCTION_FIELDS = ("name", "description", "strict", "parameters")
PARAMETERS_ELSEWHERE = ("input_schema", "inputSchema")
"""What Anthropic and MCP call the `parameters` of a function."""


def read_tools(path: str, value: Any) -> list[dict[str, Any]]:
    """The checked tools, functions in the form of chat completions. A tool that is not a function is not changed.

    Raises:
        InvalidRequest: there are too many, or one is wrong; `param` is its path.
    """
    return read_list(path, value, TOOLS_SCHEMA, _read_tool)


def _read_tool(path: str, value: Any) -> dict[str, Any]:
    given = from_json_text(value, dict)
    tool = _in_chat_form(given) if isinstance(given, dict) else {}
    function = from_json_text(tool.get("function"), dict)
    if tool.get("type") == "function" and isinstance(function, dict):
        if isinstance(name := function.get("name"), str) and name:
            function = {**function, "parameters": from_json_text(function.get("parameters"), (dict, type(None)))}
            return {**tool, "function": without_empty(function, FUNCTION_FIELDS)}
    elif tool.get("type") != "function" and isinstance(tool.get("type"), str):
        return tool
    raise invalid(path, expected(TOOL_SCHEMA), value)


def _in_chat_form(tool: dict[str, Any]) -> dict[str, Any]:
    tool = without_empty(tool, ("type", "function"))
    parameters = next((name for name in PARAMETERS_ELSEWHERE if name in tool), "parameters")
    is_function = tool.get("type", "function") == "function" or parameters in PARAMETERS_ELSEWHERE
    if is_function and "name" in tool and "function" not in tool:
        fields = {name: tool[name] for name in FUNCTION_FIELDS if name in tool}
        rest = {name: value for name, value in tool.items() if name not in ("type", parameters, *FUNCTION_FIELDS)}
        return {"type": "function", "function": {**fields, "parameters": tool.get(parameters)}, **rest}
    return {"type": "function", **tool} if "function" in tool else tool


def read_tool_choice(path: str, value: Any) -> str | dict[str, Any]:
    """A word, a function's name, or an object without empty fields.

    Raises:
        InvalidRequest: the value is of another type.
    """
    choice = from_json_text(value, dict)
    if isinstance(choice, dict):
        return without_empty(choice, CHOICE_FIELDS)
    if isinstance(choice, str):
        return choice
    raise invalid(path, f"{', '.join(TOOL_CHOICES)}, a function's name or an object", value)


def resolve_tool_choice(choice: str | dict[str, Any], tools: list[dict[str, Any]]) -> str | dict[str, Any]:
    """The choice to send: one of `TOOL_CHOICES`, the object that names a function, or one that only the API knows.

    Raises:
        InvalidRequest: there are no tools to choose from, or none of that name, or the object has no known form.
    """
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    word = _word(choice, names)
    if not tools and word not in ("none", "auto"):
        raise InvalidRequest(
            "tool_choice requires a tool, and the call has none; give tools, or leave tool_choice out.",
            param="tool_choice",
        )
    if word is not None:
        return word
    name = choice if isinstance(choice, str) else _function_name(choice)
    if name is not None:
        return _naming(name, names)
    if isinstance(choice, dict) and _is_known_to_api(choice, tools):
        return choice
    raise invalid("tool_choice", CHOICE, choice)


def _word(choice: str | dict[str, Any], names: list[str]) -> str | None:
    """The one of `TOOL_CHOICES` that a choice means; None if it means another."""
    if isinstance(choice, str):
        given = None if choice in names and choice not in TOOL_CHOICES else choice
    else:
        given = choice.get("type", choice.get("mode")) if len(choice) == 1 else None
    if not isinstance(given, str):
        return None
    word = given.strip().lower()
    word = "required" if word == REQUIRED_ELSEWHERE else word
    return word if word in TOOL_CHOICES else None


def _function_name(choice: dict[str, Any]) -> str | None:
    """The name of the function in an object; None if it names no function."""
    if choice.get("type", "function") not in NAMING or choice.keys() - CHOICE_FIELDS:
        return None
    function = choice.get("function", choice.get("name"))
    name = function.get("name") if isinstance(function, dict) else function
    return name if isinstance(name, str) and name else None


def _naming(name: str, names: list[str]) -> dict[str, Any]:
    if name in names:
        return {"type": "function", "function": {"name": name}}
    suggestion = did_you_mean(name, [*TOOL_CHOICES, *names])
    raise InvalidRequest(f"tool_choice must be {CHOICE}, got {name!r}.{suggestion}", param="tool_choice")


def _is_known_to_api(choice: dict[str, Any], tools: list[dict[str, Any]]) -> bool:
    """Whether an object has a form that only the API can check: a tool's own type, or `allowed_tools`."""
    kind = choice.get("type")
    if not isinstance(kind, str) or kind in NAMING:
        return False
    return kind in choice or any(tool["type"] == kind for tool in tools)
