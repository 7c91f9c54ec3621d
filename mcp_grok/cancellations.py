"""What a cancelled request means for the call it waited for.

The SDK ends the handler of a cancelled request first and tells the reason a moment later, to nobody in particular.
So the calls that requests wait for are noted here, and the reason is joined with its call when it comes. Over
streamable HTTP no reason comes: there a client that cancels closes its connection, like one that goes away.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp_types import CancelledNotificationParams

from mcp_grok.completions import Call, Completions
from mcp_grok.errors import GrokError

TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out|deadline exceeded", re.IGNORECASE)
"""How clients that gave up waiting say so, those in Go by "context deadline exceeded"; any other reason is a user's."""

REMEMBERED = 100
REMEMBERED_BYTES = 32 * 1024 * 1024
"""How many answered requests are remembered, and how much of their answers: a client may give up while one is on its
way."""

Context = ServerRequestContext[Completions, Any]
Key = tuple[Completions, str, str]


@dataclass(slots=True)
class _Request:
    """A request under way: the call it waits for, once it has one, and whether its handler has ended."""

    call: Call | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)


class Cancellations:
    """The requests under way, and the calls that they wait for."""

    def __init__(self) -> None:
        self._requests: dict[Key, _Request] = {}
        self._answered: deque[tuple[Key, int]] = deque()
        self._bytes = 0

    @contextmanager
    def request(self, context: Context) -> Iterator[Callable[[Call], None]]:
        """Notes a request until it is answered, and a little longer; gives what notes the call it waits for."""
        request = _Request()

        def waits_for(call: Call) -> None:
            request.call = call

        key = _key(context, context.request_id)
        if key is None:
            yield waits_for
            return
        self._requests[key] = request
        try:
            yield waits_for
        finally:
            request.ended.set()
            self._remember(key, request.call.size if request.call else 0)

    async def cancelled(self, context: Context, params: CancelledNotificationParams) -> None:
        """Stops the call if the user wanted that; if the client's time was up, leaves it to be taken over."""
        key = _key(context, params.request_id)
        request = self._requests.pop(key, None) if key else None
        if request is None:
            return
        await request.ended.wait()
        if request.call is None or request.call.waiting:
            # Nothing was started; or another request has taken the call over meanwhile, and wants it.
            return
        completions = context.lifespan_context
        end = completions.abandon if TIMED_OUT.search(params.reason or "") else completions.cancel
        # Whoever cancelled is gone: there is nobody to tell that it could not be done.
        with suppress(GrokError):
            await end(request.call)

    def _remember(self, key: Key, size: int) -> None:
        self._answered.append((key, size))
        self._bytes += size
        while len(self._answered) > REMEMBERED or self._bytes > REMEMBERED_BYTES:
            oldest, size = self._answered.popleft()
            self._bytes -= size
            self._requests.pop(oldest, None)


def _key(context: Context, request_id: Any) -> Key | None:
    """Names a request of one connection; None where a request cannot be joined with its cancellation."""
    session = ""
    if context.request is not None:
        # Only SSE sends requests and cancellations to one address that belongs to one connection.
        session = context.request.query_params.get("session_id", "")
        if not session:
            return None
    return context.lifespan_context, session, str(request_id)
