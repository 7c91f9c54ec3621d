"""What every tool says of itself to clients."""

from typing import Any

from mcp_types import Tool, ToolAnnotations

from mcp_grok.upstream.parameters import Schema


def tool_definition(
    name: str, title: str, description: str, input_schema: Schema, *, meta: dict[str, Any] | None = None
) -> Tool:
    """A tool that changes nothing of the user's, so that clients may run several calls side by side."""
    hints = ToolAnnotations(title=title, read_only_hint=True, destructive_hint=False, open_world_hint=True)
    return Tool(
        name=name, title=title, description=description, input_schema=input_schema, annotations=hints, _meta=meta
    )
