"""Records HTTP exchanges: whether each response was written, and the session of a handshake-era client."""

import json
import re
import secrets
from typing import Any

import anyio
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_grok.http_exchange import SCOPE_KEY, Exchange

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"

MEMBER = re.compile(rb'"(method|result|error)":')
"""The first of these members tells a response from a notification."""

ROUNDS = 2
"""Rounds of the event loop that a pending `receive` needs to report a disconnect."""

MAX_INITIALIZE_BYTES = 64 * 1024
"""Longer bodies are not parsed: no `initialize` request is that long."""


class RecordedExchange:
    """An ASGI application that puts an `Exchange` into the scope of another one, and records how the response ended.

    A client of the handshake era gets a session id with its `initialize`. It carries no state: it lets a cancellation,
    which arrives on another connection, find its request.

    Args:
        app: The SDK's streamable HTTP without sessions.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one exchange; see the ASGI specification."""
        headers = Headers(scope=scope)
        version = headers.get(VERSION_HEADER)
        is_handshake = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
        exchange = scope[SCOPE_KEY] = Exchange(headers.get(SESSION_HEADER, ""), is_handshake)
        opens = is_handshake and not exchange.session and scope["method"] == "POST"
        written = gone = False

        async def read() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            if opens and not exchange.session and _is_initialize(message):
                exchange.session = secrets.token_hex(16)
            return message

        async def write(message: Message) -> None:
            nonlocal written
            if opens and exchange.session and message["type"] == "http.response.start":
                MutableHeaders(scope=message)[SESSION_HEADER] = exchange.session
            answers = exchange.request is not None and is_answer(message)
            if answers:
                # After a disconnect uvicorn drops what is sent without an error; only a pending `receive` reports it.
                for _ in range(ROUNDS):
                    await anyio.lowlevel.checkpoint()
            is_dropped = gone
            await send(message)
            written = written or (answers and not is_dropped)

        try:
            await self._app(scope, read, write)
        finally:
            await exchange.end(written=written)


def _is_initialize(message: Message) -> bool:
    body = message.get("body", b"")
    if b'"initialize"' not in body or len(body) > MAX_INITIALIZE_BYTES:
        return False
    try:
        request: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(request, dict) and request.get("method") == "initialize"


def is_answer(message: Message) -> bool:
    """Whether a part of a body holds the response. On an event stream, notifications precede it and an end follows."""
    kind = MEMBER.search(message.get("body", b""))
    return kind is not None and kind[1] != b"method"
