"""`grok_chat_completions` as clients see it: a snapshot, and the rules that make every client accept it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Importing it clears the environment, so that the snapshot does not depend on it when this runs as a program.
import tests.conftest  # noqa: F401
from mcp_grok.providers import PROVIDERS
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.tools.chat import definition
from mcp_grok.upstream.parameters import PARAMETERS

SNAPSHOT = Path(__file__).with_name("grok_chat_completions.json")
REWRITE = "python -m tests.tools.test_chat_schema"

PLAIN = {"type", "description", "properties", "required", "items", "enum", "minimum", "maximum", "minItems", "maxItems"}
"""The keywords that every client understands: no unions, no references, no default."""


def tool(**changes: Any) -> dict[str, Any]:
    """The definition on the wire, with the default settings and these changes."""
    return definition(Settings(**changes)).model_dump(mode="json", by_alias=True, exclude_none=True)


def snapshot() -> str:
    """The definition as the snapshot file holds it."""
    return json.dumps(tool(), ensure_ascii=False, indent=2) + "\n"


def schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and every schema inside it."""
    yield schema
    for inner in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        yield from schemas(inner)


def properties() -> dict[str, Any]:
    """The schemas of the parameters."""
    found: dict[str, Any] = tool()["inputSchema"]["properties"]
    return found


def test_definition_equals_snapshot() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == snapshot(), f"if the change is meant, run: {REWRITE}"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_definition_has_at_most_4500_bytes(provider: str) -> None:
    defined = tool(provider=provider, base_url="https://api.example.com")
    assert len(json.dumps(defined, ensure_ascii=False, separators=(",", ":")).encode()) <= 4500


@pytest.mark.parametrize("provider", PROVIDERS)
def test_schema_has_only_plain_keywords_and_types(provider: str) -> None:
    for schema in schemas(tool(provider=provider, base_url="https://api.example.com")["inputSchema"]):
        assert schema.keys() <= PLAIN
        assert schema.get("type", "string") in ("object", "array", "string", "number", "integer", "boolean")
        assert "items" in schema if schema.get("type", "array") == "array" else "items" not in schema
        assert None not in schema.get("enum", [])


def test_only_messages_are_required() -> None:
    schema = tool()["inputSchema"]
    assert (schema["type"], schema["required"]) == ("object", ["messages"])
    for inner in schemas(schema):
        assert set(inner.get("required", [])) <= inner.get("properties", {}).keys()


def test_each_parameter_is_described_or_named_in_the_description() -> None:
    assert all(schema["description"] for schema in properties().values())
    also_accepted = tool()["description"].partition("Also accepted: ")[2]
    named = set(also_accepted.replace(" (", ", (").split(", "))
    unlisted = PARAMETERS.keys() - properties().keys()
    assert unlisted < named
    assert properties().keys().isdisjoint(named)


def test_content_has_no_type_and_lists_image_parts() -> None:
    content = properties()["messages"]["items"]["properties"]["content"]
    assert "type" not in content
    part = content["items"]["properties"]
    assert part["type"]["enum"] == ["text", "image_url"]
    assert part["image_url"]["properties"]["detail"]["enum"] == ["auto", "low", "high"]


def test_open_parameters_are_strings_without_enum() -> None:
    for name in ("model", "tool_choice", "reasoning_effort", "user"):
        assert properties()[name].keys() == {"type", "description"}
        assert properties()[name]["type"] == "string"


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("messages", {"minItems": 1}),
        ("n", {"minimum": 1, "maximum": 128}),
        ("max_tokens", {"minimum": 1}),
        ("temperature", {"minimum": 0, "maximum": 2}),
        ("top_p", {"minimum": 0, "maximum": 1}),
        ("stop", {"minItems": 1, "maxItems": 4}),
        ("presence_penalty", {"minimum": -2, "maximum": 2}),
        ("frequency_penalty", {"minimum": -2, "maximum": 2}),
        ("seed", {}),
        ("tools", {"maxItems": 128}),
    ],
)
def test_schema_has_bounds(name: str, bounds: dict[str, int]) -> None:
    keywords = ("minimum", "maximum", "minItems", "maxItems")
    assert {key: value for key, value in properties()[name].items() if key in keywords} == bounds


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


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
