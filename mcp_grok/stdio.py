"""Standard input and output as the SDK's pair of streams, on the event loop itself.

The SDK's own `stdio_server` hops to a thread for each line read and written, which costs more than the rest of a
call, and drops a line that it cannot read, so that its sender waits for ever. Here such a line is answered.
"""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    JSONRPCMessage,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from mcp_grok.surrogates import without_lone_surrogates

MAX_LINE_BYTES = 256 * 1024 * 1024
"""A longer line is refused. Images come inline, so lines can be long."""

FLUSH_TIMEOUT = 2.0
"""Seconds that the last messages may take to be read once the session has ended."""


def can_be_watched() -> bool:
    """Whether both standard streams are something that the event loop can wait for: pipes, sockets or terminals."""
    if sys.platform == "win32":
        return False
    try:
        modes = [os.fstat(fd).st_mode for fd in (0, 1)]
        # Watching the writing side for its end would read what is meant for the reading side.
        shared = stat.S_ISSOCK(modes[0]) and os.path.sameopenfile(0, 1)
        known = [stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd) for fd, mode in enumerate(modes)]
    except OSError:
        return False
    return all(known) and not shared


def suits_uvloop() -> bool:
    """Whether uvloop serves these streams as well as asyncio does; it does not see the end of a terminal."""
    try:
        return not (os.isatty(0) or os.isatty(1))
    except OSError:
        return False


@asynccontextmanager
async def stdio_streams() -> AsyncIterator[tuple["LineReader", "LineWriter"]]:
    """Claims stdin and stdout for the protocol; until the end, stray reads meet EOF and stray prints stderr."""
    loop = asyncio.get_running_loop()
    with _claimed(0, os.devnull) as wire_in, _claimed(1, None) as wire_out:
        incoming = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        source, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(incoming), os.fdopen(os.dup(wire_in), "rb", buffering=0)
        )
        watch = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        sink, _ = await loop.connect_write_pipe(lambda: watch, os.fdopen(os.dup(wire_out), "wb", buffering=0))
        writer = LineWriter(asyncio.StreamWriter(sink, watch, None, loop), incoming)
        try:
            yield LineReader(incoming, writer), writer
        finally:
            source.close()
            with anyio.move_on_after(FLUSH_TIMEOUT, shield=True):
                await writer.finish()


@contextmanager
def _claimed(fd: int, diversion: str | None) -> Iterator[int]:
    """A private duplicate of a standard stream, whose own number leads elsewhere for the time being."""
    wire = os.dup(fd)
    blocking = os.get_blocking(fd)
    elsewhere = os.open(diversion, os.O_RDONLY) if diversion else os.dup(2)
    try:
        os.dup2(elsewhere, fd)
        os.close(elsewhere)
        yield wire
    finally:
        os.dup2(wire, fd)
        # The setting belongs to the open file, which a shell may share with us.
        os.set_blocking(fd, blocking)
        os.close(wire)


class LineWriter:
    """The SDK's write stream: one message a line."""

    def __init__(self, writer: asyncio.StreamWriter, incoming: asyncio.StreamReader) -> None:
        self._writer = writer
        self._incoming = incoming

    async def send(self, item: SessionMessage) -> None:
        """Writes a message; waits while the client is slow to read.

        Raises:
            anyio.BrokenResourceError: the client has closed the pipe.
        """
        try:
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        except (PydanticSerializationError, ValueError, RecursionError):
            line = _unwritable(item)
        await self.write_line(line)

    async def write_line(self, line: str) -> None:
        """Writes one line of JSON."""
        try:
            self._writer.write(line.encode() + b"\n")
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            # uvloop says RuntimeError of a transport that is closed.
            if not self._incoming.at_eof():
                # Nobody reads us any more, so nobody can be served: end as on EOF.
                self._incoming.feed_eof()
            raise anyio.BrokenResourceError from None

    async def finish(self) -> None:
        """Waits until everything is written, then closes."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def aclose(self) -> None:
        """Closed with the streams, once everything is written."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class LineReader:
    """The SDK's read stream: the messages that can be read. A line that cannot is answered here."""

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
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError:
                message = None
            if message is None or (isinstance(message, JSONRPCNotification) and b'"id"' in line):
                message = await self._second_look(line)
            if message is not None:
                return SessionMessage(message)

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
            # What is left is the end of the line that was too long.
            await self._refuse(None, INVALID_REQUEST, f"Line over {MAX_LINE_BYTES} bytes")
            too_long = False

    async def _second_look(self, line: bytes) -> JSONRPCMessage | None:
        """Reads what the strict parser refused, or took for a notification though it may have an id.

        Bytes that are not UTF-8 and lone surrogates become U+FFFD. What is no message even so is answered.
        """
        try:
            parsed = json.loads(line.decode("utf-8", "replace"))
            parsed = json.loads(without_lone_surrogates(json.dumps(parsed, ensure_ascii=False)))
        except (ValueError, RecursionError):
            await self._refuse(None, PARSE_ERROR, "Parse error: a line must be one JSON object")
            return None
        try:
            message = jsonrpc_message_adapter.validate_python(parsed, by_name=False)
        except ValidationError:
            message = None
        # A request whose id is none of JSON-RPC's would pass for a notification and never be answered.
        if message is None or (isinstance(message, JSONRPCNotification) and "id" in parsed):
            request_id = parsed.get("id") if isinstance(parsed, dict) else None
            known = isinstance(request_id, int | str) and not isinstance(request_id, bool)
            await self._refuse(
                request_id if known else None, INVALID_REQUEST, "Invalid Request: not a JSON-RPC message"
            )
            return None
        return message

    async def _refuse(self, request_id: Any, code: int, message: str) -> None:
        with suppress(anyio.BrokenResourceError):
            await self._writer.write_line(_error_line(request_id, code, message))

    async def aclose(self) -> None:
        self._closed = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _unwritable(item: SessionMessage) -> str:
    """What goes out for a message that cannot be put into UTF-8 as it is."""
    message = item.message
    try:
        return without_lone_surrogates(
            json.dumps(message.model_dump(by_alias=True, exclude_unset=True), ensure_ascii=False)
        )
    except (TypeError, ValueError, RecursionError):
        return _error_line(getattr(message, "id", None), INTERNAL_ERROR, "The result cannot be written as JSON")


def _error_line(request_id: Any, code: int, message: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}})
