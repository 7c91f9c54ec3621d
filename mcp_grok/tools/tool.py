"""What every tool has: a definition that clients see, and a function that does one call."""

from collections.abc import Mapping
from typing import Any, Protocol

from mcp_types import CallToolResult, Tool, ToolAnnotations

from mcp_grok.errors import InvalidRequest
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.upstream.parameters import Kind, Schema


class ToolModule(Protocol):
    """A module of this package that is a tool."""

    NAME: str

    def definition(self, settings: Settings) -> Tool:
        """The tool as clients see it."""
        ...

    async def call(self, context: RequestContext, arguments: dict[str, Any]) -> CallToolResult:
        """One call of the tool; raises `GrokError`."""
        ...


def tool_definition(
    name: str, title: str, description: str, input_schema: Schema, *, meta: dict[str, Any] | None = None
) -> Tool:
    """A tool that changes nothing of the user's, so that clients may run several calls side by side."""
    hints = ToolAnnotations(title=title, read_only_hint=True, destructive_hint=False, open_world_hint=True)
    return Tool(
        name=name, title=title, description=description, input_schema=input_schema, annotations=hints, _meta=meta
    )


def read_arguments(parameters: Mapping[str, Kind], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the kinds read them; `id` must be among them.

    Raises:
        InvalidRequest: one is wrong, unknown or missing; `param` names it.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in given:
        if name not in parameters:
            raise InvalidRequest(f"{name!r} is not a parameter; give {', '.join(parameters)}.", param=name)
    if "id" not in given:
        raise InvalidRequest("id is missing; give the id of a chat.completion.pending result.", param="id")
    return {name: parameters[name].read(name, value) for name, value in given.items()}
