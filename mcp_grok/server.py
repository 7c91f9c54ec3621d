"""The MCP server: start reading here.

A call goes one way: transport → tool → request → client → stream → assemble → result.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    CancelledNotificationParams,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Tool,
)

from mcp_grok import __version__
from mcp_grok.callers import Callers
from mcp_grok.cancellations import Cancellations
from mcp_grok.completions import Caller, Completions, OnAnswer, open_completions
from mcp_grok.errors import GrokError, InternalError
from mcp_grok.prompts import TEMPLATES, get_prompt
from mcp_grok.resources import completion, models, usage
from mcp_grok.settings import Settings
from mcp_grok.tools import cancel_completion, chat, get_completion
from mcp_grok.tools.asker import Asker
from mcp_grok.tools.result import error_result

LISTS_TTL = 300_000
"""Milliseconds for which a client may keep the lists of tools and resources."""

Context = ServerRequestContext[Completions, Any]


class ToolModule(Protocol):
    """What each module of `mcp_grok.tools` that is a tool has."""

    NAME: str

    def definition(self, settings: Settings) -> Tool:
        """The tool as clients see it."""
        ...

    async def call(
        self, completions: Completions, settings: Settings, arguments: dict[str, Any], asker: Asker
    ) -> CallToolResult:
        """One call of the tool; raises `GrokError`."""
        ...


class Admission(Protocol):
    """Says who may call."""

    async def admit(self, caller: Caller, completions: Completions) -> None:
        """Lets a caller make a call; raises `GrokError` where they have had enough."""
        ...


def create_server(
    settings: Settings | None = None,
    completions: Completions | None = None,
    callers: Callers | None = None,
    admission: Admission | None = None,
) -> Server[Completions]:
    """The MCP server, for any transport of the SDK.

    Args:
        settings: The configuration; read from the environment by default.
        completions: Where calls run, shared by all connections of a process. By default each connection opens,
            and closes, its own.
        callers: Tells callers apart; by default by their authentication alone.
        admission: Says whether a caller may call now; by default everybody may.

    Raises:
        pydantic.ValidationError: the environment holds a wrong value.
    """
    settings = settings or Settings()
    callers = callers or Callers()
    cancellations = Cancellations()
    tools = tools_in_force(settings)
    definitions = [tool.definition(settings) for tool in tools.values()]
    listing = ListToolsResult(tools=definitions, ttl_ms=LISTS_TTL, cache_scope="public")

    @asynccontextmanager
    async def lifespan(server: Server[Completions]) -> AsyncIterator[Completions]:
        if completions is not None:
            yield completions
            return
        async with open_upstream(settings) as own:
            yield own

    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return listing

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool {params.name!r}; this server has {', '.join(tools)}.")
        wants_progress = (context.meta or {}).get("progress_token") is not None
        report = context.session.report_progress if wants_progress else None
        hangs_up = context.request is not None
        with cancellations.request(context) as waits_for:
            try:
                asker = Asker(report, hangs_up, waits_for, callers.of(context))
                if tool is chat and admission is not None:
                    await admission.admit(asker.caller, context.lifespan_context)
                return await tool.call(context.lifespan_context, settings, params.arguments or {}, asker)
            except GrokError as error:
                return error_result(error)
            except Exception as error:  # noqa: BLE001 - the top of a tool: a defect is told to the client, not hidden
                return error_result(InternalError.of(error))

    async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[models.RESOURCE, usage.RESOURCE], ttl_ms=LISTS_TTL, cache_scope="public")

    async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(
            resource_templates=[completion.TEMPLATE], ttl_ms=LISTS_TTL, cache_scope="public"
        )

    async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        try:
            uri = str(params.uri)
            read = {models.URI: models.read, usage.URI: usage.read}.get(uri, completion.read)
            return await read(context.lifespan_context, settings, uri, callers.of(context))
        except GrokError as error:
            raise MCPError(INVALID_PARAMS, error.message, {"uri": str(params.uri)}) from None

    async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        listed = [template.prompt() for template in TEMPLATES.values()]
        return ListPromptsResult(prompts=listed, ttl_ms=LISTS_TTL, cache_scope="public")

    async def fill_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult:
        try:
            return get_prompt(params.name, params.arguments or {})
        except GrokError as error:
            raise MCPError(INVALID_PARAMS, error.message) from None

    server = Server(
        "mcp-grok",
        version=__version__,
        title="Grok",
        instructions=f"{chat.NAME} asks a Grok model. That can take minutes: a pending result says how to go on.",
        lifespan=lifespan,
        # No argument of these tools travels in a header as well; the SDK would search the schema for one at each call.
        get_tool_input_schema=lambda name: None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=fill_prompt,
    )
    server.add_notification_handler("notifications/cancelled", CancelledNotificationParams, cancellations.cancelled)
    return server


def tools_in_force(settings: Settings) -> dict[str, ToolModule]:
    """The tools that these settings call for, by name."""
    tools: list[ToolModule] = [chat]
    if settings.handoff_after or settings.max_result_bytes:
        tools += [get_completion, cancel_completion]
    return {tool.NAME: tool for tool in tools}


@asynccontextmanager
async def upstream_settings(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with an address: that of a sandbox of its own where they name the sandbox and no address."""
    if settings.active_provider.name != "sandbox" or settings.base_url:
        yield settings
        return
    from mcp_grok.sandbox.serve import running_sandbox

    async with running_sandbox() as base_url:
        yield settings.model_copy(update={"base_url": base_url})


@asynccontextmanager
async def open_upstream(
    settings: Settings, *, on_answer: OnAnswer | None = None, runs_calls: bool = True
) -> AsyncIterator[Completions]:
    """A place for calls to run in.

    Args:
        settings: Where they go, and where their answers are kept.
        on_answer: Called with the caller's name and the tokens of each answer.
        runs_calls: Whether this process runs them, where other processes could.
    """
    async with (
        upstream_settings(settings) as located,
        open_completions(located, on_answer=on_answer, runs_calls=runs_calls) as completions,
    ):
        yield completions
