"""The common parts of all tools: the definition for clients, and the reading of arguments.

A new tool is a module like `chat.py` with the members of `ToolModule`, and an entry of `mcp_grok.toolsets.TOOLS`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from mcp_types import CallToolResult, Tool, ToolAnnotations

from mcp_grok.errors import InvalidRequest
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.task import TaskObject
from mcp_grok.toolsets import TOOLS
from mcp_grok.upstream.schema_check import Schema, is_given, read_value

UNPUBLISHED = ("minLength", "maxLength", "minItems", "maxItems", "examples")
"""Keywords that this server uses but does not publish, because not every client or model API accepts them in a tool:
xAI's refuses bounds of lengths (https://github.com/openclaw/openclaw/issues/32080)."""

ID: Schema = {"type": "string", "minLength": 1, "description": "The id in the pending result"}
"""The id of a call, from a result that says that the answer is not ready yet."""

PENDING = {"chat": "chat.completion.pending", "image": "image.pending", "video": "video.pending"}
CANCELLED = {"chat": "chat.completion.cancelled", "image": "image.cancelled", "video": "video.cancelled"}
"""The `object` of a result about a call that is not ready, or that was stopped, by the kind of the call."""


def pending_objects(settings: Settings) -> str:
    """The `object`s that pending results may have."""
    toolsets = {TOOLS[name].toolset for name in settings.tools}
    # A search is a chat, too.
    kinds = {"chat" if toolset == "search" else toolset for toolset in toolsets}
    return " or ".join(shown for kind, shown in PENDING.items() if kind in kinds)


class ToolModule(Protocol):
    """A module of this package that is a tool."""

    def definition(self, settings: Settings) -> Tool:
        """The tool as clients see it."""
        ...

    async def call(self, context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
        """One call of the tool; raises `GrokError`."""
        ...


def tool_definition(
    name: str, title: str, description: str, input_schema: Schema, *, meta: dict[str, Any] | None = None
) -> Tool:
    """The definition of a tool of `TOOLS`. Clients may run several calls of a read-only one in parallel."""
    return Tool(
        name=name,
        title=title,
        description=description,
        input_schema=_published(input_schema),
        annotations=ToolAnnotations(
            title=title, read_only_hint=TOOLS[name].read_only, destructive_hint=False, open_world_hint=True
        ),
        _meta=meta,
    )


def _published(schema: Schema) -> Schema:
    shown = {keyword: value for keyword, value in schema.items() if keyword not in UNPUBLISHED}
    if "properties" in shown:
        shown["properties"] = {name: _published(inner) for name, inner in shown["properties"].items()}
    if "items" in shown:
        shown["items"] = _published(shown["items"])
    if "anyOf" in shown:
        shown["anyOf"] = [_published(inner) for inner in shown["anyOf"]]
    return shown


def read_arguments(
    schemas: Mapping[str, Schema],
    arguments: Mapping[str, Any],
    *,
    required: str = "id",
    hint: str = "give the id of a pending result",
) -> dict[str, Any]:
    """The arguments of a tool with one required parameter, read by their schemas.

    Args:
        schemas: The parameters.
        arguments: The arguments as the client sent them.
        required: The name of the required parameter.
        hint: What to give for it.

    Raises:
        InvalidRequest: an argument is wrong, unknown or missing; `param` is its name.
    """
    given = {
        name: value
        for name, value in arguments.items()
        if value is not None and (name == required or name not in schemas or is_given(value, schemas[name]))
    }
    for name in given:
        if name not in schemas:
            raise InvalidRequest(f"{name!r} is not a parameter; give {', '.join(schemas)}.", param=name)
    if required not in given:
        raise InvalidRequest(f"{required} is missing; {hint}.", param=required)
    return {name: read_value(name, value, schemas[name]) for name, value in given.items()}
