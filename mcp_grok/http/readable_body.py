"""Bodies of requests that the SDK would refuse, or misunderstand, although they can be read."""

from typing import Any

import anyio
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from mcp_types import INVALID_REQUEST, JSONRPCMessage, JSONRPCRequest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_grok.json_bounds import JSONBounds
from mcp_grok.json_rpc import Unreadable, plain_message, repaired_message, too_deep, unparsed
from mcp_grok.limits import MAX_REQUEST_ITEMS, MAX_SMALL_REQUEST_BYTES, MIB, SMALL_REQUEST_BYTES
from mcp_grok.request_body import BODY_KEY

LARGE_METHOD = "tools/call"
"""The method of the only message that may be large: it can hold images."""


class ReadableBody:
    """An ASGI application that repairs the messages posted to another one, and answers those that are none.

    Args:
        app: One of the SDK's transports.
        security: The hosts and origins that get an answer.
    """

    def __init__(self, app: ASGIApp, security: TransportSecuritySettings) -> None:
        self._app = app
        self._security = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; see the ASGI specification."""
        app = self._post if scope["method"] == "POST" else self._app
        await app(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        first: Message | None = await receive()
        if first is not None and first["type"] == "http.request":
            try:
                first["body"] = await _checked(first["body"], scope)
            except Unreadable as error:
                refusal = await self._security.validate_request(Request(scope), is_post=True) or Response(
                    error.as_json(), status_code=400, media_type="application/json"
                )
                await refusal(scope, receive, send)
                return

        async def read() -> Message:
            nonlocal first
            message, first = first, None
            return message or await receive()

        await self._app(scope, read, send)


async def _checked(body: bytes, scope: Scope) -> bytes:
    """The body as the SDK can read it. Large arguments go into the scope instead.

    Raises:
        Unreadable: it is not a message, or one that is too long for its method.
    """
    if await _has_too_many_items(body):
        raise unparsed(
            body, INVALID_REQUEST, f"Invalid Request: over {MAX_REQUEST_ITEMS} items in lists and objects; send less"
        )
    plain = plain_message(body)
    message = plain or repaired_message(body)
    is_call = isinstance(message, JSONRPCRequest) and message.method == LARGE_METHOD
    if len(body) > MAX_SMALL_REQUEST_BYTES and not is_call:
        raise _too_long(f"only {LARGE_METHOD}", MAX_SMALL_REQUEST_BYTES, message)
    if len(body) <= SMALL_REQUEST_BYTES or not is_call:
        return body if plain else _dumped(message, body)
    scope[BODY_KEY].arguments = _take_arguments(message)
    body = _dumped(message, body)
    if len(body) > SMALL_REQUEST_BYTES:
        raise _too_long(f"only the arguments of {LARGE_METHOD}", SMALL_REQUEST_BYTES, message)
    return body


def _take_arguments(message: JSONRPCMessage) -> Any:
    return (getattr(message, "params", None) or {}).pop("arguments", None)


def _too_long(what: str, most: int, message: JSONRPCMessage) -> Unreadable:
    said = f"Invalid Request: {what} may have over {most} bytes"
    return Unreadable(INVALID_REQUEST, said, getattr(message, "id", None))


def _dumped(message: JSONRPCMessage, body: bytes) -> bytes:
    try:
        dumped = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
    except (ValueError, RecursionError):
        raise too_deep(body) from None
    if plain_message(dumped) is None:
        raise too_deep(body)
    return dumped


async def _has_too_many_items(body: bytes) -> bool:
    """Whether a body has more items than a request may. Other tasks run while a long one is counted."""
    if len(body) <= MAX_REQUEST_ITEMS:
        return False
    bounds = JSONBounds(MAX_REQUEST_ITEMS)
    for start in range(0, len(body), MIB):
        if bounds.exceeded_by(body[start : start + MIB]):
            return True
        await anyio.lowlevel.checkpoint()
    return False
