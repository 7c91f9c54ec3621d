"""`grok_text_to_video`: makes a video from a description."""

from functools import partial
from typing import Any

import anyio
from mcp_types import CallToolResult, Tool

from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import read_arguments, tool_definition
from mcp_grok.tools.waiting import result_of
from mcp_grok.toolsets import TEXT_TO_VIDEO
from mcp_grok.upstream.media.video_request import TEXT_TO_VIDEO_PARAMETERS, read_video_request

TITLE = "Make a video with Grok"


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    kept = "a file in the output folder" if settings.output_dir else "a link that works for an hour"
    description = f"Make a video from a text with Grok Imagine. It takes minutes, and is charged. Returns {kept}."
    schema = {"type": "object", "properties": TEXT_TO_VIDEO_PARAMETERS, "required": ["prompt"]}
    return tool_definition(TEXT_TO_VIDEO, TITLE, description, schema)


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
    """One call of the tool.

    Raises:
        GrokError: an argument is wrong.
    """
    given = read_arguments(TEXT_TO_VIDEO_PARAMETERS, arguments, required="prompt", hint="give what the video shows")
    read = partial(read_video_request, given, context.calls.endpoint, with_image=False)
    # A long prompt takes some time to encode.
    await context.calls.start(await anyio.to_thread.run_sync(read), context.request)
    return await result_of(context)
