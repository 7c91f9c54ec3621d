"""The form of an answer over streamable HTTP: JSON, or a stream of events.

The protocol asks clients to accept both, and the SDK refuses those that do not. But Claude's proxy accepts events alone
(https://github.com/modelcontextprotocol/python-sdk/issues/2349), and simple programs JSON or nothing.
"""

from mcp.server.streamable_http import check_accept_headers
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_grok.http.exchange_recorder import is_answer

JSON = "application/json"
EVENTS = "text/event-stream"

DATA = b"data: "
"""The beginning of an event's data. The SDK writes it in one line, and each event in one piece."""


class AcceptedForm:
    """An ASGI application that gives the answers of another one in the form that the client accepts.

    The SDK's own mode for JSON answers is not used: it does not notice that a client has gone, and the answer would
    count as delivered.

    Args:
        app: The SDK's streamable HTTP.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; see the ASGI specification."""
        takes_json, takes_events = check_accept_headers(Request(scope))
        if not Headers(scope=scope).get("accept"):
            takes_json = True
        if scope["method"] != "POST" or takes_json == takes_events:
            await self._app(scope, receive, send)
            return
        asked = {**scope, "headers": list(scope["headers"])}
        MutableHeaders(scope=asked)["accept"] = f"{JSON}, {EVENTS}"
        await self._app(asked, receive, _AsJson(send).send if takes_json else _AsEvents(send).send)


class _AsJson:
    """The rest of a response whose client accepts JSON alone: of a stream of events only the answer is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._is_sent = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _type_of(message) == EVENTS:
            self._start = message
        elif self._start is None:
            await self._send(message)
        elif self._is_sent:
            return
        elif is_answer(message):
            await self._answer(self._start, message["body"].partition(DATA)[2].strip())
        elif not message.get("more_body"):
            # The stream has ended without an answer: the server is stopping.
            await self._answer({**self._start, "status": 503}, b"")

    async def _answer(self, start: Message, body: bytes) -> None:
        self._is_sent = True
        headers = MutableHeaders(scope=start)
        headers["content-type"] = JSON
        headers["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


class _AsEvents:
    """The rest of a response whose client accepts events alone: an answer in JSON becomes an event."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_json = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_json = message["status"] == 200 and _type_of(message) == JSON
            if self._is_json:
                headers = MutableHeaders(scope=message)
                headers["content-type"] = EVENTS
                del headers["content-length"]
        elif self._is_json:
            message = {**message, "body": b"event: message\r\n" + DATA + message["body"] + b"\r\n\r\n"}
        await self._send(message)


def _type_of(start: Message) -> str:
    return Headers(raw=start["headers"]).get("content-type", "").partition(";")[0]
