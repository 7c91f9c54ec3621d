"""A connection that ends if the head of an answer is too long."""

import ssl
from typing import Any

import anyio
import httpcore2

from mcp_grok.upstream.media.download_failed import DownloadFailed

MAX_HEAD_BYTES = 16 * 1024
"""Bytes until the body of an answer. httpcore2 would parse 100 KiB of fields at once, and interim answers without end,
and stop all other calls meanwhile."""


class Head:
    """The bytes that the head of one answer may still have."""

    def __init__(self) -> None:
        self._left: int | None = MAX_HEAD_BYTES

    def end(self) -> None:
        """Lifts the limit: what comes now is the body."""
        self._left = None

    def most(self, max_bytes: int) -> int:
        """The bytes of the next read.

        Raises:
            DownloadFailed: the head is too long.
        """
        if self._left == 0:
            raise DownloadFailed("its host sent too much before it")
        return max_bytes if self._left is None else min(max_bytes, self._left)

    def count(self, received: bytes) -> None:
        """Counts what was read."""
        if self._left is not None:
            self._left -= len(received)


class BoundedStream(httpcore2.AsyncNetworkStream):
    """A connection for one answer.

    Args:
        stream: The connection.
        head: The limit of the answer's head.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream, head: Head) -> None:
        self._stream = stream
        self._head = head

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        received = await self._stream.read(self._head.most(max_bytes), timeout)
        self._head.count(received)
        return received

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore2 leaves a connection open that is cancelled meanwhile.
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            raise
        return BoundedStream(stream, self._head)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
