"""An HTTP exchange: one streamable HTTP request and its response, and the cancellations that refer to it.

A client of protocol version 2026-07-28 cancels by closing its connection, without a reason. A client of an older
version (with a handshake) leaves the response open and posts `notifications/cancelled` on another connection, possibly
to another server. Such a notification is matched by principal, session and request id. Without a session, two clients
of one principal may use the same request id; then a time-out only lets a repeated call claim the running one, and a
user's cancellation has no effect.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from mcp_grok.calls import Interrupted, Reason, Request

SCOPE_KEY = "mcp_grok.http_exchange"
"""The key of the exchange in the ASGI scope."""

MAX_EARLY = 1000
"""Most cancellations kept for requests that have not arrived, or are on another server."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class Exchange:
    """One HTTP request and its response.

    Attributes:
        session: The session id that the client sends; empty without one.
        is_handshake: Whether the client's protocol version has a handshake.
        request: The tool call's request; None until its handler runs.
    """

    session: str = ""
    is_handshake: bool = False
    request: Request | None = None

    async def end(self, *, written: bool) -> None:
        """Records whether the complete response was written before the connection closed."""
        if self.request is None:
            return
        if written:
            await self.request.delivered()
        else:
            await self.request.interrupt(Reason.DISCONNECT)


def exchange_of(scope: Mapping[str, Any]) -> Exchange | None:
    """The exchange of an ASGI scope; None if the application does not record exchanges."""
    return scope.get(SCOPE_KEY)


class HandshakeRequests:
    """The requests of clients with a handshake over streamable HTTP, to be matched with cancellations.

    It holds weak references to requests: `Calls` keeps those that may still be cancelled.
    """

    def __init__(self) -> None:
        self._requests: defaultdict[Key, WeakSet[Request]] = defaultdict(WeakSet)
        self._early: OrderedDict[Key, Reason] = OrderedDict()

    async def register(self, session: str, request_id: object, request: Request) -> None:
        """Interrupts a request when its cancellation arrives; immediately, if it has already arrived."""
        key = (request.principal.name, session, str(request_id))
        self._forget_ended()
        self._requests[key].add(request)
        if reason := self._early.pop(key, None):
            await request.interrupt(reason)

    async def cancelled(self, event: Interrupted) -> bool:
        """Interrupts the request that a cancellation names; returns False if the request may be on another server."""
        key = (event.principal, event.session, event.request_id)
        requests = list(self._requests.get(key, ()))
        if not event.session:
            for request in requests if event.reason is Reason.CLIENT_TIMEOUT else ():
                await request.doubt()
            return event.reason is Reason.USER
        for request in requests:
            await request.interrupt(event.reason)
        if not requests:
            self._early[key] = event.reason
            if len(self._early) > MAX_EARLY:
                self._early.popitem(last=False)
        return bool(requests)

    def _forget_ended(self) -> None:
        """Drops the keys of requests that no longer exist, at most two at a time."""
        for key in list(self._requests)[:2]:
            if self._requests[key]:
                self._requests[key] = self._requests.pop(key)
            else:
                del self._requests[key]
