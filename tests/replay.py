"""An upstream on a real socket, which plays the bytes of a test and counts its requests."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

COMPLETION = {
    "id": "foaicmpl-1",
    "model": "grok-4",
    "object": "chat.completion",
    "created": 1755839683,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yo!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
}

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"so far"}}]}\n\n'
REST = b'data: {"choices":[{"index":0,"delta":{"content":", done"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
"""The beginning of a stream, and what makes it whole."""


@dataclass
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Exchange:
    """One request under way, and the connection to answer it on."""

    request: Received
    writer: asyncio.StreamWriter
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, content: bytes) -> None:
        """Writes bytes to the socket as they are."""
        self.writer.write(content)

    def head(self, status: int = 200, content_type: str = "text/event-stream", extra: str = "") -> None:
        """Begins an answer whose body comes in chunks."""
        self.send(
            f"HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\n{extra}"
            "transfer-encoding: chunked\r\n\r\n".encode()
        )

    def chunk(self, content: bytes) -> None:
        """Sends a piece of the body."""
        self.send(b"%x\r\n" % len(content) + content + b"\r\n")

    def end(self) -> None:
        """Ends the body."""
        self.send(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """Closes the connection."""
        self.writer.close()


Behaviour = Callable[[Exchange], Coroutine[Any, Any, None]]


class Replay:
    """The server. Set `behave`, or use `answer`, `stream` or `raw`; without any it gives `COMPLETION`."""

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._tls = tls
        self.port = port
        self.requests: list[Received] = []
        self.connections = 0
        self.open_connections = 0
        self.exchanges: asyncio.Queue[Exchange] = asyncio.Queue()
        self.answer(COMPLETION)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, body: Any, status: int = 200, content_type: str = "application/json", headers: str = "") -> None:
        """Answers every request with a body: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def behave(exchange: Exchange) -> None:
            exchange.send(
                f"HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\n{headers}"
                f"content-length: {len(content)}\r\n\r\n".encode()
                + content
            )

        self.behave: Behaviour = behave

    def stream(self, *pieces: bytes, content_type: str = "text/event-stream", whole: bool = True) -> None:
        """Answers every request with a chunked body; without `whole` the connection is cut after the pieces."""

        async def behave(exchange: Exchange) -> None:
            exchange.head(content_type=content_type)
            for piece in pieces:
                exchange.chunk(piece)
                await exchange.writer.drain()
            if whole:
                exchange.end()
            else:
                exchange.hang_up()

        self.behave = behave

    def raw(self, content: bytes) -> None:
        """Answers every request with bytes that need not be HTTP, and hangs up."""

        async def behave(exchange: Exchange) -> None:
            exchange.send(content)
            exchange.hang_up()

        self.behave = behave

    async def __aenter__(self) -> Self:
        self._handlers: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=2**26, backlog=1024, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        self.open_connections += 1
        number = self.connections
        exchange: Exchange | None = None
        try:
            while True:
                request = await _read_request(reader, number)
                self.requests.append(request)
                exchange = Exchange(request, writer)
                self.exchanges.put_nowait(exchange)
                behaving = asyncio.create_task(self.behave(exchange))
                # Reading on while answering is how the client's going away is noticed.
                following = asyncio.create_task(reader.read(1))
                try:
                    await asyncio.wait({behaving, following}, return_when=asyncio.FIRST_COMPLETED)
                    if not behaving.done():
                        exchange.closed.set()
                        behaving.cancel()
                        return
                    behaving.result()
                    first = await following
                    if not first:
                        return
                    reader = _put_back(reader, first)
                finally:
                    following.cancel()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            if exchange is not None:
                exchange.closed.set()
            writer.close()
            self._handlers.discard(task)


def held_after(content: bytes) -> Behaviour:
    """The behaviour that begins a stream with some content and never ends it."""

    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(content)
        await exchange.closed.wait()

    return behave


hold = held_after(TEXT)


def slow_down(upstream: Replay, seconds: float) -> None:
    """Makes an upstream take some time over each answer."""
    answering = upstream.behave

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await answering(exchange)

    upstream.behave = behave


class Held:
    """An upstream's behaviour that answers once `release` is set."""

    def __init__(self, upstream: Replay) -> None:
        self.release = asyncio.Event()
        self.answering = upstream.behave
        upstream.behave = self

    async def __call__(self, exchange: Exchange) -> None:
        await self.release.wait()
        await self.answering(exchange)


class HeldStream(Held):
    """An upstream's behaviour that begins a stream, and ends it once `release` is set."""

    def __init__(self, upstream: Replay, text: bytes = TEXT) -> None:
        super().__init__(upstream)
        self._text = text

    async def __call__(self, exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(self._text)
        await self.release.wait()
        exchange.chunk(REST)
        exchange.end()


def _put_back(reader: asyncio.StreamReader, first: bytes) -> asyncio.StreamReader:
    buffer: bytearray = reader._buffer  # type: ignore[attr-defined]
    buffer[:0] = first
    return reader


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
    length = int(headers.get("content-length", "0"))
    body = await reader.readexactly(length)
    match = re.match(r"\w+ (\S+)", request_line)
    assert match is not None
    return Received(match[1], headers, body, connection)
