"""`grok_chat_completions`: asks a model and returns its answer. Its parameters are in `upstream/parameters.py`."""

from functools import partial
from typing import Any

import anyio
from mcp_types import CallToolResult, Tool

from mcp_grok.models import known_models
from mcp_grok.settings import Settings
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import tool_definition
from mcp_grok.tools.waiting import result_of
from mcp_grok.toolsets import CHAT
from mcp_grok.upstream.images import hold_long_images
from mcp_grok.upstream.parameters import PARAMETERS
from mcp_grok.upstream.request import ChatRequest, read_request
from mcp_grok.upstream.schema_check import Schema

TITLE = "Grok chat completions"

SERVER_SIDE = '. {"type":"web_search"} and {"type":"x_search"} run at the API'

CLAUDE_CODE_MAX = 500_000
"""Maximum characters of a result that a tool can request from Claude Code."""


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    return tool_definition(CHAT, TITLE, _description(settings), input_schema(settings), meta=_meta(settings))


def input_schema(settings: Settings) -> Schema:
    """The schema of the arguments, with the parameters that have a description."""
    properties = {
        name: {**parameter.schema, "description": parameter.description}
        for name, parameter in PARAMETERS.items()
        if parameter.description
    }
    properties["model"]["description"] = _model_description(settings)
    if settings.active_provider.searches:
        properties["tools"]["description"] += SERVER_SIDE
    return {"type": "object", "properties": properties, "required": ["messages"]}


def _description(settings: Settings) -> str:
    unlisted = ", ".join(name for name, parameter in PARAMETERS.items() if not parameter.description)
    return (
        f"Ask a Grok model through {settings.active_provider.title}: chat and reasoning, images, tool calling, JSON "
        "output. Returns the chat.completion as OpenAI-format JSON; the answer is choices[0].message.content. To "
        "answer tool_calls, send the conversation again with that assistant message and a tool message for each "
        'call. Failures are {"error":…} with a message that says what to do.\n'
        f"Also accepted: {unlisted} (an object merged into the request)."
    )


def _meta(settings: Settings) -> dict[str, Any]:
    """Makes Claude Code accept this server's longest results; by default it cuts at 25,000 tokens."""
    return {"anthropic/maxResultSizeChars": min(settings.max_result_bytes or CLAUDE_CODE_MAX, CLAUDE_CODE_MAX)}


def _model_description(settings: Settings) -> str:
    models = known_models(settings.active_provider.name)
    names = ", ".join(model.name for model in models if not model.retired_for)
    default = f"Default {settings.model}" if settings.model else "Required"
    return f"{default}. {f'Known: {names}; any' if names else 'Any'} other name is passed on"


async def call(context: RequestContext, arguments: dict[str, Any]) -> CallToolResult | TaskObject:
    """One call of the tool.

    Args:
        context: The request, its settings, and the calls of this server.
        arguments: The arguments as the client sent them.

    Raises:
        GrokError: an argument is wrong.
    """
    chat = await _read(context, arguments)
    # They can take many megabytes, and the call may run for minutes. It keeps what it needs.
    del arguments
    await context.calls.start(chat, context.request)
    del chat
    return await result_of(context)


async def _read(context: RequestContext, arguments: dict[str, Any]) -> ChatRequest:
    endpoint = context.calls.endpoint
    read = partial(
        read_request,
        arguments,
        endpoint,
        progress_wanted=context.report is not None,
        principal=context.request.principal,
    )
    # Reading files or long images may block, so it runs in a thread; for other calls a thread would only cost time.
    blocks = endpoint.image_folders or hold_long_images(arguments.get("messages"))
    return await anyio.to_thread.run_sync(read) if blocks else read()
