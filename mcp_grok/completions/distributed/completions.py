"""`Completions` over many processes: each method does in Redis what the base does in memory."""

import time
from contextlib import suppress
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel

from mcp_grok.completions.call import Call, bearer_of_lost
from mcp_grok.completions.caller import ANYONE, Caller
from mcp_grok.completions.distributed.call import SharedCall
from mcp_grok.completions.distributed.queue import Queue
from mcp_grok.completions.distributed.runner import Runner
from mcp_grok.completions.distributed.sealed import Seal
from mcp_grok.completions.distributed.state import SharedState, StoreGoneError, unreachable
from mcp_grok.completions.distributed.waited_for import WaitedFor
from mcp_grok.completions.memory import MemoryStore
from mcp_grok.completions.running import NOTICE, ROUNDS, SECOND_TRY, Completions, no_such_call
from mcp_grok.errors import Cancelled, GrokError, Unavailable
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.request import ChatRequest

BREATH = 0.05
"""Seconds in which Redis knows for left what a client has left by saying so."""


class SharedCompletions(Completions):
    """The calls of many processes; `open_distributed` makes one for each.

    Args:
        settings: The time limit of a call, and what becomes of one whose client went away.
        client: Knows which calls ask the same.
        state: All calls.
        queue: Those to be run.
        runner: Those that this process runs.
        waited_for: Those that this process waits for.
        tasks: For what is to be done in the background.
    """

    def __init__(
        self,
        settings: Settings,
        client: ChatClient,
        state: SharedState,
        queue: Queue,
        runner: Runner,
        waited_for: WaitedFor,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        super().__init__(client, tasks, MemoryStore(), finish_abandoned=settings.on_disconnect == "finish")
        self._limit = settings.timeout
        self._seal = Seal(settings)
        self._state = state
        self._queue = queue
        self._runner = runner
        self._waited_for = waited_for
        self._abandoning = anyio.Lock()

    async def start(self, request: ChatRequest, caller: Caller = ANYONE, *, hangs_up: bool = False) -> Call:
        """See `Completions.start`. Earlier calls count, whichever process was asked.

        Raises:
            Unavailable: the server is stopping.
            GrokError: Redis cannot be reached; nothing was sent.
        """
        if self._closing:
            raise Unavailable
        question = self._question(request, caller)
        if any(call.question == question for call in self._waited_for):
            for _ in range(ROUNDS):
                await anyio.lowlevel.checkpoint()
        try:
            lost: list[dict[str, Any]] = []
            async with self._abandoning:
                # What is abandoned here must be known for it.
                await self._waited_for.leave()
            left = await self._picked_up(question, lost)
            if left is None and await self._has_twin(question):
                await anyio.sleep(NOTICE if hangs_up else BREATH)
                for _ in range(ROUNDS):
                    await anyio.lowlevel.checkpoint()
                left = await self._picked_up(question, lost)
            if left is not None:
                left.notes.update({"lost": lost} if lost else {})
                return left
            call = SharedCall(request.model, question, caller.name, self.stop_soon)
            call.notes.update({"lost": lost} if lost else {})
            await self._queue_up(call, request, self._seal.close(caller.secret) if caller.secret else "")
        except StoreGoneError:
            raise unreachable("Nothing was sent; send the call again in a moment.") from None
        return call

    async def keep(self, call: Call) -> None:
        """See `Completions.keep`.

        Raises:
            GrokError: Redis cannot be reached, so that the call may not be found.
        """
        if call.kept:
            return
        call.kept = True
        if call.outcome is not None:
            await self._save(call)
            return
        try:
            await self._state.keep(call.id)
        except StoreGoneError:
            raise unreachable("The call goes on; asking the same again gets its answer.", "unknown") from None

    async def abandon(self, call: Call) -> None:
        """See `Completions.abandon`."""
        # Once is enough: somebody may have taken it over since.
        if call.waiting or call.is_stopped or call.abandoned:
            return
        if not self._finish_abandoned:
            call.cancel()
            return
        call.abandoned = True
        self._waited_for.drop(call.id)
        if call.outcome is not None:
            await self._save(call)
            return
        async with self._abandoning:
            try:
                await self._state.leave(call.id, abandon=True)
            except StoreGoneError:
                self._waited_for.leave_later(call.id)

    async def cancel(self, call: Call) -> None:
        """See `Completions.cancel`.

        Raises:
            GrokError: Redis cannot be reached, so that the call may go on.
        """
        if call.outcome is not None:
            if "lost" in call.notes:
                await self._save(bearer_of_lost(call))
            return
        known = self._waited_for.get(call.id)
        if known not in (None, call):
            # Another request has taken it over, and wants it.
            return
        call.is_stopped = True
        outcome = Cancelled("The call was stopped while it waited in line; nothing was sent.", billed="no")
        try:
            await self._state.stop(call.id, outcome, abandoned="lost" in call.notes)
        except StoreGoneError:
            self._runner.stop(call.id)
            raise unreachable("The call may go on.", "unknown") from None

    async def find(self, call_id: str, caller: Caller = ANYONE) -> Call:
        """See `Completions.find`. The call may have been made, and may run, in any process.

        Raises:
            NotFound: there is none of this caller, or no longer.
            GrokError: Redis cannot be reached.
        """
        known = self._waited_for.get(call_id)
        try:
            call = known or await self._read(call_id, caller.name)
            if call is None or call.caller != caller.name:
                raise no_such_call(call_id)
            if call.abandoned and not isinstance(call.outcome, GrokError):
                call.abandoned = False
                await self._state.reclaim(call.id)
        except StoreGoneError:
            raise unreachable("Ask for this id again in a moment.") from None
        return call

    async def spending(self, caller: Caller = ANYONE) -> dict[str, Any]:
        """See `Completions.spending`; over all processes.

        Raises:
            GrokError: Redis cannot be reached.
        """
        try:
            return await self._state.spending(caller.name)
        except StoreGoneError:
            raise unreachable("Ask again in a moment.") from None

    async def under_way(self, caller: Caller) -> int:
        """See `Completions.under_way`; over all processes.

        Raises:
            GrokError: Redis cannot be reached.
        """
        try:
            return await self._state.under_way(caller.name)
        except StoreGoneError:
            raise unreachable("Nothing was sent; send the call again in a moment.") from None

    async def is_ready(self) -> bool:
        """Whether calls can be made now: Redis answers."""
        try:
            await self._state.ping()
        except StoreGoneError:
            return False
        return not self._closing

    async def drain(self, seconds: float) -> None:
        """See `Completions.drain`. What others run, and what waits in line, goes on without this process."""
        self._closing = True
        self._queue.retire()
        with anyio.move_on_after(seconds):
            await self._runner.ended()
            await self._waited_for.emptied()
        self.stop_all()

    def stop_all(self) -> None:
        """Stops every call that runs here; who waits for one that runs elsewhere is told so."""
        self._closing = True
        self._runner.stop_all()
        for call in self._waited_for:
            if call.id not in self._runner.running:
                self._waited_for.let_go(call, "This server is stopping.")

    def stop_soon(self, call: SharedCall) -> None:
        """Has a call stopped wherever it runs."""
        self._tasks.start_soon(self._cancel_quietly, call)

    async def left(self) -> None:
        """Waits until nothing runs here any more, and leaves what was waited for to others."""
        await self._runner.ended()
        for call in self._waited_for:
            self._waited_for.leave_later(call.id)
        try:
            await self._waited_for.leave()
        except StoreGoneError:
            # Once this process is dead, nobody takes it for waiting.
            return

    async def _save(self, call: Call) -> None:
        self._waited_for.save_later(call)
        with suppress(StoreGoneError):
            await self._waited_for.leave()

    async def _queue_up(self, call: SharedCall, request: ChatRequest, sealed_key: str) -> None:
        """Has a call run by some process.

        Raises:
            StoreGoneError: Redis cannot be reached, and nothing is sent.
            GrokError: whether the call is sent is not known.
        """
        self._waited_for.add(call)
        # Whoever asks may go away meanwhile; half of this would be a call that nobody knows of.
        with anyio.CancelScope(shield=True):
            try:
                await self._state.queue(call, request, sealed_key, self._limit)
            except StoreGoneError:
                self._waited_for.leave_later(call.id)
                raise
            try:
                await self._queue.add(call.id)
            except StoreGoneError:
                await self._withdraw(call)
                raise

    async def _withdraw(self, call: SharedCall) -> None:
        self._waited_for.drop(call.id)
        try:
            await self._state.forget(call.id)
        except StoreGoneError:
            self._waited_for.leave_later(call.id)
            raise unreachable(
                "Whether the call was sent is not known; asking the same again gets its answer if it was.", "unknown"
            ) from None

    async def _has_twin(self, question: str) -> bool:
        """Whether another call that asks this is waited for, and may be about to be abandoned."""
        began_at = await self._state.twin(question)
        return began_at is not None and time.time() - began_at > SECOND_TRY

    async def _left_behind(self, question: str) -> Call | None:
        # Whoever asks may go away meanwhile; what was taken for them is still to be left to others then.
        with anyio.CancelScope(shield=True):
            call_id = await self._state.take(question)
            call = (self._waited_for.get(call_id) or await self._read(call_id)) if call_id else None
            if call is not None and call.outcome is None:
                call.abandoned = False
                # Its server may have died before the queue had it.
                await self._queue.add(call_id)
        return call

    async def _read(self, call_id: str, caller: str | None = None) -> SharedCall | None:
        """The call of an id, of that caller where one is given; it is waited for from now on unless it has ended."""
        snapshot = await self._state.read(call_id)
        if snapshot is None or caller not in (None, snapshot.known["caller"]):
            return None
        if "outcome" not in snapshot.known:
            snapshot = await self._state.read(call_id, wait=True) or snapshot
        call = SharedCall.of(call_id, snapshot, self.stop_soon)
        return self._waited_for.add(call) if call.outcome is None else call

    async def _cancel_quietly(self, call: SharedCall) -> None:
        with suppress(GrokError):
            await self.cancel(call)
