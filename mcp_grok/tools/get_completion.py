"""`grok_get_completion`: the answer of a call that was handed off."""

import math
from typing import Any

from mcp_types import CallToolResult, Tool

from mcp_grok.completions import Completions
from mcp_grok.settings import Settings
from mcp_grok.tools.arguments import ID_SCHEMA, read_arguments
from mcp_grok.tools.definition import tool_definition
from mcp_grok.tools.progress import Report
from mcp_grok.tools.result import outcome_result
from mcp_grok.tools.waiting import GET, pending_result, waited
from mcp_grok.upstream.parameters import Kind, Number, Text

NAME = GET
TITLE = "Get a Grok completion"

PARAMETERS: dict[str, Kind] = {"id": Text(may_be_empty=False), "wait": Number(0, 3600)}
"""`wait`, in seconds, is for programs and stands in no schema: a model could outwait its client."""


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    description = "The answer of a call that returned chat.completion.pending; waits for it a while."
    return tool_definition(NAME, TITLE, description, ID_SCHEMA)


async def call(
    completions: Completions, settings: Settings, arguments: dict[str, Any], report: Report | None
) -> CallToolResult:
    """One call of the tool: the completion, the error the call would have given, or pending again.

    Raises:
        GrokError: the call failed, there is no such call, or an argument is wrong.
    """
    given = read_arguments(PARAMETERS, arguments)
    kept = completions.find(given["id"])
    outcome = await waited(kept, given.get("wait", settings.handoff_after or math.inf), report)
    return pending_result(kept) if outcome is None else outcome_result(outcome, structured=settings.structured)
