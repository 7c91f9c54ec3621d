"""The calls of this process: started, taken over, kept, found again, and cancelled when the process ends."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel

from mcp_grok.completions.call import Call, Outcome, bearer_of_lost
from mcp_grok.completions.caller import ANYONE, Caller
from mcp_grok.completions.memory import MemoryStore
from mcp_grok.completions.spending import Spending
from mcp_grok.completions.store import Store
from mcp_grok.errors import GrokError, Lost, NotConfigured, NotFound, Unavailable
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest

OnAnswer = Callable[[str, int], Awaitable[None]]
"""Takes a caller's name and the tokens of an answer."""

CLOSE_TIMEOUT = 2.0
"""Seconds that closing the pooled connections may take."""

NOTICE = 0.5
ROUNDS = 20
"""Seconds in which a connection that its client has closed is known for closed, and rounds of the event loop in which
a call is known for left: a client may give up and ask again in one breath."""

SECOND_TRY = 0.2
"""Seconds between two calls that ask the same after which the later may be a second try of the earlier: no client gives
up sooner."""

PATIENCE = 15 * 60.0
"""Seconds that a call goes on when nobody waits for it any more."""


class Completions:
    """The calls of one process; `open_completions` makes one.

    Args:
        client: Sends the calls.
        tasks: Runs them.
        store: Keeps those that have ended.
        finish_abandoned: Whether a call whose client went away goes on.
        on_answer: Called with the caller's name and the tokens of each answer.
    """

    def __init__(
        self,
        client: ChatClient,
        tasks: anyio.abc.TaskGroup,
        store: Store,
        *,
        finish_abandoned: bool = True,
        on_answer: OnAnswer | None = None,
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._store = store
        self._finish_abandoned = finish_abandoned
        self._on_answer = on_answer
        self._closing = False
        self._idle = anyio.Event()
        self._running: dict[str, Call] = {}
        self._spending: defaultdict[str, Spending] = defaultdict(Spending)

    async def start(self, request: ChatRequest, caller: Caller = ANYONE, *, hangs_up: bool = False) -> Call:
        """The call for a request: an abandoned one that asks the same, else a new one, which is under way at once.

        What is special about it stands in its `notes`: `picked_up`, the seconds since the call taken over was made,
        or `lost`, earlier calls that asked the same, may be billed, and have no answer.

        Args:
            request: What is asked.
            caller: Who asks; only their own earlier calls count.
            hangs_up: Whether the asker goes away by closing a connection.

        Raises:
            Unavailable: the server is stopping.
        """
        if self._closing:
            raise Unavailable
        question = self._question(request, caller)
        if any(call.elapsed > SECOND_TRY for call in self._twins(question)):
            await anyio.sleep(NOTICE if hangs_up else 0)
            for _ in range(ROUNDS):
                await anyio.lowlevel.checkpoint()
        lost = self._unheard(question)
        left = await self._picked_up(question, lost)
        call = left or Call(request.model, question, caller.name)
        call.notes.update({"lost": lost} if lost else {})
        if left is not None:
            return call
        await self._store.begin(call)
        self._running[call.id] = call
        self._tasks.start_soon(self._run, call, request, caller.secret)
        return call

    async def keep(self, call: Call) -> None:
        """Lets a call be found by its id, while it runs and for a time after it has ended."""
        if not call.kept:
            call.kept = True
            await self._settle(call)

    async def abandon(self, call: Call) -> None:
        """Says that whoever waited for a call is gone, without having cancelled it."""
        if call.waiting or call.is_stopped:
            return
        if not self._finish_abandoned:
            call.cancel()
        else:
            call.abandoned = True
            call.give_up_in(PATIENCE)
            await self._settle(call)

    async def cancel(self, call: Call) -> None:
        """Stops a call because its caller wants it; what it was to say of others that were lost, the next one says."""
        if call.outcome is None:
            call.abandoned = "lost" in call.notes
            call.cancel()
        elif "lost" in call.notes:
            await self._store.save(bearer_of_lost(call))

    async def find(self, call_id: str, caller: Caller = ANYONE) -> Call:
        """The kept call of that id.

        Raises:
            NotFound: there is none of this caller, or no longer.
        """
        call = self._running.get(call_id) or await self._store.find(call_id)
        if call is None or call.caller != caller.name:
            raise no_such_call(call_id)
        if call.abandoned and not isinstance(call.outcome, GrokError):
            await self._take_over(call)
        return call

    async def spending(self, caller: Caller = ANYONE) -> dict[str, Any]:
        """What a caller's calls have used, as `Spending.as_dict` says it."""
        return self._spending[caller.name].as_dict()

    async def under_way(self, caller: Caller) -> int:
        """How many calls of a caller run."""
        return sum(call.caller == caller.name for call in self._running.values())

    async def is_ready(self) -> bool:
        """Whether calls can be made now."""
        return not self._closing

    async def drain(self, seconds: float) -> None:
        """Lets no call begin any more, lets those that run have some seconds, then stops them."""
        self._closing = True
        try:
            with anyio.move_on_after(seconds):
                while self._running:
                    self._idle = anyio.Event()
                    await self._idle.wait()
        finally:
            self.stop_all()

    def stop_all(self) -> None:
        """Stops every call that runs, since the server ends."""
        for call in self._running.values():
            call.cancel(Lost())

    def _question(self, request: ChatRequest, caller: Caller) -> str:
        """Equal for calls of one caller that ask the same of the same API with the same key."""
        return f"{self._client.place(caller.secret)} {request.question} {caller.name}"

    def _twins(self, question: str) -> list[Call]:
        """The calls under way that ask this."""
        return [call for call in self._running.values() if call.question == question]

    async def _picked_up(self, question: str, lost: list[dict[str, Any]]) -> Call | None:
        """An abandoned call that asks this and has not failed; what those that have are to tell is added to `lost`."""
        while (left := await self._left_behind(question)) is not None:
            lost += left.notes.pop("lost", [])
            if not isinstance(left.outcome, GrokError):
                left.notes["picked_up"] = round(left.elapsed, 1)
                return left
            told = left.outcome.as_dict()
            if told["billed"] != "no" and told["code"] != "cancelled":
                lost.append({"id": left.id, "billed": told["billed"]})
        return None

    async def _left_behind(self, question: str) -> Call | None:
        for call in self._twins(question):
            if call.abandoned and not call.is_stopped:
                await self._take_over(call)
                return call
        return await self._store.take(question)

    def _unheard(self, question: str) -> list[dict[str, Any]]:
        """What calls that are about to stop were to say of others that were lost."""
        stopping = [call for call in self._twins(question) if call.is_stopped]
        return [lost for call in stopping for lost in call.notes.pop("lost", [])]

    async def _take_over(self, call: Call) -> None:
        call.abandoned = False
        call.give_up_in(float("inf"))
        await self._settle(call)

    async def _settle(self, call: Call) -> None:
        """Has an ended call kept if anybody may still ask for it."""
        if call.outcome is None:
            return
        if call.kept or call.abandoned:
            await self._store.save(call)
        else:
            await self._store.forget(call)

    async def _run(self, call: Call, request: ChatRequest, key: str | None) -> None:
        try:
            await call.run(self._client, request, key)
        finally:
            outcome = call.reached or Lost()
            call.abandoned = call.abandoned or isinstance(outcome, Lost)
            with anyio.CancelScope(shield=True):
                await self._store.deliver(call, outcome)
                await self._count(call, outcome)
                call.end(outcome)
                await self._settle(call)
            del self._running[call.id]
            if not self._running:
                self._idle.set()

    async def _count(self, call: Call, outcome: Outcome) -> None:
        if isinstance(outcome, Completion):
            self._spending[call.caller].add(call.model, outcome)
            if self._on_answer is not None:
                await self._on_answer(call.caller, outcome.tokens["total_tokens"])


def no_such_call(call_id: str) -> NotFound:
    """The error for an id that leads to nothing."""
    return NotFound(
        f"No completion is kept under the id {call_id[:80]!r}: this server did not give it out, it is too old, "
        "or the server was started again since. Ask again if the answer is still wanted.",
        param="id",
    )


@asynccontextmanager
async def open_completions(
    settings: Settings, *, on_answer: OnAnswer | None = None, runs_calls: bool = True
) -> AsyncIterator[Completions]:
    """A place for calls to run in. Leaving it cancels those that still run and closes the connections.

    Args:
        settings: Where they go, and where their answers are kept.
        on_answer: Called with the caller's name and the tokens of each answer.
        runs_calls: Whether this process runs them, where other processes could.

    Raises:
        NotConfigured: the store of the settings cannot be used.
    """
    if settings.store_url is not None:
        try:
            from mcp_grok.completions.distributed import open_distributed
        except ImportError:
            raise NotConfigured("MCP_GROK_STORE=redis://… needs: pip install mcp-grok-chat[distributed]") from None

        async with open_distributed(settings, run_calls=runs_calls, on_answer=on_answer) as shared:
            yield shared
        return
    client = ChatClient(settings)
    finish = settings.on_disconnect == "finish"
    try:
        async with _opened_store(settings) as store, anyio.create_task_group() as tasks:
            try:
                yield Completions(client, tasks, store, finish_abandoned=finish, on_answer=on_answer)
            finally:
                tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await client.aclose()


@asynccontextmanager
async def _opened_store(settings: Settings) -> AsyncIterator[Store]:
    if settings.store_folder is None:
        yield MemoryStore()
        return
    from mcp_grok.completions.disk import open_disk_store

    async with open_disk_store(settings.store_folder) as store:
        yield store
