"""Standard input and output as the SDK's pair of streams, without threads.

The SDK's own `stdio_server` reads and writes each line in a thread, which costs more than the rest of a call. It also
drops a line that it cannot parse, so the client waits forever; here such a line is answered with an error.
"""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, INVALID_REQUEST, JSONRPCMessage
from pydantic_core import PydanticSerializationError

from mcp_grok.json_rpc import Unreadable, error_json, plain_message, repaired_message
from mcp_grok.limits import MAX_LINE_BYTES
from mcp_grok.printable import printable
from mcp_grok.surrogates import without_lone_surrogates

FLUSH_TIMEOUT = 2.0
"""Seconds for the client to read the last messages after the session has ended."""


def can_be_watched() -> bool:
    """Whether the event loop can wait for both standard streams: they are pipes, sockets or terminals."""
    if sys.platform == "win32":
        return False
    try:
        modes = [os.fstat(fd).st_mode for fd in (0, 1)]
        # To detect that the client closed stdout, asyncio reads from it: on a shared socket it would consume the input.
        shared = stat.S_ISSOCK(modes[0]) and os.path.sameopenfile(0, 1)
        known = [stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd) for fd, mode in enumerate(modes)]
    except OSError:
        return False
    return all(known) and not shared


def suits_uvloop() -> bool:
    """Whether uvloop can serve these streams; it does not detect the end of input on a terminal."""
    try:
        return not (os.isatty(0) or os.isatty(1))
    except OSError:
        return False


@asynccontextmanager
async def stdio_streams() -> AsyncIterator[tuple["LineReader", "LineWriter"]]:
    """The stream of messages on stdin, and the stream that writes messages to stdout.

    Meanwhile, stdin is empty for all other code, and its output on stdout goes to stderr.
    """
    loop = asyncio.get_running_loop()
    with _claimed(0, os.devnull) as wire_in, _claimed(1, None) as wire_out:
        incoming = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        source, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(incoming), os.fdopen(os.dup(wire_in), "rb", buffering=0)
        )
        watch = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        sink, _ = await loop.connect_write_pipe(lambda: watch, os.fdopen(os.dup(wire_out), "wb", buffering=0))
        output = asyncio.StreamWriter(sink, watch, None, loop)
        writer = LineWriter(output, incoming, to_terminal=os.isatty(wire_out))
        try:
            yield LineReader(incoming, writer), writer
        finally:
            source.close()
            with anyio.move_on_after(FLUSH_TIMEOUT, shield=True):
                await writer.finish()


@contextmanager
def _claimed(fd: int, diversion: str | None) -> Iterator[int]:
    """A private duplicate of a standard stream. Meanwhile the stream's own descriptor refers to another file.

    Args:
        fd: The file descriptor of the stream.
        diversion: The path of the other file; None for stderr.
    """
    wire = os.dup(fd)
    blocking = os.get_blocking(fd)
    elsewhere = os.open(diversion, os.O_RDONLY) if diversion else os.dup(2)
    try:
        os.dup2(elsewhere, fd)
        os.close(elsewhere)
        yield wire
    finally:
        os.dup2(wire, fd)
        # This flag belongs to the open file, which the parent shell may share with this process.
        os.set_blocking(fd, blocking)
        os.close(wire)


class LineWriter(ObjectSendStream[SessionMessage]):
    """The SDK's write stream: one message per line.

    Args:
        writer: Writes to the client.
        incoming: The client's input, which ends when the client reads no more.
        to_terminal: Whether a person reads the lines; control characters in their JSON are then escaped.
    """

    def __init__(self, writer: asyncio.StreamWriter, incoming: asyncio.StreamReader, *, to_terminal: bool) -> None:
        self._writer = writer
        self._incoming = incoming
        self._to_terminal = to_terminal

    async def send(self, item: SessionMessage) -> None:
        """Writes a message; waits while the client is slow to read.

        Raises:
            anyio.BrokenResourceError: the client has closed the pipe.
        """
        try:
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        except (PydanticSerializationError, ValueError, RecursionError):
            line = _repaired_line(item.message)
        await self.write_line(line)

    async def write_line(self, line: str) -> None:
        """Writes a line of JSON.

        Raises:
            anyio.BrokenResourceError: the client has closed the pipe.
        """
        try:
            self._writer.write((printable(line) if self._to_terminal else line).encode() + b"\n")
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            # uvloop raises RuntimeError for a closed transport.
            if not self._incoming.at_eof():
                # A client that reads no answers cannot be served, so end the input as well.
                self._incoming.feed_eof()
            raise anyio.BrokenResourceError from None

    async def finish(self) -> None:
        """Closes the stream after everything has been written."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def aclose(self) -> None:
        """Does nothing: `stdio_streams` closes the stream once everything is written."""


class LineReader(ObjectReceiveStream[SessionMessage]):
    """The SDK's read stream: the messages on stdin. A line that is not a message is answered with an error."""

    def __init__(self, incoming: asyncio.StreamReader, writer: LineWriter) -> None:
        self._incoming = incoming
        self._writer = writer
        self._closed = False

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            anyio.EndOfStream: there are no more.
            anyio.ClosedResourceError: the stream has been closed.
        """
        while True:
            if self._closed:
                raise anyio.ClosedResourceError
            line = await self._next_line()
            if not line:
                raise anyio.EndOfStream
            if line.isspace():
                continue
            try:
                return SessionMessage(plain_message(line) or repaired_message(line))
            except Unreadable as error:
                await self._refuse(error)

    async def _next_line(self) -> bytes:
        too_long = False
        while True:
            try:
                line = await self._incoming.readline()
            except ValueError:
                too_long = True
                continue
            if not too_long:
                return line
            # This is the end of the line that was too long.
            await self._refuse(Unreadable(INVALID_REQUEST, f"Line over {MAX_LINE_BYTES} bytes"))
            too_long = False

    async def _refuse(self, error: "Unreadable") -> None:
        with suppress(anyio.BrokenResourceError):
            await self._writer.write_line(error.as_json())

    async def aclose(self) -> None:
        """Closes the stream: the next `receive` raises `ClosedResourceError`."""
        self._closed = True


def _repaired_line(message: JSONRPCMessage) -> str:
    """The line for a message that pydantic cannot serialize, such as one with lone surrogates."""
    try:
        fields = message.model_dump(by_alias=True, exclude_unset=True)
        return without_lone_surrogates(json.dumps(fields, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return error_json(getattr(message, "id", None), INTERNAL_ERROR, "The result cannot be written as JSON")
