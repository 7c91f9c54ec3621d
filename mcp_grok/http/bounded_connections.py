"""The bounds on the connections of an HTTP server: how many there are, how long one may wait for a request, and how
many requests are parsed in a round of the event loop.
"""

import asyncio
import sys
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from mcp_grok.http.arrivals import Arrivals, credentials_in
from mcp_grok.limits import HEADER_TIMEOUT, MAX_CONNECTIONS

END = b"connection: close\r\ncontent-length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n" + END
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\n" + END

OWN_FILES = 256
"""Descriptors for the upstream, the store and the rest, out of those that the system allows this process."""


def most_connections() -> int:
    """The maximum number of connections of this process."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(MAX_CONNECTIONS, allowed - min(OWN_FILES, allowed // 2))


class ConnectionBounds:
    """The connections of one server that wait for a request, oldest first; it alone changes them.

    When there are too many connections, the one that has waited longest is closed, so that clients who send nothing do
    not keep others out. If no other one waits, the new one is refused with HTTP 503.

    Args:
        most: Maximum number of connections; by default `most_connections`.
        header_timeout: Maximum seconds from the first byte of a request, or from the beginning of the connection, to
            the end of its headers.
    """

    def __init__(self, most: int | None = None, *, header_timeout: float = HEADER_TIMEOUT) -> None:
        self.header_timeout = header_timeout
        self.arrivals = Arrivals()
        self._most = most_connections() if most is None else most
        self._waiting: OrderedDict[BoundedConnection, None] = OrderedDict()

    def protocol(self, *args: Any, **options: Any) -> asyncio.Protocol:
        """A new connection, for uvicorn."""
        return BoundedConnection(self, *args, **options)

    def waits(self, connection: "BoundedConnection") -> None:
        """Records that a connection waits for a request."""
        self._waiting[connection] = None
        self._waiting.move_to_end(connection)

    def ended(self, connection: "BoundedConnection") -> None:
        """Records that a connection got a request, or ended."""
        self._waiting.pop(connection, None)

    def make_room(self, newest: "BoundedConnection") -> None:
        """Closes the connection that has waited longest, or refuses the newest one, if there are too many."""
        if len(newest.connections) > self._most:
            oldest = next(iter(self._waiting))
            oldest.close(TOO_MANY if oldest is newest else b"")


class BoundedConnection(H11Protocol):
    """A connection with a time limit for the headers of each request."""

    def __init__(self, bounds: ConnectionBounds, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._bounds = bounds
        self._deadline: asyncio.TimerHandle | None = None
        self._credentials = b""
        self._is_queued = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._start_waiting()
        self._bounds.waits(self)
        self._bounds.make_room(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if not self._has_request:
            self._credentials = credentials_in(data)
        super().data_received(data)

    def handle_events(self) -> None:
        """Parses the received bytes: more of a body immediately, the beginning of a request when it is its turn."""
        if self._has_request:
            super().handle_events()
        elif not self._is_queued:
            self._is_queued = True
            self._bounds.arrivals.add(self._credentials, self._parse)
            if self._is_queued:
                self.flow.pause_reading()

    def _parse(self) -> None:
        self._is_queued = False
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._end_waiting()
        elif self._deadline is None:
            self._start_waiting()

    def on_response_complete(self) -> None:
        """Begins to wait for the next request. Until its first byte, uvicorn's own limit for idle connections holds."""
        self._bounds.waits(self)
        super().on_response_complete()

    @property
    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_waiting(self) -> None:
        self._deadline = self.loop.call_later(self._bounds.header_timeout, self.close, TOO_SLOW)

    def _end_waiting(self) -> None:
        self._bounds.ended(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def close(self, answer: bytes) -> None:
        """Ends a connection that waits for a request, with a last answer."""
        self._end_waiting()
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
