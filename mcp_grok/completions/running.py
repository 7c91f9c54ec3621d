"""The calls of this process: started, kept, found again, and cancelled when the process ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from mcp_grok.completions.call import Call
from mcp_grok.completions.kept import Kept
from mcp_grok.errors import NotFound
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.request import ChatRequest

CLOSE_TIMEOUT = 2.0
"""Seconds that closing the pooled connections may take."""


class Completions:
    """The calls of one process; `open_completions` makes one.

    Args:
        client: Sends the calls.
        tasks: Runs them.
    """

    def __init__(self, client: ChatClient, tasks: anyio.abc.TaskGroup) -> None:
        self._client = client
        self._tasks = tasks
        self._running: set[Call] = set()
        self._kept = Kept()

    def start(self, request: ChatRequest) -> Call:
        """Starts a call and returns at once."""
        call = Call(request)
        self._running.add(call)
        self._tasks.start_soon(self._run, call)
        return call

    def keep(self, call: Call) -> None:
        """Lets a call be found by its id, while it runs and for a time after it has ended."""
        self._kept.add(call)

    def find(self, call_id: str) -> Call:
        """The kept call of that id.

        Raises:
            NotFound: there is none, or no longer.
        """
        call = self._kept.get(call_id)
        if call is None:
            raise NotFound(
                f"No completion is kept under the id {call_id[:80]!r}: this server did not give it out, it is too old, "
                "or the server was started again since. Ask again if the answer is still wanted.",
                param="id",
            )
        return call

    def cancel_all(self) -> None:
        """Cancels every call that runs."""
        for call in self._running:
            call.cancel()

    async def _run(self, call: Call) -> None:
        try:
            await call.run(self._client)
        finally:
            self._running.discard(call)
            self._kept.trim()


@asynccontextmanager
async def open_completions(settings: Settings) -> AsyncIterator[Completions]:
    """A place for calls to run in. Leaving it cancels those that still run and closes the connections."""
    client = ChatClient(settings)
    try:
        async with anyio.create_task_group() as tasks:
            try:
                yield Completions(client, tasks)
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await client.aclose()
