"""Every tool as clients see it: a snapshot of each, and the rules that make every client and model API accept it.

`python -m tests.tools.test_tool` writes the snapshots.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Importing it clears the environment, so that the snapshots do not depend on it when this runs as a program.
import tests.conftest  # noqa: F401
from mcp_grok.providers import PROVIDERS
from mcp_grok.server import tools_in_force
from mcp_grok.settings import Settings
from mcp_grok.tools import (
    cancel_completion,
    chat,
    generate_image,
    get_completion,
    image_to_video,
    search,
    text_to_video,
)
from mcp_grok.tools.tool import ToolModule
from mcp_grok.toolsets import TOOLS

FOLDER = Path(__file__).parent

TYPES = ("object", "array", "string", "number", "integer", "boolean")
KEYWORDS = {"type", "description", "properties", "required", "items", "enum", "minimum", "maximum"}
UNION = ("messages", "items", "properties", "content")
"""The place of the one union: a message's content."""


def definitions(**changes: Any) -> dict[str, Any]:
    """The tools on the wire by name, with the default settings and these changes."""
    settings = Settings(**changes)
    return {
        name: tool.definition(settings).model_dump(mode="json", by_alias=True, exclude_none=True)
        for name, tool in tools_in_force(settings).items()
    }


def snapshot(name: str) -> str:
    """A definition as its snapshot file holds it."""
    shown = {**definitions(provider="xai", toolsets="all"), **definitions()}
    return json.dumps(shown[name], ensure_ascii=False, indent=2) + "\n"


MODULES: tuple[ToolModule, ...] = (
    *(chat, search, generate_image, text_to_video, image_to_video),
    *(get_completion, cancel_completion),
)
"""The modules of the tools, for the type checker: a server imports them by name."""


def test_every_tool_has_its_module() -> None:
    assert list(MODULES) == list(tools_in_force(Settings(provider="xai", toolsets="all")).values())


def test_default_is_what_the_snapshots_show() -> None:
    chat, search, *fetching = ("grok_chat_completions", "grok_search", "grok_get_completion", "grok_cancel_completion")
    assert list(definitions()) == [chat, *fetching]
    assert list(definitions(provider="xai")) == [chat, search, *fetching]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_definition_has_the_name_and_the_hint_of_the_table(provider: str) -> None:
    for name, tool in definitions(provider=provider, base_url="https://api.example.com", toolsets="all").items():
        assert (tool["name"], tool["annotations"]["readOnlyHint"]) == (name, TOOLS[name].read_only)


def faults(schema: Any, place: tuple[str, ...] = ()) -> Iterator[str]:
    """What a client or a model API may refuse in a schema, at any depth, each with its place."""
    if place[-4:] == UNION and schema.keys() == {"anyOf"}:
        for index, form in enumerate(schema["anyOf"]):
            yield from faults(form, (*place, f"anyOf[{index}]"))
        return
    where = ".".join(place) or "root"
    yield from (f"{where} has {keyword}" for keyword in schema.keys() - KEYWORDS)
    kind = schema.get("type")
    if kind not in TYPES:
        yield f"{where} has the type {kind}"
    if ("items" in schema) != (kind == "array"):
        yield f"{where} is {kind} {'with' if 'items' in schema else 'without'} items"
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        yield f"{where} has an enum of other than strings"
    properties = schema.get("properties", {})
    yield from (f"{where} requires {name}" for name in schema.get("required", ()) if name not in properties)
    for name, inner in properties.items():
        yield from faults(inner, (*place, "properties", name) if place else (name,))
    if "items" in schema:
        yield from faults(schema["items"], (*place, "items"))


@pytest.mark.parametrize("name", TOOLS)
def test_definition_equals_snapshot(name: str) -> None:
    written = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert written == snapshot(name), "if the change is meant, run: python -m tests.tools.test_tool"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_client_accepts_every_schema(provider: str) -> None:
    for name, tool in definitions(provider=provider, base_url="https://api.example.com", toolsets="all").items():
        assert tool["inputSchema"]["type"] == "object", name
        assert list(faults(tool["inputSchema"])) == [], name


