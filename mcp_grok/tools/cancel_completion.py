"""`grok_cancel_completion`: stops a call that was handed off."""

from typing import Any

from mcp_types import CallToolResult, Tool

from mcp_grok.calls.call import JobLeft
from mcp_grok.errors import Cancelled, Unavailable
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.result import json_result
from mcp_grok.tools.tool import CANCELLED, ID, pending_objects, read_arguments, tool_definition
from mcp_grok.toolsets import CANCEL
from mcp_grok.upstream.schema_check import Schema

TITLE = "Cancel a Grok completion"

PARAMETERS: dict[str, Schema] = {"id": ID}


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    description = f"Stops a call that returned {pending_objects(settings)}; what it has used may be billed."
    schema = {"type": "object", "properties": PARAMETERS, "required": ["id"]}
    return tool_definition(CANCEL, TITLE, description, schema)


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult:
    """One call of the tool: stops a call, and returns whether it was stopped or had already ended.

    Raises:
        GrokError: there is no such call, an argument is wrong, or the server is stopping.
    """
    calls, request = context.calls, context.request
    call = await calls.find(read_arguments(PARAMETERS, arguments)["id"], request.principal)
    await calls.attach(call, request)
    await calls.cancel(call)
    try:
        outcome = await call.wait()
    except JobLeft:
        raise Unavailable from None
    # The job of a video goes on at the API, and is billed.
    job = {"message": outcome.message} if isinstance(outcome, Cancelled) and call.job else {}
    status = "cancelled" if isinstance(outcome, Cancelled) else "ended"
    return json_result({"object": CANCELLED[call.kind], "id": call.id, "status": status, **job})
