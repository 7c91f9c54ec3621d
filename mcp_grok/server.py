"""The MCP server: start reading here.

A call goes one way: transport → tool → request → client → stream → assemble → result.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)

from mcp_grok import __version__
from mcp_grok.completions import Completions, open_completions
from mcp_grok.errors import GrokError, InternalError
from mcp_grok.settings import Settings
from mcp_grok.tools import chat
from mcp_grok.tools.result import error_result

TOOLS_TTL = 300_000
"""Milliseconds for which a client may keep the list of tools."""

Context = ServerRequestContext[Completions, Any]


def create_server(settings: Settings | None = None, completions: Completions | None = None) -> Server[Completions]:
    """The MCP server, for any transport of the SDK.

    Args:
        settings: The configuration; read from the environment by default.
        completions: Where calls run, shared by all connections of a process. By default each connection opens,
            and closes, its own.

    Raises:
        pydantic.ValidationError: the environment holds a wrong value.
    """
    settings = settings or Settings()
    tool = chat.definition(settings)
    listing = ListToolsResult(tools=[tool], ttl_ms=TOOLS_TTL, cache_scope="public")

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
        if params.name != tool.name:
            raise MCPError(INVALID_PARAMS, f"Unknown tool {params.name!r}; this server has {tool.name}.")
        wants_progress = (context.meta or {}).get("progress_token") is not None
        report = context.session.report_progress if wants_progress else None
        try:
            return await chat.call(context.lifespan_context, settings, params.arguments or {}, report)
        except GrokError as error:
            return error_result(error)
        except Exception as error:  # noqa: BLE001 - the top of a tool: a defect is told to the client, not hidden
            return error_result(InternalError.of(error))

    return Server(
        "mcp-grok",
        version=__version__,
        title="Grok",
        instructions=f"{chat.NAME} asks a Grok model. A reasoning model can take minutes.",
        website_url=None,
        lifespan=lifespan,
        get_tool_input_schema=lambda name: tool.input_schema if name == tool.name else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


@asynccontextmanager
async def open_upstream(settings: Settings) -> AsyncIterator[Completions]:
    """A place for calls to run in, with a sandbox of its own where the settings name the sandbox and no address."""
    if settings.active_provider.name != "sandbox" or settings.base_url:
        async with open_completions(settings) as completions:
            yield completions
        return
    from mcp_grok.sandbox.serve import running_sandbox

    async with (
        running_sandbox() as base_url,
        open_completions(settings.model_copy(update={"base_url": base_url})) as completions,
    ):
        yield completions
