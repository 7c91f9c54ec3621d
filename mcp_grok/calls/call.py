"""The record of a call, and the request that waits for it."""

import math
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import anyio

from mcp_grok.calls.request_bytes import HeldBytes
from mcp_grok.errors import Cancelled, GrokError
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.stream import OnText
from mcp_grok.upstream.token_estimate import utf8_length

if TYPE_CHECKING:
    from mcp_grok.calls.calls import Calls

VIDEO_MARK = "[video]"
"""The beginning of a line of progress that says how much of a video is made."""

Outcome = Completion | GrokError
"""The result of a call: an answer or an error. An error is a value, because several requests may wait for one call."""


def size_of(outcome: Outcome) -> int:
    """The approximate size of an outcome in bytes."""
    return outcome.size if isinstance(outcome, Completion) else len(outcome.partial or "")


class State(StrEnum):
    """The state of the work on a call: queued, then running, then one of the others."""

    QUEUED = "queued"
    """The call waits for a slot, and has not been sent."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


ENDED = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.LOST})


class Delivery(StrEnum):
    """The requests that get the outcome of a call."""

    ATTACHED = "attached"
    """The requests that wait for it."""
    HANDED_OFF = "handed_off"
    """A request that fetches it by its id."""
    ORPHANED = "orphaned"
    """One repeated call with the same fingerprint, or a request with its id: the client timed out or disconnected."""
    DELIVERED = "delivered"
    """No further request."""


class Reason(StrEnum):
    """The reason why a request or a call ended early, as logged."""

    USER = "cancelled by its user"
    CLIENT_TIMEOUT = "its client timed out"
    DISCONNECT = "its connection closed"
    ORPHAN_TIMEOUT = "no request waited for it any longer"
    SHUTDOWN = "the server stopped"
    CRASH = "its server died"


@dataclass(eq=False, slots=True, weakref_slot=True)
class Request:
    """A client's request for the outcome of a call. `Calls.request` creates it, and only `Calls` changes it.

    Attributes:
        calls: The owner of the calls.
        principal: The identity that makes it.
        connection: The connection on which its cancellation arrives, in order with its other messages; None over
            streamable HTTP, where a client cancels by closing the connection or on another one.
        session: The session id that a client with a handshake sends over streamable HTTP; empty without one.
        body: The counted bytes of the HTTP body in which it came; None over stdio.
        call: The call that it waits for; None before it has one.
        interrupted: The reason why the client no longer wants the result; None while it does.
        is_doubted: Whether its client may have timed out, so that a repeated request may get the result in its place.
        notes: Fields for the `_meta` of the result: `picked_up`, the age in seconds of the orphan that it claimed, and
            `lost`, earlier calls with the same fingerprint that may be billed and have no answer.
    """

    calls: "Calls"
    principal: Principal = ANONYMOUS
    connection: object | None = None
    session: str = ""
    body: HeldBytes | None = None
    call: "Call | None" = None
    interrupted: Reason | None = None
    is_doubted: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    async def interrupt(self, reason: Reason) -> None:
        """Records that the client will not receive the result, even if it is being sent."""
        await self.calls.interrupt(self, reason)

    async def doubt(self) -> None:
        """Records that the client may have timed out: another request may claim the call while this one waits."""
        await self.calls.doubt(self)

    async def delivered(self) -> None:
        """Records that the result was passed to the transport."""
        await self.calls.delivered(self)


@dataclass(eq=False, slots=True)
class Work:
    """The work on a call that this process runs or follows: its task, the text so far, and its followers.

    Attributes:
        scope: Stops the task.
        ended: Set when the call has its outcome.
        pieces: The pieces of the text so far.
        followers: The functions that get further text, each with the one that gets the reasoning.
        request_bytes: The counted bytes of the request; None for a call that runs on another server.
        ttl: Seconds that the work continues after it was handed off or polled.
        reasoning_bytes: The size of the reasoning so far.
        percent: How much of a video is made; None if the API does not state it.
        is_followed: Whether another server has followed it for a request of its own, and has recorded what became of
            that request.
        is_job_stored: Whether another process can find the job that makes a video.
    """

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    pieces: list[str] = field(default_factory=list)
    followers: dict[OnText, OnText] = field(default_factory=dict)
    request_bytes: HeldBytes | None = None
    ttl: float = math.inf
    reasoning_bytes: int = 0
    percent: int | None = None
    is_followed: bool = False
    is_job_stored: bool = False

    def text_came(self, text: str) -> None:
        """Adds a piece of the text and passes it to the followers."""
        self.pieces.append(text)
        for follower in self.followers:
            follower(text)

    def reasoning_came(self, text: str) -> None:
        """Passes a piece of the reasoning to the followers."""
        self.reasoning_bytes += utf8_length(text)
        for follower in self.followers.values():
            follower(text)

    def percent_came(self, percent: int | None) -> None:
        """Records how much of a video is made, and passes each change to the followers."""
        if percent is not None and percent != self.percent:
            self.percent = percent
            self.reasoning_came(f"{VIDEO_MARK} {percent} %\n")


class JobLeft(Exception):
    """This process has left a call to another one, because the job that makes its video goes on at the API."""


def _new_id() -> str:
    return f"grok-{secrets.token_urlsafe(18)}"


@dataclass(eq=False, slots=True)
class Call:
    """A call, running or ended. Only `Calls` changes it; other code may read it, wait for it and follow it.

    Attributes:
        model: The requested model.
        fingerprint: The digests of its endpoint and of its content, and the name of its principal: equal for a repeat.
        principal: The name of the principal that may get the outcome.
        id: The identifier of the call; it cannot be guessed.
        process: The process that runs it; after its end, the one that last wrote its row in the store.
        created_at: The time of its creation, in seconds since 1970, for display.
        ended_at: The time of its end, in seconds since 1970; None while it runs.
        started: The time of its creation by this process's monotonic clock, for time limits.
        state: The state of the work.
        delivery: The requests that get the outcome.
        id_given: Whether a client has the id; then the outcome stays available after its delivery.
        outcome: Its answer or error; None while it runs.
        reason: The reason why its last request, or the call itself, ended early; None if neither did.
        requests: The requests that wait for it.
        cut_by: The outcome that a stop has set before its task ends.
        work: The work on it; None if this process neither runs nor follows it.
        estimated_tokens: The estimate of its tokens, if it may be billed and the API did not state them.
        kind: What it makes: `chat`, `image` or `video`.
        job: The API's id of the job that makes its video; empty for any other call, and before the API has stated it.
    """

    model: str
    fingerprint: str
    principal: str = ""
    id: str = field(default_factory=_new_id)
    process: str = ""
    created_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    started: float = field(default_factory=time.monotonic)
    state: State = State.QUEUED
    delivery: Delivery = Delivery.ATTACHED
    id_given: bool = False
    outcome: Outcome | None = None
    reason: Reason | None = None
    requests: set[Request] = field(default_factory=set)
    cut_by: GrokError | None = None
    work: Work | None = None
    estimated_tokens: int = 0
    kind: str = "chat"
    job: str = ""

    async def wait(self) -> Outcome:
        """Waits for the outcome. Cancelling this wait leaves the call running.

        Raises:
            JobLeft: this process ends, and another will follow the call's job.
        """
        while self.outcome is None and self.work is not None:
            await self.work.ended.wait()
        if self.outcome is None:
            raise JobLeft
        return self.outcome

    @property
    def awaits_job(self) -> bool:
        """Whether its video has been asked for, and the API has not yet stated the job that makes it."""
        return self.kind == "video" and self.state is State.RUNNING and not self.job

    @property
    def elapsed(self) -> float:
        """Seconds since its creation."""
        return max(0.0, time.monotonic() - self.started)

    @property
    def text(self) -> str:
        """The text of the first choice so far; empty for a call that is not streamed."""
        if isinstance(self.outcome, Completion):
            return self.outcome.text
        return "".join(self.work.pieces) if self.work else ""

    @property
    def size(self) -> int:
        """The approximate size of the outcome in bytes; of the text so far, if there is none."""
        return len(self.text) if self.outcome is None else size_of(self.outcome)

    @property
    def is_wanted(self) -> bool:
        """Whether a later request may get the outcome, or a report of it, even if no request waits now."""
        if self.id_given:
            return True
        if self.delivery is not Delivery.ORPHANED or isinstance(self.outcome, Cancelled):
            return False
        return not isinstance(self.outcome, GrokError) or self.outcome.billed != "no"

    def follow(self, on_text: OnText, on_reasoning: OnText = lambda text: None) -> None:
        """Registers functions to be called with the text so far and each further piece; they must not block."""
        if self.text:
            on_text(self.text)
        if self.work:
            self.work.followers[on_text] = on_reasoning

    def unfollow(self, on_text: OnText) -> None:
        """Ends `follow`."""
        if self.work:
            self.work.followers.pop(on_text, None)


Claim = tuple[Call | None, list[dict[str, str]]]
"""The orphan whose answer a new call gets, if any, and the earlier calls that were lost."""
