"""The interface of a store: where calls are written down, so that they outlive their requests or their process."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import anyio

from mcp_grok.calls.call import Call, Claim, Outcome, Reason
from mcp_grok.limits import CLAIMABLE_SECONDS, KEPT_BYTES, KEPT_ENTRIES, KEPT_SECONDS

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a store keeps.

    Attributes:
        entries: Calls that have ended.
        bytes: Bytes of their outcomes, as they lie in memory or on disk.
        age: Seconds after the end of a call.
        claimable: Seconds after the end of a call in which a call with the same fingerprint gets its answer.
    """

    entries: int = KEPT_ENTRIES
    bytes: int = KEPT_BYTES
    age: float = KEPT_SECONDS
    claimable: float = CLAIMABLE_SECONDS


BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Stop:
    """Another server asks this one to stop a call that runs here."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Follow:
    """A request on another server waits for a call that runs here, and has `have` characters of its text."""

    call_id: str
    server: str
    have: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A client has cancelled, through another server, a request that may be handled here."""

    principal: str
    session: str
    request_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Repeated:
    """A session has repeated a call on another server; the earlier try may run here."""

    fingerprint: str
    session: str


Event = Stop | Follow | Interrupted | Repeated

NO_EVENTS: tuple[Event, ...] = ()


def uninterrupted(
    method: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """Has a coroutine function finish what it has begun before a cancellation takes effect."""

    @wraps(method)
    async def finishing(*args: Parameters.args, **options: Parameters.kwargs) -> Result:
        with anyio.CancelScope(shield=True):
            result = await method(*args, **options)
        return result  # noqa: RET504 - to a type checker the scope above may swallow an exception

    return finishing


class Store(ABC):
    """Where calls are written down. Every process has one, and several may share what is behind it.

    Where servers share a store, every method may raise `StoreUnreachable`. Elsewhere a failure is logged, and what
    could not be written is kept in memory. A method that writes is `uninterrupted`: a cancellation that comes
    meanwhile takes effect after it.
    """

    process: str = ""
    """The name of this process in the rows that it writes."""

    @abstractmethod
    async def claim(self, fingerprint: str, running: Call | None) -> Claim:
        """Claims the oldest orphan with a fingerprint that runs or has its answer: no other request gets it.

        Args:
            fingerprint: Of the new call.
            running: An orphan that runs in this process, if there is one.

        Returns:
            The orphan, and the earlier calls that were lost and may be billed, of which no client has been told.
        """

    @abstractmethod
    async def insert(self, call: Call, limit: int | None) -> bool:
        """Writes down a new call, durably; False if its principal has as many running calls as the limit allows."""

    @abstractmethod
    async def discard(self, call: Call) -> None:
        """Removes a call that was inserted and will not begin."""

    @abstractmethod
    async def commit(self, call: Call, outcome: Outcome) -> None:
        """Writes down how a call ended, and counts what it has used."""

    @abstractmethod
    async def sync(self, call: Call, *, restore: bool = False) -> None:
        """Writes the delivery of the record to the row; removes the row if no later request can want it.

        Args:
            call: The record.
            restore: Whether the row was removed, since the call counted as delivered.
        """

    @abstractmethod
    async def mark_told(self, fingerprint: str, lost: list[dict[str, str]], *, told: bool) -> None:
        """Records whether a client has been told of lost calls with a fingerprint."""

    @abstractmethod
    async def find(self, call_id: str) -> Call | None:
        """The call of an id, running or ended; None if there is none.

        Raises:
            NotFound: another process runs it, and cannot be asked.
            InternalError: its record cannot be read.
        """

    @abstractmethod
    async def usage(self, principal: str) -> dict[str, Any]:
        """What a principal's calls have used: see `Usage.as_dict`."""

    async def is_ready(self) -> bool:
        """Whether calls can be written down now."""
        return True

    # What follows matters only where servers share their running calls.

    async def attach(self, call: Call) -> None:
        """Records that a request on this server waits for a call."""

    async def release(self, call: Call, *, cancels: bool = False) -> bool:
        """Records that no request on this server waits for a call any longer.

        Args:
            call: The call.
            cancels: Whether it is cancelled unless a request on another server waits for it.

        Returns:
            Whether a request on another server waits for it.
        """
        return False

    async def disconnects(self, fingerprint: str, grace: float, session: str) -> None:
        """Waits until a call whose requests are on another server is orphaned, for `grace` seconds at most.

        If the repeat names a session, that server then gets `grace` seconds more to release the earlier try.
        """

    async def stop(self, call: Call) -> None:
        """Has the server that runs a call stop it."""

    @abstractmethod
    async def follow(self, call: Call) -> Outcome:
        """Passes the text of a call that runs on another server to its followers; returns its outcome."""

    async def publish(self, call: Call, event: Follow) -> None:
        """Sends the text of a call that runs here to a server that follows it, until the call has ended."""

    async def broadcast(self, event: Interrupted) -> None:
        """Passes a cancellation on to the other servers: the request that it names may be theirs."""

    async def events(self) -> AsyncIterator[Event]:
        """What other servers ask of this one."""
        for event in NO_EVENTS:
            yield event
