"""The interface of a store, which keeps calls after their requests or their process have ended."""

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
    """How much a store keeps, and for how long.

    Attributes:
        entries: Maximum number of ended calls.
        bytes: Maximum total size of their outcomes, as stored in memory or on disk.
        age: Seconds that a call is kept after its end.
        claimable: Seconds after the end of a call during which a call with the same fingerprint gets its answer.
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
class Poll:
    """A client polled another server about a task that runs here."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Follow:
    """A request on another server waits for a call that runs here, and has `have` characters of its text."""

    call_id: str
    server: str
    have: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Another server received a client's cancellation of a request that may be handled here."""

    principal: str
    session: str
    request_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Repeated:
    """A session has repeated a call on another server; the earlier call may run here."""

    fingerprint: str
    session: str


Event = Stop | Poll | Follow | Interrupted | Repeated

NO_EVENTS: tuple[Event, ...] = ()


def uninterrupted(
    method: Callable[Parameters, Coroutine[Any, Any, Result]],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """Decorates a coroutine function to finish before a cancellation takes effect."""

    @wraps(method)
    async def finishing(*args: Parameters.args, **options: Parameters.kwargs) -> Result:
        with anyio.CancelScope(shield=True):
            result = await method(*args, **options)
        return result  # noqa: RET504 - for a type checker, the scope above may swallow an exception

    return finishing


class Store(ABC):
    """The storage of calls. Every process has one `Store`; several may share the same folder or Redis.

    With Redis, every method may raise `StoreUnreachable`. Otherwise a failure is logged, and the data that could not be
    written is kept in memory. A method that writes is `uninterrupted`: a cancellation takes effect after it.
    """

    process: str = ""
    """The name of this process in the rows that it writes."""

    outlives_process: bool = False
    """Whether another process can take up the job of a call after this one has ended."""

    @abstractmethod
    async def claim(self, fingerprint: str, running: Call | None) -> Claim:
        """Claims the oldest orphan with a fingerprint that runs or has an answer; no other request can claim it then.

        Args:
            fingerprint: The fingerprint of the new call.
            running: An orphan that runs in this process, if there is one.

        Returns:
            The orphan, or None, and the earlier calls that were lost, may be billed and have not been reported.
        """

    @abstractmethod
    async def insert(self, call: Call, limit: int | None) -> bool:
        """Stores a new call durably; returns False if its principal has `limit` running calls already."""

    @abstractmethod
    async def discard(self, call: Call) -> None:
        """Removes a call that was inserted but will not begin."""

    @abstractmethod
    async def commit(self, call: Call, outcome: Outcome) -> None:
        """Stores the outcome of a call, and counts its usage."""

    @abstractmethod
    async def sync(self, call: Call, *, restore: bool = False) -> None:
        """Writes the delivery of the record to the row; removes the row if no later request can want it.

        Args:
            call: The record.
            restore: Whether the row was removed, because the call counted as delivered.
        """

    @abstractmethod
    async def record_job(self, call: Call) -> bool:
        """Stores the API's job of a call; returns whether another process will find it there."""

    @abstractmethod
    async def take_up(self, call: Call) -> bool:
        """Makes this process the one that runs a call with a job, if the process that ran it has died.

        Returns:
            False if another process runs it, which this one can follow.

        Raises:
            NotFound: another process runs it that this one cannot communicate with.
        """

    @abstractmethod
    async def left_jobs(self) -> list[Call]:
        """The calls with a job whose process has died."""

    @abstractmethod
    async def mark_told(self, fingerprint: str, lost: list[dict[str, str]], *, told: bool) -> None:
        """Records whether lost calls with a fingerprint were reported to a client."""

    @abstractmethod
    async def find(self, call_id: str) -> Call | None:
        """The call with an id, running or ended; None if there is none.

        Raises:
            NotFound: it runs in another process that this one cannot communicate with.
            InternalError: its record cannot be read.
        """

    @abstractmethod
    async def usage(self, principal: str) -> dict[str, Any]:
        """The usage of a principal's calls: see `Usage.as_dict`."""

    async def is_ready(self) -> bool:
        """Whether calls can be stored now."""
        return True

    # The following methods matter only if servers share their running calls.

    async def attach(self, call: Call) -> None:
        """Records that a request on this server waits for a call."""

    async def release(self, call: Call, *, cancels: bool = False) -> bool:
        """Records that no request on this server waits for a call any more.

        Args:
            call: The call.
            cancels: Whether to cancel it unless a request on another server waits for it.

        Returns:
            Whether a request on another server waits for it.
        """
        return False

    async def disconnects(self, fingerprint: str, grace: float, session: str) -> None:
        """Waits at most `grace` seconds until a call whose requests are on another server is orphaned.

        If the repeated call has a session, that server then gets `grace` more seconds to release the earlier call.
        """

    async def stop(self, call: Call) -> None:
        """Asks the server that runs a call to stop it."""

    async def poll(self, call: Call) -> None:
        """Tells the server that runs a call that a client still wants it."""

    @abstractmethod
    async def follow(self, call: Call) -> Outcome:
        """Passes the text of a call that runs on another server to its followers; returns its outcome."""

    async def publish(self, call: Call, event: Follow) -> None:
        """Sends the text of a call that runs here to a server that follows it, until the call has ended."""

    async def broadcast(self, event: Interrupted) -> None:
        """Sends a cancellation to the other servers: its request may be on one of them."""

    async def events(self) -> AsyncIterator[Event]:
        """The events from other servers."""
        for event in NO_EVENTS:
            yield event