def undescribed(schema: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The properties without a description, at any depth. The content of a message is described by its two forms."""
    for name, inner in schema.get("properties", {}).items():
        here = (*place, "properties", name)
        if not inner.get("description") and here[-4:] != UNION:
            yield here
        yield from undescribed(inner, here)
    if "items" in schema:
        yield from undescribed(schema["items"], (*place, "items"))
    for form in schema.get("anyOf", ()):
        yield from undescribed(form, place)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_property_is_described(provider: str) -> None:
    for name, tool in definitions(provider=provider, base_url="https://api.example.com", toolsets="all").items():
        assert list(undescribed(tool["inputSchema"])) == [], name


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        *[
            ({"type": "string", keyword: value}, f"x has {keyword}")
            for keyword, value in (
                *(("minLength", 1), ("maxLength", 9), ("pattern", "a"), ("format", "uri"), ("default", "a")),
                *(("$ref", "#"), ("anyOf", []), ("oneOf", []), ("allOf", []), ("const", "a"), ("nullable", True)),
            )
        ],
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "x has minItems"),
        ({"type": "array", "items": {"type": "string", "maxLength": 1}}, "x.items has maxLength"),
        ({"type": "object", "properties": {"y": {"enum": ["a"]}}}, "x.properties.y has the type None"),
        ({"type": "object", "required": ["y"]}, "x requires y"),
        ({"type": "object", "additionalProperties": False}, "x has additionalProperties"),
        ({"type": ["string", "null"]}, "x has the type ['string', 'null']"),
        ({"type": "null"}, "x has the type null"),
        ({"type": "array"}, "x is array without items"),
        ({"type": "string", "enum": ["a", None]}, "x has an enum of other than strings"),
    ],
)
def test_rules_find_what_a_client_refuses(schema: dict[str, Any], fault: str) -> None:
    assert fault in list(faults({"type": "object", "properties": {"x": schema}}))


def test_rules_allow_a_union_for_the_content_of_a_message_alone() -> None:
    union: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    message = {"type": "object", "properties": {"content": union, "name": union}}
    schema = {"type": "object", "properties": {"messages": {"type": "array", "items": message}}}
    place = "messages.items.properties.name"
    assert list(faults(schema)) == [f"{place} has anyOf", f"{place} has the type None"]
    assert "root has anyOf" in list(faults({**schema, **union}))


def bytes_of(listed: dict[str, Any]) -> int:
    """The size of a list of tools on the wire."""
    return len(json.dumps(list(listed.values()), ensure_ascii=False, separators=(",", ":")).encode())


def test_list_of_tools_has_at_most_5500_bytes_and_6800_with_search() -> None:
    for provider, structured in itertools.product(PROVIDERS, (False, True)):
        listed = definitions(provider=provider, base_url="https://api.example.com", structured=structured)
        assert bytes_of(listed) <= (6800 if "grok_search" in listed else 5500), provider


@pytest.mark.parametrize("provider", PROVIDERS)
def test_pictures_and_videos_take_at_most_3000_bytes_more(provider: str) -> None:
    usual = definitions(provider=provider, base_url="https://api.example.com")
    listed = definitions(provider=provider, base_url="https://api.example.com", toolsets="all")
    assert bytes_of(listed) <= bytes_of(usual) + 3000


@pytest.mark.parametrize("name", ["grok_get_completion", "grok_cancel_completion"])
@pytest.mark.parametrize(
    ("toolsets", "pending"),
    [
        ("chat,search", "chat.completion.pending"),
        ("search", "chat.completion.pending"),
        ("video", "video.pending"),
        ("all", "chat.completion.pending or image.pending or video.pending"),
    ],
)
def test_tools_that_fetch_name_the_pending_results_that_there_can_be(name: str, toolsets: str, pending: str) -> None:
    assert f"a call that returned {pending}" in definitions(provider="xai", toolsets=toolsets)[name]["description"]


if __name__ == "__main__":
    for name in TOOLS:
        (FOLDER / f"{name}.json").write_text(snapshot(name), encoding="utf-8")
