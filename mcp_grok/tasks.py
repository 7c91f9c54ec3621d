"""Tasks: calls that the client carries itself, without a time limit of its own.

A client that declares the extension on a request gets a task instead of a result if the call takes longer, and polls
it. A task's id is the id of its call. https://github.com/modelcontextprotocol/ext-tasks
"""

from functools import partial
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from mcp_grok.calls import Call, Calls
from mcp_grok.connection import current_connection
from mcp_grok.errors import Cancelled, NotFound
from mcp_grok.offload import offload
from mcp_grok.request_principal import PrincipalReader
from mcp_grok.settings import Settings
from mcp_grok.tools.result import outcome_result
from mcp_grok.tools.task import task_fields

EXTENSION = "io.modelcontextprotocol/tasks"

DECLARED = ClientCapabilities(extensions={EXTENSION: {}})

Context = ServerRequestContext[Calls, Any]


class TaskParams(RequestParams):
    """The parameters of every request about a task."""

    task_id: str = Field(alias="taskId")


class Tasks:
    """The handlers of requests about tasks.

    Args:
        settings: The limits of a result.
        principals: Finds the principal of a request.
    """

    def __init__(self, settings: Settings, principals: PrincipalReader) -> None:
        self._settings = settings
        self._principals = principals

    def register(self, server: Server[Calls]) -> None:
        """Declares the extension and adds its requests."""
        server.extensions[EXTENSION] = {}
        for method, handler in (("get", self.get), ("cancel", self.cancel), ("update", self.update)):
            server.add_request_handler(f"tasks/{method}", TaskParams, handler)

    async def get(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """The task, with its result if the call has ended."""
        call = await self._find(context, params)
        await context.lifespan_context.poll(call)
        return {"resultType": "complete", **task_fields(call), **await self._result(call)}

    async def cancel(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Stops the call, if it still runs."""
        call = await self._find(context, params)
        await context.lifespan_context.cancel(call)
        return {"resultType": "complete"}

    async def update(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """Refuses input, which no task of this server asks for."""
        await self._find(context, params)
        raise MCPError(INVALID_PARAMS, "This task needs no input; poll it with tasks/get.")

    async def _find(self, context: Context, params: TaskParams) -> Call:
        if not takes_tasks(context):
            missing: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY, f"Declare the extension {EXTENSION} on each request.", missing
            )
        _check_header(context, params.task_id)
        try:
            return await context.lifespan_context.find(params.task_id, self._principals.read(context))
        except NotFound:
            raise MCPError(INVALID_PARAMS, "Unknown task: it does not exist, or it has expired.") from None

    async def _result(self, call: Call) -> dict[str, Any]:
        if call.outcome is None or isinstance(call.outcome, Cancelled):
            return {}
        write = partial(outcome_result, call.id, call.outcome, self._settings)
        result, _ = await offload(write, call.size)
        return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


def takes_tasks(context: Context) -> bool:
    """Whether the client declared the extension on this request; the protocol before 2026-07-28 has no such result."""
    is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return is_modern and context.session.check_client_capability(DECLARED)


def _check_header(context: Context, task_id: str) -> None:
    """Refuses a request over streamable HTTP whose header does not name its task.

    The SDK checks this header for the methods that it knows. https://modelcontextprotocol.io/seps/2663-tasks-extension
    """
    if context.request is None or current_connection() is not None:
        return
    if decode_header_value(context.request.headers.get(MCP_NAME_HEADER)) != task_id:
        raise MCPError(HEADER_MISMATCH, "Send the header Mcp-Name with the taskId of the request.")
