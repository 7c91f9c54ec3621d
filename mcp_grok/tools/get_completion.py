"""`grok_get_completion`: returns the answer of a call that was handed off, or the rest of an answer that was cut."""

from typing import Any

from mcp_types import CallToolResult, Tool

from mcp_grok.calls import Call
from mcp_grok.errors import InvalidRequest
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.cutting import NOTE_ROOM, next_part, prefix, text_of
from mcp_grok.tools.result import json_result
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import ID, pending_objects, read_arguments, tool_definition
from mcp_grok.tools.waiting import result_of
from mcp_grok.toolsets import GET
from mcp_grok.upstream.completion import Completion, is_media
from mcp_grok.upstream.schema_check import Schema

TITLE = "Get a Grok completion"

PARAMETERS: dict[str, Schema] = {
    "id": ID,
    "offset": {
        "type": "integer",
        "minimum": 0,
        "description": "Where to read on in a text that was cut, as its note says",
    },
    "choice": {"type": "integer", "minimum": 0},
    "wait": {"type": "number", "minimum": 0, "maximum": 3600},
}
LISTED = ("id", "offset")
"""The parameters that clients see. `choice` is in the note of a cut text. `wait`, in seconds, is only for programs: a
model could choose one that is longer than its client's timeout."""


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    description = (
        f"Returns the answer of a call that returned {pending_objects(settings)}, after waiting for it a while. With "
        "offset, the rest of a text that was cut."
    )
    properties = {name: PARAMETERS[name] for name in LISTED}
    schema = {"type": "object", "properties": properties, "required": ["id"]}
    return tool_definition(GET, TITLE, description, schema)


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
    """One call of the tool: returns the completion, the call's error, a pending result, or a part of a text.

    Raises:
        GrokError: there is no such call, or an argument is wrong.
    """
    given = read_arguments(PARAMETERS, arguments)
    found = await context.calls.find(given["id"], context.request.principal)
    if "offset" in given and isinstance(found.outcome, Completion) and not is_media(found.outcome.body):
        limit = context.settings.max_result_bytes
        return _part(found, found.outcome, given["offset"], given.get("choice", 0), limit)
    await context.calls.attach(found, context.request)
    return await result_of(context, wait=given.get("wait"))


def _part(found: Call, completion: Completion, offset: int, choice: int, limit: int) -> CallToolResult:
    try:
        text = text_of(completion.body, choice)
    except IndexError:
        raise InvalidRequest(f"choice must be below {len(completion.body['choices'])}.", param="choice") from None
    if offset > len(text):
        raise InvalidRequest(f"offset must be at most {len(text)}, the length of the text.", param="offset")
    rest = text[offset:]
    shown = prefix(rest, limit - NOTE_ROOM) if limit else rest
    more = {"tool": GET, "arguments": next_part(found.id, choice, offset + len(shown))} if shown != rest else None
    return json_result(
        {"object": "chat.completion.part", "id": found.id, "offset": offset, "text": shown, "next": more}
    )
