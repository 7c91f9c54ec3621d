"""Calls as tasks of this process: started, waited for, cancelled and followed, each on its own."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from mcp_grok.errors import Cancelled, GrokError, InternalError
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.stream import OnText

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 2.0
"""Seconds that closing the pooled connections may take."""


Outcome = Completion | GrokError
"""How a call ended. An error is a value here: several may wait for one call, and none of them made it."""


class Call:
    """A call under way. Whoever waits for it may stop waiting; only `cancel` stops the call."""

    def __init__(self, request: ChatRequest) -> None:
        self.request = request
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._outcome: Outcome = Cancelled("The call was cancelled; it may be billed.")
        self._followers: list[OnText] = []

    async def wait(self) -> Outcome:
        """Waits for the answer, or for the error. Cancelling this wait leaves the call running."""
        await self._ended.wait()
        return self._outcome

    def cancel(self) -> None:
        """Stops the call and closes its connection to the upstream; its outcome is `Cancelled`."""
        self._scope.cancel()

    def follow(self, on_text: OnText) -> None:
        """Has a function called with each further piece of the text; it must not block."""
        self._followers.append(on_text)

    def _text_came(self, text: str) -> None:
        for follower in self._followers:
            follower(text)

    async def _run(self, client: ChatClient) -> None:
        began = time.perf_counter()
        try:
            with self._scope:
                self._outcome = await client.complete(self.request, self._text_came)
        except GrokError as error:
            self._outcome = error
        except Exception as error:  # noqa: BLE001 - the top of a call: whatever it is, its waiter must hear of it
            self._outcome = InternalError.of(error)
        finally:
            self._ended.set()
            self._log(time.perf_counter() - began)

    def _log(self, seconds: float) -> None:
        failed = isinstance(self._outcome, GrokError)
        outcome = self._outcome.as_dict()["code"] if isinstance(self._outcome, GrokError) else "answered"
        level = logging.WARNING if failed and outcome != "cancelled" else logging.INFO
        logger.log(level, "call model=%r outcome=%s seconds=%.3f", self.request.model, outcome, seconds)


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

    def start(self, request: ChatRequest) -> Call:
        """Starts a call and returns at once."""
        call = Call(request)
        self._running.add(call)
        self._tasks.start_soon(self._run, call)
        return call

    def cancel_all(self) -> None:
        """Cancels every call that runs."""
        for call in self._running:
            call.cancel()

    async def _run(self, call: Call) -> None:
        try:
            await call._run(self._client)
        finally:
            self._running.discard(call)


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
