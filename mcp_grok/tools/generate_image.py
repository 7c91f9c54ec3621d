"""`grok_generate_image`: makes pictures, or edits some."""

from functools import partial
from typing import Any

import anyio
from mcp_types import CallToolResult, Tool

from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import read_arguments, tool_definition
from mcp_grok.tools.waiting import result_of
from mcp_grok.toolsets import IMAGE
from mcp_grok.upstream.media.image_request import IMAGE_PARAMETERS, read_image_request

TITLE = "Make pictures with Grok"


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    kept = "files in the output folder" if settings.output_dir else "links that work for an hour"
    description = (
        f"Make pictures with Grok Imagine, or edit given ones. Each is charged. Returns images as {kept}, and shows "
        "a small first one."
    )
    schema = {"type": "object", "properties": IMAGE_PARAMETERS, "required": ["prompt"]}
    return tool_definition(IMAGE, TITLE, description, schema)


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
    """One call of the tool.

    Raises:
        GrokError: an argument is wrong.
    """
    given = read_arguments(IMAGE_PARAMETERS, arguments, required="prompt", hint="give what to make")
    # Reading images may block.
    request = await anyio.to_thread.run_sync(partial(read_image_request, given, context.calls.endpoint))
    await context.calls.start(request, context.request)
    return await result_of(context)
