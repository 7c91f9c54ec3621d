"""`grok_chat_completions` as clients see it. What holds for every tool is in `test_tool.py`."""

import json
from typing import Any

import pytest

from mcp_grok.providers import PROVIDERS
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.tools.chat import definition
from mcp_grok.upstream.parameters import PARAMETERS


def tool(**changes: Any) -> dict[str, Any]:
    """The definition on the wire, with the default settings and these changes."""
    return definition(Settings(**changes)).model_dump(mode="json", by_alias=True, exclude_none=True)


def properties() -> dict[str, Any]:
    """The schemas of the parameters."""
    found: dict[str, Any] = tool()["inputSchema"]["properties"]
    return found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_definition_has_at_most_4500_bytes(provider: str) -> None:
    defined = tool(provider=provider, base_url="https://api.example.com")
    assert len(json.dumps(defined, ensure_ascii=False, separators=(",", ":")).encode()) <= 4500


def test_only_messages_are_required() -> None:
    schema = tool()["inputSchema"]
    assert (schema["type"], schema["required"]) == ("object", ["messages"])


def test_each_parameter_is_described_or_named_in_the_description() -> None:
    assert all(schema["description"] for schema in properties().values())
    also_accepted = tool()["description"].partition("Also accepted: ")[2]
    named = set(also_accepted.replace(" (", ", (").split(", "))
    unlisted = PARAMETERS.keys() - properties().keys()
    assert unlisted < named
    assert properties().keys().isdisjoint(named)


def test_content_is_a_string_or_a_list_of_parts() -> None:
    content = properties()["messages"]["items"]["properties"]["content"]
    assert content.keys() == {"anyOf"}
    text, parts = content["anyOf"]
    assert (text, parts["type"]) == ({"type": "string"}, "array")
    part = parts["items"]["properties"]
    assert part["type"]["enum"] == ["text", "image_url"]
    assert part["image_url"]["properties"]["detail"]["enum"] == ["auto", "low", "high"]


def test_open_parameters_are_strings_without_enum() -> None:
    for name in ("model", "tool_choice", "reasoning_effort", "user"):
        assert properties()[name].keys() == {"type", "description"}
        assert properties()[name]["type"] == "string"


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("n", {"minimum": 1, "maximum": 128}),
        ("max_tokens", {"minimum": 1}),
        ("temperature", {"minimum": 0, "maximum": 2}),
        ("top_p", {"minimum": 0, "maximum": 1}),
        ("presence_penalty", {"minimum": -2, "maximum": 2}),
        ("frequency_penalty", {"minimum": -2, "maximum": 2}),
        ("seed", {}),
    ],
)
def test_schema_has_bounds(name: str, bounds: dict[str, int]) -> None:
    assert {key: value for key, value in properties()[name].items() if key in ("minimum", "maximum")} == bounds


@pytest.mark.parametrize(("name", "count"), [("messages", "at least one"), ("stop", "up to 4"), ("tools", "up to 128")])
def test_description_of_a_list_says_its_count(name: str, count: str) -> None:
    assert count in properties()[name]["description"]


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({}, "Default grok-4. Known: "),
        ({"default_model": "grok-4.7"}, "Default grok-4.7. "),
        ({"provider": "llmprovider"}, "Default grok-beta. "),
        ({"provider": "custom", "base_url": "https://api.example.com"}, "Required. Any other name is passed on"),
    ],
)
def test_description_of_model_names_the_default(changes: dict[str, Any], description: str) -> None:
    model = tool(**changes)["inputSchema"]["properties"]["model"]
    assert model["description"].startswith(description)


def test_tool_has_title_and_read_only_hint() -> None:
    assert tool()["title"] == "Grok chat completions"
    annotations = tool()["annotations"]
    assert annotations["title"] == tool()["title"]
    assert annotations["readOnlyHint"] is True
    assert annotations["destructiveHint"] is False
    assert annotations["openWorldHint"] is True
    assert "outputSchema" not in tool()


def test_server_and_tool_name_fit_the_limit_of_clients() -> None:
    assert len(f"mcp__{create_server(Settings()).name}__{tool()['name']}") < 60
