"""Sending the calls of the queue: each once, whatever becomes of this process or of Redis."""

import logging
from functools import partial

import anyio
import anyio.abc

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.distributed.sealed import Seal
from mcp_grok.completions.distributed.state import Begun, SharedState, StoreGoneError
from mcp_grok.completions.distributed.telling import Telling
from mcp_grok.errors import CallTimeout, Cancelled, GrokError, Lost
from mcp_grok.settings import Settings, variable
from mcp_grok.upstream.client import ChatClient

logger = logging.getLogger(__name__)

IN_LINE = 1.0
"""Seconds in the queue that need not count for a call's time limit."""

REWRITE = 0.5
"""Seconds between attempts to write an outcome that Redis would not take."""

LAST_WORD = 60.0
LAST_WORD_AT_EXIT = 2.0
"""Seconds for which that is tried at least, and when the process is to end."""


class Runner:
    """Sends calls and tells all that wait for them, in whatever process, how they go.

    Args:
        settings: The time limit of a call.
        client: Sends them.
        state: Where they come from, and where their outcomes go.
        tasks: Runs them.
        patience: Seconds that a call goes on when nobody wants it any more.
    """

    def __init__(
        self,
        settings: Settings,
        client: ChatClient,
        state: SharedState,
        tasks: anyio.abc.TaskGroup,
        patience: float,
    ) -> None:
        self._limit = settings.timeout
        self._client = client
        self._state = state
        self._tasks = tasks
        self._patience = patience
        self._seal = Seal(settings)
        self._unwanted: set[str] = set()
        self._is_ending = False
        self._idle = anyio.Event()
        self.running: dict[str, Call] = {}

    async def run(self, call_id: str) -> None:
        """Sends the call of an id, unless it was ever begun before, by whomever; returns when it has ended."""
        begun = await self._state.begin(call_id)
        if begun is None:
            return
        ended = anyio.Event()
        # Not in the task that called, which the queue may cancel for reasons of its own.
        self._tasks.start_soon(self._run, begun, ended)
        await ended.wait()

    def stop(self, call_id: str) -> None:
        """Stops a call because its caller wants it."""
        if call_id in self.running:
            self.running[call_id].cancel()

    def stop_all(self) -> None:
        """Stops every call that runs here, since the process ends."""
        self._is_ending = True
        for call in self.running.values():
            call.cancel(Lost())

    async def ended(self) -> None:
        """Waits until no call runs here."""
        while self.running:
            await self._idle.wait()

    async def look_after(self) -> None:
        """Sees which calls nobody wants any more, and which were to be stopped while Redis was away."""
        running = list(self.running.values())
        wanted = await self._state.attended([call.id for call in running]) if running else []
        for call, answer in zip(running, wanted, strict=True):
            if answer == "stop":
                call.cancel()
            elif answer == "yes" and call.id in self._unwanted:
                self._unwanted.discard(call.id)
                call.give_up_in(float("inf"))
            elif answer == "no" and call.id not in self._unwanted:
                self._unwanted.add(call.id)
                call.give_up_in(self._patience)

    async def _run(self, begun: Begun, ended: anyio.Event) -> None:
        call = begun.call
        self.running[call.id] = call
        if self._is_ending:
            call.cancel(Lost())
        telling = Telling(call, self._state)
        outcome: Outcome = Lost()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(telling.run)
                outcome = await self._outcome(begun, telling)
                telling.close()
        finally:
            with anyio.CancelScope(shield=True):
                await self._finish(call, call.reached if isinstance(outcome, Lost) and call.reached else outcome)
            del self.running[call.id]
            self._unwanted.discard(call.id)
            ended.set()
            if not self.running:
                self._idle.set()
                self._idle = anyio.Event()

    async def _outcome(self, begun: Begun, telling: Telling) -> Outcome:
        left = self._limit - begun.waited
        if left <= 0:
            return self._waited_too_long()
        try:
            key = self._seal.open(begun.sealed_key) if begun.sealed_key else None
        except GrokError as error:
            return error
        call = begun.call
        call.follow(telling.text_came, telling.thought_came)
        call.on_sent = telling.was_sent
        if begun.waited < IN_LINE:
            await call.run(self._client, begun.request, key)
        else:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._stop_in, call, left)
                await call.run(self._client, begun.request, key)
                tasks.cancel_scope.cancel()
            if isinstance(call.reached, Cancelled) and not call.sent and call.elapsed >= self._limit:
                return self._waited_too_long()
        return call.reached or Lost()

    async def _stop_in(self, call: Call, seconds: float) -> None:
        await anyio.sleep(seconds)
        limit = f"{self._limit:g} s ({variable('timeout')})"
        call.cancel(CallTimeout(f"The call took longer than {limit}, its wait in line included; it may be billed."))

    def _waited_too_long(self) -> CallTimeout:
        return waited_too_long(self._limit)

    async def _finish(self, call: Call, outcome: Outcome) -> None:
        """Writes the outcome, for as long as somebody may wait for it if Redis is away."""
        deadline = anyio.current_time() + max(LAST_WORD, self._limit - call.elapsed)
        write = partial(self._state.finish, call, outcome)
        while True:
            try:
                return await write()
            except StoreGoneError as error:
                ending = anyio.current_time() + LAST_WORD_AT_EXIT if self._is_ending else deadline
                deadline = min(deadline, ending)
                if anyio.current_time() + REWRITE >= deadline:
                    logger.error("an outcome is lost, since the store that servers share is away: %s", error)
                    return None
            await anyio.sleep(REWRITE)


def waited_too_long(limit: float) -> CallTimeout:
    """The outcome of a call that nobody has sent within its time limit."""
    return CallTimeout(
        f"The call was still waiting to be sent when its limit of {limit:g} s ({variable('timeout')}) passed.",
        billed="no",
    )
