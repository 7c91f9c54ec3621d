"""The MCP server: start reading here.

A call goes one way: transport → tool → request → client → stream → assemble → result.
"""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any, cast

import anyio
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
)

from mcp_grok import __version__, resources
from mcp_grok.calls import Calls, Interrupted, Reason, Request
from mcp_grok.connection import CANCELLED, ConnectionServer, current_connection, reason_of
from mcp_grok.errors import GrokError, InternalError
from mcp_grok.http_exchange import HandshakeRequests, exchange_of
from mcp_grok.instructions import instructions
from mcp_grok.open_upstream import open_upstream
from mcp_grok.prompts import TEMPLATES, get_prompt
from mcp_grok.request_body import body_of
from mcp_grok.request_params import read_params
from mcp_grok.request_principal import PrincipalReader
from mcp_grok.settings import Settings
from mcp_grok.tasks import Tasks, takes_tasks
from mcp_grok.tools.context import RequestContext
from mcp_grok.tools.result import error_result
from mcp_grok.tools.task import TaskObject
from mcp_grok.tools.tool import ToolModule
from mcp_grok.toolsets import CHAT, TOOLS

LISTS_TTL = 300_000
"""Milliseconds for which a client may cache the lists of tools, resources and prompts."""

Context = ServerRequestContext[Calls, Any]


def create_server(
    settings: Settings | None = None,
    calls: Calls | None = None,
    principals: PrincipalReader | None = None,
) -> Server[Calls]:
    """The MCP server, for any transport of the SDK.

    Args:
        settings: The configuration; read from the environment by default.
        calls: The calls of the process, shared by all connections. By default each connection opens, and closes,
            its own.
        principals: Finds the principal of a request; by default only from its authentication.

    Raises:
        pydantic.ValidationError: an environment variable has a wrong value.
    """
    settings = settings or Settings()
    principals = principals or PrincipalReader()
    tools = tools_in_force(settings)
    handlers = _Handlers(settings, tools, principals)

    @asynccontextmanager
    async def lifespan(server: Server[Calls]) -> AsyncIterator[Calls]:
        if calls is not None:
            yield calls
            return
        async with open_upstream(settings) as own:
            yield own

    server = ConnectionServer(
        "mcp-grok",
        version=__version__,
        title="Grok",
        instructions=instructions(settings, tools),
        lifespan=lifespan,
        # No argument of these tools is repeated in a header; the SDK would search the schema for one at each call.
        get_tool_input_schema=lambda name: None,
        on_list_tools=handlers.list_tools,
        # A task is a result of an extension, which the SDK passes on as it is.
        on_call_tool=handlers.call_tool,  # type: ignore[arg-type]
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        # Every prompt asks for a chat.
        on_list_prompts=handlers.list_prompts if CHAT in tools else None,
        on_get_prompt=handlers.get_prompt if CHAT in tools else None,
    )
    server.middleware.append(read_params)
    Tasks(settings, principals).register(server)
    server.add_notification_handler(CANCELLED, CancelledNotificationParams, handlers.cancelled)
    if calls is not None:
        calls.on_interrupted = handlers.handshake_requests.cancelled
    return server


class _Handlers:
    """The handlers of the server's requests and notifications; see `create_server` for the arguments."""

    def __init__(self, settings: Settings, tools: dict[str, ToolModule], principals: PrincipalReader) -> None:
        self._settings = settings
        self._principals = principals
        self.handshake_requests = HandshakeRequests()
        self._tools = tools
        definitions = [tool.definition(settings) for tool in self._tools.values()]
        self._listing = ListToolsResult(tools=definitions, ttl_ms=LISTS_TTL, cache_scope="public")

    async def list_tools(self, context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return self._listing

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult | TaskObject:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool {params.name!r}; this server has {', '.join(self._tools)}.")
        wants_progress = (context.meta or {}).get("progress_token") is not None
        report = context.session.report_progress if wants_progress else None
        try:
            async with self._handled(context) as request:
                takes_task = self._settings.task_after > 0 and takes_tasks(context)
                own = RequestContext(context.lifespan_context, self._settings, request, report, takes_task)
                return await tool.call(own, _arguments(context, params))
        except GrokError as error:
            return error_result(error)
        except Exception as error:  # noqa: BLE001 - the top of a tool: the client learns of a defect
            return error_result(InternalError.of(error))

    async def cancelled(self, context: Context, params: CancelledNotificationParams) -> None:
        """Handles a cancellation over streamable HTTP; a `Connection` has already handled its own."""
        exchange = None if context.request is None else exchange_of(context.request.scope)
        if current_connection() is not None or exchange is None:
            return
        # The HTTP exchange of a notification ends immediately, and the SDK then cancels its handler.
        with anyio.CancelScope(shield=True), suppress(GrokError):
            event = Interrupted(
                self._principals.read(context).name,
                exchange.session,
                str(params.request_id),
                reason_of(params.reason),
            )
            if not await self.handshake_requests.cancelled(event):
                await context.lifespan_context.interrupted_elsewhere(event)

    async def list_resources(self, context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        listed = [resources.MODELS, resources.USAGE]
        return ListResourcesResult(resources=listed, ttl_ms=LISTS_TTL, cache_scope="public")

    async def list_templates(
        self, context: Context, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        listed = [resources.COMPLETION]
        return ListResourceTemplatesResult(resource_templates=listed, ttl_ms=LISTS_TTL, cache_scope="public")

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        uri = str(params.uri)
        try:
            principal = self._principals.read(context)
            return await resources.read(context.lifespan_context, self._settings, uri, principal)
        except GrokError as error:
            raise MCPError(INVALID_PARAMS, error.message, {"uri": uri}) from None

    async def list_prompts(self, context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        listed = [template.prompt() for template in TEMPLATES.values()]
        return ListPromptsResult(prompts=listed, ttl_ms=LISTS_TTL, cache_scope="public")

    async def get_prompt(self, context: Context, params: GetPromptRequestParams) -> GetPromptResult:
        try:
            return get_prompt(params.name, params.arguments or {})
        except GrokError as error:
            raise MCPError(INVALID_PARAMS, error.message) from None

    @asynccontextmanager
    async def _handled(self, context: Context) -> AsyncIterator[Request]:
        """The request of a tool call, registered with its transport, which reports its cancellation and delivery."""
        calls, connection = context.lifespan_context, current_connection()
        exchange = None if context.request is None else exchange_of(context.request.scope)
        session = exchange.session if exchange and exchange.is_handshake else ""
        body = body_of(context.request)
        request = calls.request(self._principals.read(context), connection, session)
        request.body = body.held if body else None
        if connection is not None:
            await connection.register(context.request_id, request)
        elif exchange is not None:
            exchange.request = request
            if exchange.is_handshake:
                await self.handshake_requests.register(exchange.session, context.request_id, request)
        try:
            # Over SSE the exchange of the body has ended by now.
            with request.body or nullcontext():
                yield request
        except anyio.get_cancelled_exc_class():
            # A transport with a reason has already reported it, so here the transport was closed.
            await request.interrupt(Reason.DISCONNECT)
            raise
        if connection is None and exchange is None:
            await request.delivered()


def _arguments(context: Context, params: CallToolRequestParams) -> dict[str, Any]:
    body = body_of(context.request)
    large = body and body.take_arguments()
    return large or params.arguments or {}


def tools_in_force(settings: Settings) -> dict[str, ToolModule]:
    """The modules of the tools that these settings enable, by the tool's name. No other module is imported."""
    return {
        name: cast("ToolModule", importlib.import_module(f"mcp_grok.tools.{TOOLS[name].module}"))
        for name in settings.tools
    }
