"""The bytes of a response."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2

from mcp_grok.errors import BadUpstreamResponse
from mcp_grok.upstream.compression import DECIDING_BYTES, OURS, inflater_of
from mcp_grok.upstream.sse import is_undecided

INNER = ("_stream", "_httpcore_stream", "_stream", "_connection")
"""The attributes from a response's stream to its connection in httpx2 and httpcore2; a test detects a change."""


async def body_of(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The body in pieces, decompressed if the server compressed it despite `accept-encoding: identity`.

    httpcore2 reuses a connection even if it received more bytes than belong to the response, and the next call would
    get them as its answer. This function closes such a connection.

    Raises:
        httpx2.DecodingError: the body cannot be decompressed; the text of the error names the compression.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    source: Any = response.stream if encoding in OURS else response.aiter_bytes()
    stream = aiter(source)
    try:
        start = await _start_of(stream)
        inflater = inflater_of(start, encoding)
        if inflater is None:
            yield start
            async for piece in stream:
                yield piece
        else:
            for piece in inflater.feed(start):
                yield piece
            async for compressed in stream:
                for piece in inflater.feed(compressed):
                    yield piece
    except httpx2.DecodingError as error:
        raise httpx2.DecodingError(encoding or str(error)) from None
    connection = _connection_of(response)
    if connection is not None and connection._h11_state.trailing_data[0]:
        await connection.aclose()


async def _start_of(stream: AsyncIterator[bytes]) -> bytes:
    """The first pieces of a body, enough to tell its compression."""
    start = b""
    async for piece in stream:
        start += piece
        if len(start) >= DECIDING_BYTES:
            break
    return start


def _connection_of(response: httpx2.Response) -> Any:
    inner: Any = response.stream
    for name in INNER:
        inner = getattr(inner, name, None)
    return inner if hasattr(inner, "_h11_state") else None


async def first_bytes(received: AsyncIterator[bytes]) -> bytes:
    """The first bytes of a body, enough to decide whether it is a stream of events or JSON."""
    start = bytearray()
    async for more in received:
        # Leading white space has no meaning, either in JSON or in event streams.
        start += more if start else more.lstrip()
        if start and not is_undecided(bytes(start)):
            break
    return bytes(start)


async def read_up_to(received: AsyncIterator[bytes], limit: int) -> bytes:
    """The body, or its first `limit` bytes; a sentence instead of a body that cannot be read."""
    body = bytearray()
    try:
        async for more in received:
            body += more
            if len(body) >= limit:
                break
    except BadUpstreamResponse as unreadable:
        # The status says more than the compression.
        return unreadable.message.encode()
    return bytes(body[:limit])
