"""`grok_chat_completions`: its schema, and a call of it."""

from typing import Any

import anyio
from mcp_types import CallToolResult, Tool, ToolAnnotations

from mcp_grok.completions import Call, Completions, Outcome
from mcp_grok.errors import GrokError
from mcp_grok.models import known_models
from mcp_grok.settings import Settings
from mcp_grok.tools.progress import Progress, Report
from mcp_grok.tools.result import completion_result
from mcp_grok.upstream.parameters import Schema
from mcp_grok.upstream.request import PARAMETERS, read_request

NAME = "grok_chat_completions"
TITLE = "Grok chat completions"


def definition(settings: Settings) -> Tool:
    """The tool as clients see it."""
    return Tool(
        name=NAME,
        title=TITLE,
        description=_description(settings),
        input_schema=input_schema(settings),
        annotations=ToolAnnotations(title=TITLE, read_only_hint=True, destructive_hint=False, open_world_hint=True),
    )


def input_schema(settings: Settings) -> Schema:
    """The schema of the arguments: flat, and only what is documented first."""
    listed = {name: parameter for name, parameter in PARAMETERS.items() if parameter.description}
    properties = {
        name: {**parameter.kind.schema(), "description": parameter.description} for name, parameter in listed.items()
    }
    properties["model"]["description"] = _model_description(settings)
    return {"type": "object", "properties": properties, "required": ["messages"]}


def _description(settings: Settings) -> str:
    unlisted = ", ".join(name for name, parameter in PARAMETERS.items() if not parameter.description)
    return (
        f"Ask a Grok model through {settings.active_provider.title}: chat and reasoning, images, tool calling, JSON "
        "output. Returns the chat.completion as OpenAI-format JSON; the answer is choices[0].message.content. To go "
        "on with tool_calls, send the conversation again with that assistant message and a tool message for each "
        'call. Failures are {"error":…} with a message that says what to do.\n'
        f"Also accepted: {unlisted} (an object merged into the request)."
    )


def _model_description(settings: Settings) -> str:
    names = ", ".join(model.name for model in known_models(settings.active_provider.name))
    default = f"Default {settings.model}" if settings.model else "Required"
    return f"{default}. {f'Known: {names}; any' if names else 'Any'} other name is passed on"


async def call(
    completions: Completions, settings: Settings, arguments: dict[str, Any], report: Report | None
) -> CallToolResult:
    """One call of the tool.

    Args:
        completions: Runs it.
        settings: The default model, and the form of the result.
        arguments: As the client sent them.
        report: Sends a progress notification; None when the client asked for none.

    Raises:
        GrokError: the call failed.
    """
    request = read_request(arguments, default_model=settings.model, progress_wanted=report is not None)
    running = completions.start(request)
    try:
        outcome = await (_followed(running, report) if report else running.wait())
    except anyio.get_cancelled_exc_class():
        # The waiter is gone: the client cancelled, or went away. Ending the call is our decision, made here.
        running.cancel()
        raise
    if isinstance(outcome, GrokError):
        raise outcome
    return completion_result(outcome, structured=settings.structured)


async def _followed(running: Call, report: Report) -> Outcome:
    progress = Progress(report)
    running.follow(progress.add)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        outcome = await running.wait()
        progress.close()
    return outcome
