"""The bounds on the bodies of requests: their size, by caller and together, and the time that they take to arrive."""

import asyncio

import anyio
from mcp_types import INVALID_REQUEST
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_grok.calls import HeldBytes, RequestBytes
from mcp_grok.errors import GrokError, LimitReached
from mcp_grok.http.turns import Turns
from mcp_grok.json_rpc import error_json
from mcp_grok.limits import BODY_TIMEOUT, MAX_REQUEST_BYTES, MAX_SMALL_REQUEST_BYTES
from mcp_grok.principal import ANONYMOUS
from mcp_grok.request_body import BODY_KEY, RequestBody
from mcp_grok.request_principal import PrincipalReader


class BoundedBody:
    """An ASGI application that gives another one the whole body of a POST, once it has arrived within the bounds.

    The bytes are counted for the caller before they are read, in the `RequestBody` of the scope. Of a caller's bodies
    one at a time goes through the other application to its handler.

    Args:
        app: The other application.
        request_bytes: The count.
        principals: Finds the caller. Those who must send a key, but do not, count as one.
        timeout: Maximum seconds until the whole body has arrived.
    """

    def __init__(
        self,
        app: ASGIApp,
        request_bytes: RequestBytes,
        principals: PrincipalReader,
        *,
        timeout: float = BODY_TIMEOUT,
    ) -> None:
        self._app = app
        self._request_bytes = request_bytes
        self._principals = principals
        self._timeout = timeout
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; see the ASGI specification."""
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            await self._post(scope, receive, send)
        except _TooLarge:
            # The connection stays open: uvicorn drops what still arrives, so that the client gets the answer.
            await Response("Request body too large", status_code=413)(scope, receive, send)
        except LimitReached as error:
            await _limit_reached(error)(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        caller, most = self._caller(connection)
        declared = int(connection.headers.get("content-length", 0))
        if declared > most:
            raise _TooLarge
        held = self._request_bytes.body(caller, declared)
        with held:
            try:
                with anyio.move_on_after(self._timeout) as reading:
                    pending = await _read(receive, held, most)
            except asyncio.CancelledError:
                if reading.cancel_called:
                    raise
                # At the end of a stop uvicorn cancels open requests, and logs a traceback for one without an answer.
                await _refusal(503, "This server is stopping")(scope, receive, send)
                return
            if reading.cancelled_caught:
                await _refusal(408, "Request body too slow")(scope, receive, send)
            elif pending:
                await self._serve(RequestBody(held), scope, _then(pending, receive), send)

    async def _serve(self, body: RequestBody, scope: Scope, receive: Receive, send: Send) -> None:
        turn = await self._turns.wait(body.held.caller)
        body.on_handled = turn.end_soon
        try:
            # A copy, because uvicorn keeps its own until the connection ends.
            await self._app({**scope, BODY_KEY: body}, receive, send)
        finally:
            turn.end()

    def _caller(self, connection: HTTPConnection) -> tuple[str, int]:
        """The name of the caller, and the maximum number of bytes in its body."""
        try:
            return self._principals.over_http(connection).name, MAX_REQUEST_BYTES
        except GrokError:
            return ANONYMOUS.name, MAX_SMALL_REQUEST_BYTES


class _TooLarge(Exception):
    """A body over the maximum size of one."""


async def _read(receive: Receive, held: HeldBytes, most: int) -> list[Message]:
    """The whole body as one message; none if the client has gone."""
    pieces: list[bytes] = []
    size = 0
    while (message := await receive())["type"] == "http.request":
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise _TooLarge
        if size > held.size:
            held.grow(size - held.size)
        if not message.get("more_body"):
            return [{"type": "http.request", "body": b"".join(pieces), "more_body": False}]
    return []


def _then(pending: list[Message], receive: Receive) -> Receive:
    """Receives a message, of which nothing is kept here, then those that follow."""

    async def read() -> Message:
        return pending.pop() if pending else await receive()

    return read


def _refusal(status: int, reason: str) -> Response:
    return Response(reason, status_code=status, headers={"connection": "close"})


def _limit_reached(error: LimitReached) -> Response:
    return Response(
        error_json(None, INVALID_REQUEST, error.message, error.as_dict()),
        status_code=429,
        headers={"retry-after": f"{error.retry_after:.0f}"},
        media_type="application/json",
    )
