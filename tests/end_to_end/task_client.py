"""A client of the SDK that takes tasks: it declares the extension on each request, and polls a task as told.

The SDK itself has no tasks, but an extension of its client may claim the results of a tool with a `resultType`:
https://github.com/modelcontextprotocol/python-sdk/blob/main/src/mcp/client/extension.py
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

import httpx2
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, EmptyResult, Request, RequestParams, Result

from tests.chat import CHAT, HELLO
from tests.process import MCP_GROK, environment, serving
from tests.replay import Replay


class Task(Result):
    """What every answer about a task says."""

    task_id: str
    status: Literal["working", "input_required", "completed", "failed", "cancelled"]
    status_message: str
    created_at: datetime
    last_updated_at: datetime
    ttl_ms: int
    poll_interval_ms: int


class NewTask(Task):
    """A task instead of the result of a tool."""

    result_type: Literal["task"]


class PolledTask(Task):
    """A task as `tasks/get` gives it, with the result of the tool once it is completed."""

    result_type: Literal["complete"]
    result: CallToolResult | None = None


class TaskParams(RequestParams):
    """The parameters of every request about a task."""

    task_id: str


class TaskRequest(Request[TaskParams, str]):
    """A request about a task, whose id is in the header `Mcp-Name`, too."""

    name_param = "taskId"


class TakesTasks(ClientExtension):
    """The extension. With it, `Client.call_tool` polls a task and gives its result.

    Attributes:
        polled: What each poll gave.
    """

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self) -> None:
        self.polled: asyncio.Queue[PolledTask] = asyncio.Queue()

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=NewTask, resolve=self._result)]

    async def _result(self, task: NewTask, context: ClaimContext) -> CallToolResult:
        async for polled in polls(context.session, task):
            self.polled.put_nowait(polled)
        return result_of(polled)


def result_of(task: PolledTask) -> CallToolResult:
    """The result of a completed task."""
    assert task.status == "completed", task
    assert task.result is not None, task
    return task.result


async def new_task(client: Client, **arguments: Any) -> NewTask:
    """The task that a call becomes."""
    task = await client.session.call_tool(CHAT, {**HELLO, **arguments}, allow_claimed=True)
    assert isinstance(task, NewTask), task
    return task


async def polls(session: ClientSession, task: Task) -> AsyncIterator[PolledTask]:
    """Polls a task as often as it says, until it has ended."""
    async with asyncio.timeout(20):
        while task.status == "working":
            await asyncio.sleep(task.poll_interval_ms / 1000)
            task = polled = await poll(session, task.task_id)
            yield polled


async def poll(session: ClientSession, task_id: str) -> PolledTask:
    """Sends `tasks/get`."""
    return await session.send_request(_request("tasks/get", task_id), PolledTask)


async def send(session: ClientSession, method: str, task_id: str) -> None:
    """Sends `tasks/cancel` or `tasks/update`."""
    await session.send_request(_request(method, task_id), EmptyResult)


def _request(method: str, task_id: str) -> TaskRequest:
    return TaskRequest(method=method, params=TaskParams(task_id=task_id))


@asynccontextmanager
async def client_over(
    way: str, upstream: Replay, *extensions: ClientExtension, mode: str = "auto", **settings: str
) -> AsyncIterator[Client]:
    """A client with some extensions, on a server process of its own over `stdio`, `http` or `sse`."""
    if way == "stdio":
        command, *arguments = MCP_GROK
        server = StdioServerParameters(command=command, args=arguments, env=environment(upstream, **settings))
        async with Client(stdio_client(server), extensions=extensions, mode=mode) as client:
            yield client
        return
    async with (
        serving(upstream, way, **settings) as (url, _),
        Client(sse_client(url) if way == "sse" else url, extensions=extensions, mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def client_of(url: str, *extensions: ClientExtension, **headers: str) -> AsyncIterator[Client]:
    """A client with some extensions, of a server that serves over HTTP."""
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, extensions=extensions) as client:
            yield client
