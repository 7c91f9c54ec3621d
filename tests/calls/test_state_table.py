"""The table of `mcp_grok.calls`: every event in every state that events can lead to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.from_thread import start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.calls import Call, Calls, Delivery, Reason, Request, State, open_calls
from tests.calls.servers import hello
from tests.conftest import settings_for
from tests.replay import COMPLETION, Held, Replay


@dataclass
class Expected:
    """What the table says of one call. Each event is a method, which returns False if it cannot happen now.

    Attributes:
        waiting: Its requests that wait.
        sent: Those that have got a result.
    """

    state: State = State.RUNNING
    delivery: Delivery = Delivery.ATTACHED
    id_given: bool = False
    waiting: int = 1
    sent: int = 0

    @property
    def runs(self) -> bool:
        return self.state is State.RUNNING

    def attach(self) -> bool:
        if not self.id_given:
            return False
        self.waiting += 1
        self.delivery = Delivery.ATTACHED
        return True

    def delivered(self) -> bool:
        if not self.waiting or (self.runs and not self.id_given):
            return False
        self.waiting -= 1
        self.sent += 1
        if not self.waiting and self.delivery is not Delivery.ORPHANED:
            self._let_go()
        return True

    def timed_out(self) -> bool:
        if not self._interrupted():
            return False
        if not self.waiting:
            self.delivery = Delivery.ORPHANED
            if self.state is State.CANCELLED:
                self._let_go()
        return True

    def user_cancelled(self) -> bool:
        if not self._interrupted():
            return False
        if not self.waiting:
            if self.runs:
                self.state = State.CANCELLED
            self._let_go()
        return True

    def doubted(self) -> bool:
        if not self.waiting or self.state is State.CANCELLED:
            return False
        self.delivery = Delivery.ORPHANED
        return True

    def cancel(self) -> bool:
        if not self.runs or not self.id_given:
            return False
        self.state = State.CANCELLED
        if not self.waiting:
            self._let_go()
        return True

    def give_id(self) -> bool:
        if not self.waiting or self.id_given:
            return False
        self.id_given = True
        return True

    def finish(self) -> bool:
        return self._ended(State.COMPLETED)

    def fail(self) -> bool:
        return self._ended(State.FAILED)

    def _ended(self, state: State) -> bool:
        if not self.runs:
            return False
        self.state = state
        return True

    def _interrupted(self) -> bool:
        if self.waiting:
            self.waiting -= 1
        elif self.sent:
            self.sent -= 1
        else:
            return False
        return True

    def _let_go(self) -> None:
        self.delivery = Delivery.HANDED_OFF if self.id_given else Delivery.DELIVERED


@dataclass
class Actual:
    """A real call, with the same events."""

    calls: Calls
    call: Call
    upstream: Replay
    held: Held
    waiting: list[Request] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)

    async def attach(self) -> None:
        self.waiting.append(self.calls.request())
        await self.calls.attach(self.call, self.waiting[-1])

    async def delivered(self) -> None:
        self.sent.append(self.waiting.pop())
        await self.sent[-1].delivered()

    async def timed_out(self) -> None:
        await self._interrupt(Reason.CLIENT_TIMEOUT)

    async def disconnected(self) -> None:
        await self._interrupt(Reason.DISCONNECT)

    async def user_cancelled(self) -> None:
        await self._interrupt(Reason.USER)

    async def doubted(self) -> None:
        await self.waiting[-1].doubt()

    async def cancel(self) -> None:
        await self.calls.cancel(self.call)
        await self.call.wait()

    async def give_id(self) -> None:
        await self.calls.give_id(self.waiting[-1])

    async def finish(self) -> None:
        self.held.release.set()
        await self.call.wait()

    async def fail(self) -> None:
        self.upstream.answer({"error": {"code": "api_error", "message": "No."}}, status=500)
        self.held.answering = self.upstream.behave
        await self.finish()

    async def _interrupt(self, reason: Reason) -> None:
        await (self.waiting or self.sent).pop().interrupt(reason)
        if self.call.cut_by:
            await self.call.wait()


EVENTS = {
    "attach": (Expected.attach, Actual.attach),
    "delivered": (Expected.delivered, Actual.delivered),
    "timed out": (Expected.timed_out, Actual.timed_out),
    "disconnected": (Expected.timed_out, Actual.disconnected),
    "user cancelled": (Expected.user_cancelled, Actual.user_cancelled),
    "doubted": (Expected.doubted, Actual.doubted),
    "cancel": (Expected.cancel, Actual.cancel),
    "give id": (Expected.give_id, Actual.give_id),
    "finish": (Expected.finish, Actual.finish),
    "fail": (Expected.fail, Actual.fail),
}


class Server:
    """A server for all examples: to open one takes longer than to play an example."""

    def __init__(self, upstream: Replay, calls: Calls) -> None:
        self._upstream = upstream
        self._calls = calls
        self._played = 0

    async def play(self, events: list[str]) -> None:
        """Applies events to the table and to a new call, and compares them after each."""
        self._played += 1
        chat = hello(text=f"Hello {self._played}")
        self._upstream.answer(COMPLETION)
        held = Held(self._upstream)
        request = self._calls.request()
        call = await self._calls.start(chat, request)
        while (await self._upstream.exchanges.get()).request.body != chat.body:
            pass
        expected, actual = Expected(), Actual(self._calls, call, self._upstream, held, [request])
        for event in events:
            expect, act = EVENTS[event]
            if not expect(expected):
                continue
            with anyio.fail_after(5):
                await act(actual)
            assert (call.state, call.delivery, call.id_given) == (
                expected.state,
                expected.delivery,
                expected.id_given,
            ), event
            assert len(call.requests) == expected.waiting
        claimable = expected.delivery is Delivery.ORPHANED and expected.state in (State.RUNNING, State.COMPLETED)
        held.release.set()
        repeat = self._calls.request()
        claimed = await self._calls.start(chat, repeat)
        assert (claimed.id == call.id) is claimable
        await claimed.wait()
        await repeat.delivered()


@asynccontextmanager
async def server() -> AsyncIterator[Server]:
    """A server and its upstream."""
    async with Replay() as upstream, open_calls(settings_for(upstream)) as calls:
        yield Server(upstream, calls)


def test_events_lead_where_the_table_says() -> None:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server()) as one:

        @given(st.lists(st.sampled_from(list(EVENTS)), max_size=8))
        @settings(max_examples=150, deadline=None)
        def play(events: list[str]) -> None:
            portal.call(one.play, events)

        play()
