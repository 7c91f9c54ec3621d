"""The calls that this process waits for, wherever they run: what is heard of them, and what is seen where no news
comes."""

from typing import Any

import anyio
import anyio.abc

from mcp_grok.completions.call import Call
from mcp_grok.completions.distributed.call import SharedCall
from mcp_grok.completions.distributed.runner import waited_too_long
from mcp_grok.completions.distributed.state import SharedState, Snapshot, StoreGoneError
from mcp_grok.completions.running import OnAnswer
from mcp_grok.errors import InternalError, Lost, OutOfReach
from mcp_grok.upstream.completion import Completion

LOST_AFTER = 5.0
"""Seconds that the process of a call must be found dead before the call is taken for lost: Redis may have been away,
and others come back to it a moment later."""

OVERDUE = 60.0
"""Seconds past its time limit after which a call is given up whatever is known of it."""

SILENCE = 10.0
"""Seconds without Redis after which whoever waits is told."""


class WaitedFor:
    """The calls that this process waits for.

    Args:
        state: All calls.
        tasks: For what is to be done in the background.
        limit: Seconds that a call may take.
        on_answer: Called with the caller's name and the tokens of each answer, by one of the processes.
    """

    def __init__(
        self, state: SharedState, tasks: anyio.abc.TaskGroup, limit: float, on_answer: OnAnswer | None = None
    ) -> None:
        self._state = state
        self._tasks = tasks
        self._limit = limit
        self._on_answer = on_answer
        self._to_leave: set[str] = set()
        self._to_save: dict[str, Call] = {}
        self._empty = anyio.Event()
        self._calls: dict[str, SharedCall] = {}

    def __iter__(self) -> Any:
        return iter(list(self._calls.values()))

    def add(self, call: SharedCall) -> SharedCall:
        """Waits for a call, or goes on to wait for the same one; gives the one that gets the news."""
        return self._calls.setdefault(call.id, call)

    def get(self, call_id: str) -> SharedCall | None:
        """The call of that id, if it is waited for."""
        return self._calls.get(call_id)

    def drop(self, call_id: str) -> None:
        """Waits for a call no more; Redis is still to be told."""
        self._calls.pop(call_id, None)
        if not self._calls:
            self._empty.set()
            self._empty = anyio.Event()

    def save_later(self, call: Call) -> None:
        """Keeps an ended call once Redis can be reached."""
        self._to_save[call.id] = call

    def leave_later(self, call_id: str) -> None:
        """Drops a call, and tells Redis once it can be reached."""
        self.drop(call_id)
        self._to_leave.add(call_id)

    def let_go(self, call: SharedCall, why: str) -> None:
        """Tells whoever waits here that no more is heard of a call here; the call itself goes on."""
        self.leave_later(call.id)
        call.end(
            OutOfReach(
                f"{why} The call may go on, and may be billed: asking the same again gets its answer if it does.",
                partial=call.text,
            )
        )

    async def emptied(self) -> None:
        """Waits until no call is waited for."""
        while self._calls:
            await self._empty.wait()

    def news(self, news: dict[str, Any]) -> None:
        """Takes what came of a call."""
        call = self._calls.get(news.get("of", ""))
        if call is None:
            return
        try:
            self._tell(call, news)
        except Exception as error:  # noqa: BLE001 - a defect in a follower is told to whoever waits, not to all
            self.leave_later(call.id)
            call.end(InternalError.of(error))

    def _tell(self, call: SharedCall, news: dict[str, Any]) -> None:
        match news["what"]:
            case "sent":
                call.sent = True
            case "thought":
                call.thought_came(news["piece"])
            case "text" if call.text_came(news["number"], news["piece"]):
                pass
            case "text" | "ended":
                self._tasks.start_soon(self._refresh, call)

    async def look_after(self) -> None:
        """Sees what news did not come, and which calls will not end of themselves.

        Raises:
            StoreGoneError: Redis cannot be reached.
        """
        await self.leave()
        for call in self:
            await self._see_to(call)

    def store_is_silent(self, seconds: float) -> None:
        """Tells whoever waits when Redis has been away for too long."""
        if seconds > SILENCE:
            for call in self:
                self.let_go(call, "The store that servers share cannot be reached.")

    async def leave(self) -> None:
        """Tells Redis of the calls that were dropped or kept while it was away.

        Raises:
            StoreGoneError: it cannot be reached.
        """
        while self._to_leave:
            call_id = next(iter(self._to_leave))
            await self._state.leave(call_id, abandon=True)
            self._to_leave.discard(call_id)
        while self._to_save:
            call_id, call = next(iter(self._to_save.items()))
            if call.outcome is not None:
                await self._state.save(call, call.outcome)
            self._to_save.pop(call_id, None)

    async def _refresh(self, call: SharedCall) -> None:
        try:
            snapshot = await self._state.read(call.id, call.pieces_known)
            if snapshot is not None:
                await self._take(call, snapshot)
        except StoreGoneError:
            # The next sign of life looks again.
            return

    async def _see_to(self, call: SharedCall) -> None:
        snapshot = await self._state.read(call.id, call.pieces_known, wait=True)
        if snapshot is not None:
            await self._take(call, snapshot)
        if call.outcome is None:
            await self._end_if_nobody_will(call, snapshot)

    async def _end_if_nobody_will(self, call: SharedCall, snapshot: Snapshot | None) -> None:
        """Ends a call that waits in line for too long, or whose process is dead. What then comes of it is found out as
        for any other, since Redis knows best."""
        if snapshot is not None and snapshot.runner == "none":
            if snapshot.waited > self._limit:
                await self._state.stop(call.id, waited_too_long(self._limit))
            return
        now = anyio.current_time()
        if snapshot is None or snapshot.runner == "alive":
            call.suspect_since = None
        elif call.suspect_since is None:
            call.suspect_since = now
        is_dead = call.suspect_since is not None and now - call.suspect_since >= LOST_AFTER
        if is_dead or call.elapsed > self._limit + OVERDUE:
            lost = Lost()
            lost.add(partial=call.text)
            await self._state.finish(call, lost)

    async def _take(self, call: SharedCall, snapshot: Snapshot) -> None:
        """Takes what a snapshot knows, and hands the outcome on if there is one."""
        if self._calls.get(call.id) is not call:
            return
        call.take_news(snapshot)
        outcome = snapshot.outcome
        if outcome is None:
            return
        self.drop(call.id)
        call.ended_at = float(snapshot.known["ended_at"])
        call.end(outcome)
        if isinstance(outcome, Completion):
            await self._count(call, outcome)
        await self._state.forget(call.id)

    async def _count(self, call: SharedCall, completion: Completion) -> None:
        if self._on_answer is not None and await self._state.counts(call.id):
            await self._on_answer(call.caller, completion.tokens["total_tokens"])
