"""Functions and the choice among them, in the forms of chat completions and of other APIs."""

import json
from typing import Any

import pytest

from mcp_grok.upstream.function_tools import read_tool_choice, read_tools, resolve_tool_choice
from tests.upstream.refusal import refusal_of

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "look_up", "description": "Looks a city up", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
TOOLS: list[dict[str, Any]] = [TOOL, {"type": "live_search"}, {"type": "function", "function": {"name": "any"}}]
NAMED = {"type": "function", "function": {"name": "look_up"}}


def read(*tools: Any) -> list[dict[str, Any]]:
    """The tools as they are sent."""
    return read_tools("tools", list(tools))


def choose(choice: Any, tools: list[dict[str, Any]] = TOOLS) -> Any:
    """The choice as it is sent."""
    return resolve_tool_choice(read_tool_choice("tool_choice", choice), tools)


@pytest.mark.parametrize("value", [[TOOL], json.dumps([TOOL]), [json.dumps(TOOL)]])
def test_tools_and_items_are_read_from_text(value: Any) -> None:
    assert read_tools("tools", value) == [TOOL]


@pytest.mark.parametrize(
    "tool", [{"type": "live_search", "new": [1]}, {"type": "custom", "name": "f"}, {"type": "web_search", "name": "f"}]
)
def test_tool_other_than_a_function_passes_untouched(tool: dict[str, Any]) -> None:
    assert read(tool) == [tool]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", **FUNCTION},
        FUNCTION,
        {"name": "look_up", "description": "Looks a city up", "input_schema": SCHEMA},
        {"type": "custom", "name": "look_up", "description": "Looks a city up", "input_schema": SCHEMA},
        {"name": "look_up", "description": "Looks a city up", "inputSchema": SCHEMA},
        {"function": FUNCTION},
        {"type": "", "function": FUNCTION},
        {"type": "function", "function": json.dumps(FUNCTION)},
        {"type": "function", "function": {**FUNCTION, "parameters": json.dumps(SCHEMA), "strict": None}},
    ],
)
def test_function_in_another_form_is_read(tool: dict[str, Any]) -> None:
    assert read(tool) == [TOOL]


def test_unknown_fields_of_a_function_in_another_form_are_kept() -> None:
    [tool] = read({"type": "function", **FUNCTION, "strict": True, "cache_control": {"type": "ephemeral"}})
    assert tool == {**TOOL, "function": {**FUNCTION, "strict": True}, "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize("empty", [None, "", {}, "null"])
def test_empty_parameters_and_description_are_left_out(empty: Any) -> None:
    function = {"name": "now", "parameters": empty, "description": ""}
    expected = [{"type": "function", "function": {"name": "now"}}]
    assert read({"type": "function", "function": function}) == read({"type": "function", **function}) == expected


@pytest.mark.parametrize(
    "tool",
    [
        "look_up",
        7,
        {},
        {"type": 1},
        {"type": "function"},
        {"type": "function", "function": "look_up"},
        {"type": "function", "function": {"name": ""}},
        {"type": "function", "function": {"name": 7}},
        {"type": "function", "name": ""},
        {"function_declarations": [FUNCTION]},
    ],
)
def test_wrong_tool_is_refused_with_path_and_example(tool: Any) -> None:
    message, param = refusal_of(lambda: read(TOOL, tool))
    assert message.startswith('tools[1] must be an object like {"type": "function", ')
    assert json.dumps(tool)[:70] in message
    assert param == "tools[1]"


def test_tools_are_a_list_of_at_most_128() -> None:
    assert len(read(*[TOOL] * 128)) == 128
    assert refusal_of(lambda: read(*[TOOL] * 129))[0] == "tools must have at most 128 items, got 129."
    assert refusal_of(lambda: read_tools("tools", TOOL))[0].startswith("tools must be a list, got {")


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        *[(word, word) for word in ("none", "auto", "required")],
        *[(word, "auto") for word in ("AUTO", " Auto", {"type": "auto"}, {"mode": "AUTO"}, '{"type": "auto"}')],
        *[(word, "required") for word in ("ANY", "Required", {"type": "any"}, {"type": "required"}, {"mode": "any"})],
        ({"type": "none", "function": {}}, "none"),
    ],
)
def test_word_in_another_form_is_read(choice: Any, sent: str) -> None:
    assert choose(choice) == sent


@pytest.mark.parametrize(
    "choice",
    [
        "look_up",
        NAMED,
        json.dumps(NAMED),
        {"type": "function", "name": "look_up"},
        {"type": "function", "function": "look_up"},
        {"type": "tool", "name": "look_up"},
        {"name": "look_up"},
        {"function": {"name": "look_up"}},
    ],
)
def test_name_of_a_function_in_another_form_is_read(choice: Any) -> None:
    assert choose(choice) == NAMED


def test_name_of_a_function_comes_before_a_word_of_another_api() -> None:
    assert choose("any") == {"type": "function", "function": {"name": "any"}}
    assert choose("any", [TOOL]) == "required"


@pytest.mark.parametrize(
    "choice",
    [{"type": "live_search"}, {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}],
)
def test_choice_that_only_the_api_can_check_passes_untouched(choice: dict[str, Any]) -> None:
    assert choose(choice) == choice


@pytest.mark.parametrize(
    ("choice", "name", "suggestion"),
    [
        ("look_ups", "look_ups", " Did you mean look_up?"),
        ("require", "require", " Did you mean required?"),
        ("live_search", "live_search", ""),
        ({"type": "function", "function": {"name": "look_ups"}}, "look_ups", " Did you mean look_up?"),
        ({"type": "tool", "name": "xyz"}, "xyz", ""),
    ],
)
def test_name_of_no_function_is_refused_with_the_nearest(choice: Any, name: str, suggestion: str) -> None:
    message, param = refusal_of(lambda: choose(choice))
    assert message == (
        f"tool_choice must be none, auto, required or the name of a function in tools, got '{name}'.{suggestion}"
    )
    assert param == "tool_choice"


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function"},
        {"type": "tool"},
        {"type": "sometimes"},
        {"type": 7},
        {"function_calling_config": {"mode": "ANY"}},
        {"any": {}},
        {"type": "tool", "name": "look_up", "disable_parallel_tool_use": True},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
    ],
)
def test_object_without_a_known_form_is_refused(choice: dict[str, Any]) -> None:
    message, param = refusal_of(lambda: choose(choice))
    assert message.startswith("tool_choice must be none, auto, required or the name of a function in tools, got {")
    assert param == "tool_choice"
