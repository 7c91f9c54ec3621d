"""The bounds on the bodies of requests: their size, the time they take to arrive, and the items of their JSON."""

import asyncio
import math
from collections.abc import Callable

import anyio
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_grok.json_bounds import JSONBounds
from mcp_grok.limits import BODY_TIMEOUT, MAX_REQUEST_ITEMS, MIB


class BoundedBody:
    """An ASGI application that gives another one the whole body of a POST, once it has arrived within the bounds.

    Args:
        app: The other application.
        most: Returns the maximum number of bytes in the body of a request.
        timeout: Maximum seconds until the whole body has arrived.
    """

    def __init__(self, app: ASGIApp, most: Callable[[Scope], int], *, timeout: float = BODY_TIMEOUT) -> None:
        self._app = app
        self._most = most
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; see the ASGI specification."""
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        with anyio.CancelScope(deadline=anyio.current_time() + self._timeout) as reading:

            async def arrived(scope: Scope, receive: Receive, send: Send) -> None:
                reading.deadline = math.inf
                await self._app(scope, receive, send)

            try:
                await RequestBodyLimitMiddleware(arrived, self._most(scope))(scope, receive, send)
            except asyncio.CancelledError:
                if reading.cancel_called or reading.deadline == math.inf:
                    raise
                # At the end of a stop uvicorn cancels open requests, and logs a traceback for one without an answer.
                await _refusal(503, "This server is stopping")(scope, receive, send)
        if reading.cancelled_caught:
            await _refusal(408, "Request body too slow")(scope, receive, send)


def _refusal(status: int, reason: str) -> Response:
    return Response(reason, status_code=status, headers={"connection": "close"})


async def has_too_many_items(body: bytes) -> bool:
    """Whether a body has more items than a request may. Other tasks run while a long one is counted."""
    if len(body) <= MAX_REQUEST_ITEMS:
        return False
    bounds = JSONBounds(MAX_REQUEST_ITEMS)
    for start in range(0, len(body), MIB):
        if bounds.exceeded_by(body[start : start + MIB]):
            return True
        await anyio.lowlevel.checkpoint()
    return False
