"""A connection: detects why a request was cancelled, when its result was written, and a handshake after a probe.

The SDK cancels the handler of a cancelled request without a reason. The reason is in the cancellation notification,
which the wrapper of the read stream receives before the SDK does.

A client that asks for `server/discover` while the server is still starting may not wait for the answer and send
`initialize` next. The SDK, which has then chosen the protocol without a handshake, would refuse it. Version 2.0.99 of
https://www.npmjs.com/package/@ai-sdk/mcp waits for one second.
"""

import re
from collections import OrderedDict, deque
from contextvars import Context, ContextVar, copy_context
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import anyio
from anyio.abc import ObjectReceiveStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from mcp_grok.calls import Reason, Request

TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out|deadline exceeded", re.IGNORECASE)
"""The wording of a time-out in the SDKs and in Go programs. Any other reason counts as the user's."""

MAX_EARLY = 100
"""Most cancellations kept for requests whose handler has not started; the SDK reads one or two messages ahead."""

CANCELLED = "notifications/cancelled"
DISCOVER = "server/discover"
INITIALIZE = "initialize"

_connection: ContextVar["Connection | None"] = ContextVar("connection", default=None)


class Connection(ObjectReceiveStream[SessionMessage | Exception]):
    """The read stream of one client, and the requests on it.

    It holds weak references to requests: `Calls` keeps those that may still be cancelled.

    Args:
        stream: The transport's read stream.
        confirmed: Whether the transport calls `confirm` for each message that it has written; otherwise a message
            counts as written when `send` returns.
    """

    def __init__(self, stream: Any, *, confirmed: bool = False) -> None:
        self._stream = stream
        self._confirmed = confirmed
        self._requests: WeakValueDictionary[str, Request] = WeakValueDictionary()
        self._early: OrderedDict[str, Reason] = OrderedDict()
        self._open: dict[str, Request] = {}
        self._unconfirmed: deque[str | None] = deque()
        self._only_probed: bool | None = None
        self._handshake: SessionMessage | Exception | None = None

    @property
    def handshake_follows(self) -> bool:
        """Whether the stream has ended for a handshake, with which it goes on."""
        return self._handshake is not None

    async def register(self, request_id: object, request: Request) -> None:
        """Interrupts a request when its cancellation arrives; immediately, if it has already arrived."""
        # A client may use an id again while the first request is open: then it can only take the second result.
        earlier = self._open.get(str(request_id))
        self._requests[str(request_id)] = self._open[str(request_id)] = request
        if earlier is not None:
            await earlier.interrupt(Reason.DISCONNECT)
        if reason := self._early.pop(str(request_id), None):
            await request.interrupt(reason)

    async def receive(self) -> SessionMessage | Exception:
        """The next message.

        Raises:
            anyio.EndOfStream: there are no more, or a handshake follows, which the next call returns.
        """
        if handshake := self._handshake:
            self._handshake = None
            return handshake
        item: SessionMessage | Exception = await self._stream.receive()
        message = getattr(item, "message", None)
        if isinstance(message, JSONRPCRequest):
            if self._only_probed and message.method == INITIALIZE:
                self._only_probed, self._handshake = False, item
                raise anyio.EndOfStream
            self._only_probed = self._only_probed is not False and message.method == DISCOVER
        if isinstance(message, JSONRPCNotification) and message.method == CANCELLED:
            params = message.params or {}
            await self._cancelled(str(params.get("requestId")), reason_of(params.get("reason")))
        return item

    async def send(self, stream: Any, item: SessionMessage) -> None:
        """Sends a message on the transport's write stream."""
        message = item.message
        answered = str(message.id) if isinstance(message, JSONRPCResponse | JSONRPCError) else None
        if self._confirmed:
            self._unconfirmed.append(answered)
            await stream.send(item)
        else:
            await stream.send(item)
            await self._delivered(answered)

    async def confirm(self) -> None:
        """Records that the transport has written the oldest unconfirmed message."""
        if self._unconfirmed:
            await self._delivered(self._unconfirmed.popleft())

    async def end(self) -> None:
        """Interrupts every request whose result was not written."""
        for request in list(self._open.values()):
            await request.interrupt(Reason.DISCONNECT)
        self._open.clear()

    @property
    def last_context(self) -> Context:
        """The context for the SDK to run the handler in: the sender's, with this connection as the current one."""
        context = getattr(self._stream, "last_context", None) or copy_context()
        context.run(_connection.set, self)
        return context

    async def aclose(self) -> None:
        """Closes the stream, unless a handshake follows."""
        if not self.handshake_follows:
            await self._stream.aclose()

    async def _cancelled(self, request_id: str, reason: Reason) -> None:
        if request := self._requests.get(request_id):
            self._open.pop(request_id, None)
            await request.interrupt(reason)
            return
        self._early[request_id] = reason
        if len(self._early) > MAX_EARLY:
            self._early.popitem(last=False)

    async def _delivered(self, request_id: str | None) -> None:
        if request_id is not None and (request := self._open.pop(request_id, None)):
            await request.delivered()


class _Writer:
    """The write stream of a connection."""

    def __init__(self, stream: Any, connection: Connection) -> None:
        self._stream = stream
        self._connection = connection

    async def send(self, item: SessionMessage) -> None:
        await self._connection.send(self._stream, item)

    async def aclose(self) -> None:
        if not self._connection.handshake_follows:
            await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class ConnectionServer(Server[Any]):
    """An SDK server in which handlers get their connection from `current_connection`."""

    async def run(self, read_stream: Any, write_stream: Any, *args: Any, **options: Any) -> None:
        """Serves a client until it closes the stream; see `Server.run`."""
        connection = read_stream if isinstance(read_stream, Connection) else Connection(read_stream)
        writer = _Writer(write_stream, connection)
        try:
            await super().run(connection, writer, *args, **options)
            if connection.handshake_follows:
                await super().run(connection, writer, *args, **options)
        finally:
            await connection.end()


def current_connection() -> Connection | None:
    """The connection of the request being handled; None over streamable HTTP."""
    return _connection.get()


def reason_of(said: object) -> Reason:
    """The reason of a cancellation, from the text that the client sends."""
    return Reason.CLIENT_TIMEOUT if TIMED_OUT.search(str(said)) else Reason.USER
