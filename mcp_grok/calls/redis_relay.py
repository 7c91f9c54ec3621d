"""The relay of a running call's text: from the server that runs it to the servers where requests wait for it."""

import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from mcp_grok.calls.call import Call, Outcome, State
from mcp_grok.calls.redis_client import AWAY, Client
from mcp_grok.calls.redis_record import call_key, outcome_of
from mcp_grok.calls.redis_servers import Message, RedisTimings, Servers
from mcp_grok.calls.store import Follow
from mcp_grok.errors import Lost, OutOfReach
from mcp_grok.upstream.completion import Completion


@dataclass(eq=False, slots=True)
class _Follower:
    """A server that follows a call that runs here: the length of text sent to it, and the reasoning still to send."""

    sent: int
    reasoning: list[str] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)

    def text_came(self, text: str) -> None:
        self.changed.set()

    def reasoning_came(self, text: str) -> None:
        self.reasoning.append(text)
        self.changed.set()


class Relay:
    """The exchange of text between this server and the others.

    Messages only make the text and the end of a call arrive sooner; the record contains the outcome. A lost message
    costs a second: each has the position of its piece, so the follower detects the gap and asks again from there.

    Args:
        redis: The client.
        servers: The connection to the other servers.
        timings: Intervals and time limits.
    """

    def __init__(self, redis: Client, servers: Servers, timings: RedisTimings) -> None:
        self._redis = redis
        self._servers = servers
        self._timings = timings
        self._followed: dict[str, Call] = {}
        self._look_now: defaultdict[str, anyio.Event] = defaultdict(anyio.Event)
        self._followers: dict[tuple[str, str], _Follower] = {}

    async def follow(self, call: Call) -> Outcome:
        """Passes the text of a call that runs on another server to its followers; returns its outcome.

        The outcome is `Lost` if that server has died, and `OutOfReach` if Redis is unavailable for too long.
        """
        self._followed[call.id] = call
        heard_at = time.monotonic()
        try:
            while time.monotonic() - heard_at < self._timings.out_of_reach:
                with suppress(*AWAY):
                    if (outcome := await self._look(call)) is not None:
                        _pass_rest(call, outcome)
                        return outcome
                    heard_at = time.monotonic()
                with anyio.move_on_after(self._timings.look):
                    await self._look_now[call.id].wait()
                self._look_now.pop(call.id, None)
        finally:
            self._followed.pop(call.id, None)
            self._look_now.pop(call.id, None)
        return OutOfReach(
            "The store that the servers share cannot be used now, so this server has lost contact with the call. It "
            "may be billed. If it continues, repeating the same call returns its answer.",
            partial=call.text,
        )

    async def publish(self, call: Call, event: Follow) -> None:
        """Sends the text of a call that runs here to a server that follows it, until the call has ended."""
        if known := self._followers.get((call.id, event.server)):
            known.sent = min(known.sent, event.have)
            known.changed.set()
            return
        follower = self._followers[call.id, event.server] = _Follower(event.have)
        call.follow(follower.text_came, follower.reasoning_came)
        try:
            while call.work is not None and not call.work.ended.is_set():
                text, at = call.text, follower.sent
                message = {"do": "text", "call": call.id, "at": at, "text": text[at:], "state": str(call.state)}
                reasoning, follower.reasoning = "".join(follower.reasoning), []
                follower.sent, follower.changed = len(text), anyio.Event()
                await self._servers.send(event.server, {**message, "reasoning": reasoning})
                await anyio.sleep(self._timings.flush)
                with anyio.move_on_after(self._timings.look):
                    await follower.changed.wait()
        except AWAY:
            # The follower asks again.
            return
        finally:
            call.unfollow(follower.text_came)
            del self._followers[call.id, event.server]

    def followers(self, call_id: str) -> list[str]:
        """The servers that follow a call that runs here."""
        return [server for followed, server in self._followers if followed == call_id]

    def text_came(self, message: Message) -> None:
        """Adds a piece of a text, unless an earlier piece is missing."""
        call = self._followed.get(message["call"])
        if call is None or call.work is None:
            return
        if call.state is State.QUEUED:
            call.state = State(message["state"])
        have = len(call.text)
        if message["at"] > have:
            self._look_now[call.id].set()
        elif text := message["text"][have - message["at"] :]:
            call.work.text_came(text)
        if message["reasoning"]:
            call.work.reasoning_came(message["reasoning"])

    def ended(self, message: Message) -> None:
        """Wakes the follower of a call that has ended on its server."""
        if message["call"] in self._followed:
            self._look_now[message["call"]].set()

    async def _look(self, call: Call) -> Outcome | None:
        """Requests the missing text; returns the outcome if the call has ended or its server has died, or None."""
        follow = {"do": "follow", "call": call.id, "to": self._servers.name, "have": len(call.text)}
        await self._servers.send(call.process, follow)
        outcome = await outcome_of(await self._redis.hget(call_key(call.id), "outcome"))
        if outcome is None and call.process in await self._servers.dead([call.process]):
            return Lost(partial=call.text)
        return outcome


def _pass_rest(call: Call, outcome: Outcome) -> None:
    """Passes the rest of an answer's text to the followers."""
    text = outcome.text if isinstance(outcome, Completion) else ""
    if call.work is not None and text != call.text and text.startswith(call.text):
        call.work.text_came(text[len(call.text) :])
