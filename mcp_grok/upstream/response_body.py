"""The bytes of a response."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2

from mcp_grok.upstream.sse import is_undecided

INNER = ("_stream", "_httpcore_stream", "_stream", "_connection")
"""The way from a response's stream to its connection inside httpx2 and httpcore2; a test notices when it changes."""


async def body_of(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body in pieces, decompressed if a server compressed it although asked not to.

    httpcore2 keeps a connection for the next request even when more bytes have come than the response has, and the
    next call would get them as its answer. Such a connection is closed here instead.
    """
    if "content-encoding" in response.headers:
        async for piece in response.aiter_bytes():
            yield piece
        return
    stream: Any = response.stream
    async for piece in stream:
        yield piece
    connection = _connection_of(response)
    if connection is not None and connection._h11_state.trailing_data[0]:
        await connection.aclose()


def _connection_of(response: httpx2.Response) -> Any:
    inner: Any = response.stream
    for name in INNER:
        inner = getattr(inner, name, None)
    return inner if hasattr(inner, "_h11_state") else None


async def first_bytes(received: AsyncIterator[bytes]) -> bytes:
    """As many bytes from the beginning as show whether the body is a stream of events or JSON."""
    start = bytearray()
    async for more in received:
        # White space at the beginning means nothing, in JSON and in event streams alike.
        start += more if start else more.lstrip()
        if start and not is_undecided(bytes(start)):
            break
    return bytes(start)


async def read_up_to(received: AsyncIterator[bytes], limit: int) -> bytes:
    """The body, or its first `limit` bytes."""
    body = bytearray()
    async for more in received:
        body += more
        if len(body) >= limit:
            break
    return bytes(body[:limit])
