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

EVENTS = ("attach", "delivered", "timed out", "disconnected", "user", "doubt", "cancel", "give id", "finish", "fail")


@dataclass
class Expected:
    """What the table says of one call.

    Attributes:
        waiting: Its requests that wait.
        delivered: Those whose result has gone out.
    """

    state: State = State.RUNNING
    delivery: Delivery = Delivery.ATTACHED
    id_given: bool = False
    waiting: int = 1
    delivered: int = 0

    def happens(self, event: str) -> bool:
        """Applies an event; False if it cannot happen now."""
        runs = self.state is State.RUNNING
        match event:
            case "attach":
                if not self.id_given:
                    return False
                self.waiting += 1
                self.delivery = Delivery.ATTACHED
            case "delivered":
                if not self.waiting or (runs and not self.id_given):
                    return False
                self.waiting -= 1
                self.delivered += 1
                if not self.waiting and self.delivery is not Delivery.ORPHANED:
                    self._let_go()
            case "timed out" | "disconnected":
                if not self._interrupted():
                    return False
                if not self.waiting:
                    self.delivery = Delivery.ORPHANED
                    if self.state is State.CANCELLED:
                        self._let_go()
            case "user":
                if not self._interrupted():
                    return False
                if not self.waiting:
                    if runs:
                        self.state = State.CANCELLED
                    self._let_go()
            case "doubt":
                if not self.waiting or self.state is State.CANCELLED:
                    return False
                self.delivery = Delivery.ORPHANED
            case "cancel":
                if not runs or not self.id_given:
                    return False
                self.state = State.CANCELLED
                if not self.waiting:
                    self._let_go()
            case "give id":
                if not self.waiting or self.id_given:
                    return False
                self.id_given = True
            case "finish" | "fail":
                if not runs:
                    return False
                self.state = State.COMPLETED if event == "finish" else State.FAILED
        return True

    def _interrupted(self) -> bool:
        if self.waiting:
            self.waiting -= 1
        elif self.delivered:
            self.delivered -= 1
        else:
            return False
        return True

    def _let_go(self) -> None:
        self.delivery = Delivery.HANDED_OFF if self.id_given else Delivery.DELIVERED


@dataclass
class Actual:
    """The same of a real call."""

    calls: Calls
    call: Call
    upstream: Replay
    held: Held
    waiting: list[Request] = field(default_factory=list)
    delivered: list[Request] = field(default_factory=list)

    async def happens(self, event: str) -> None:
        """Has an event happen."""
        match event:
            case "attach":
                request = self.calls.request()
                await self.calls.attach(self.call, request)
                self.waiting.append(request)
            case "delivered":
                self.delivered.append(self.waiting.pop())
                await self.delivered[-1].delivered()
            case "timed out":
                await self._any().interrupt(Reason.CLIENT_TIMEOUT)
            case "disconnected":
                await self._any().interrupt(Reason.DISCONNECT)
            case "user":
                await self._any().interrupt(Reason.USER)
            case "doubt":
                await self.waiting[-1].doubt()
            case "cancel":
                await self.calls.cancel(self.call)
            case "give id":
                await self.calls.give_id(self.waiting[-1])
            case "finish" | "fail":
                if event == "fail":
                    self.upstream.answer({"error": {"code": "api_error", "message": "No."}}, status=500)
                    self.held.answering = self.upstream.behave
                self.held.release.set()
        if event in ("cancel", "finish", "fail") or self.call.cut_by:
            await self.call.wait()

    def _any(self) -> Request:
        return self.waiting.pop() if self.waiting else self.delivered.pop()


class Server:
    """A server for all examples, which takes most of the time of one."""

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
            if not expected.happens(event):
                continue
            with anyio.fail_after(5):
                await actual.happens(event)
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

        @given(st.lists(st.sampled_from(EVENTS), max_size=8))
        @settings(max_examples=150, deadline=None)
        def play(events: list[str]) -> None:
            portal.call(one.play, events)

        play()
