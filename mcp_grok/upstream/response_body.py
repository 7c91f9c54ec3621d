"""The bytes of a response."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import anyio
import httpx2

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, ResponseTooLarge
from mcp_grok.upstream.compression import DECIDING_BYTES, OURS, inflater_of
from mcp_grok.upstream.sse import is_undecided
from mcp_grok.upstream.transport_failures import transport_error

LONGEST_TURN = 0.01
"""Seconds of reading a body after which other tasks get a turn, even if the body arrives without pauses."""

INNER = ("_stream", "_httpcore_stream", "_stream", "_connection")
"""The attributes from a response's stream to its connection in httpx2 and httpcore2; a test detects a change."""


class BoundedBody:
    """The body of an answer, up to a size.

    Args:
        response: The response of an endpoint.
        endpoint: The endpoint, for errors.
        limit: Maximum bytes.
        advice: What to do about an answer over the limit, or what to know about it.

    Attributes:
        size: The bytes so far.
    """

    def __init__(self, response: httpx2.Response, endpoint: Endpoint, limit: int, advice: str) -> None:
        self.size = 0
        self._response = response
        self._endpoint = endpoint
        self._limit = limit
        self._advice = advice

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The pieces of the body, as they arrive.

        Raises:
            ResponseTooLarge: it is over the limit.
            GrokError: the connection broke, was silent for too long, or the body cannot be decompressed.
        """
        turn_began = time.monotonic()
        try:
            async for piece in body_of(self._response):
                if time.monotonic() - turn_began > LONGEST_TURN:
                    await anyio.lowlevel.checkpoint()
                    turn_began = time.monotonic()
                self.size += len(piece)
                if self.size > self._limit:
                    raise ResponseTooLarge(f"The answer is over {self._limit} bytes; {self._advice}.")
                yield piece
        except httpx2.HTTPError as error:
            raise transport_error(self._endpoint, error) from error


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
