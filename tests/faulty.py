"""An upstream that fails at random, and knows what it would have charged for."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from types import TracebackType
from typing import Any, Self

from tests.replay import COMPLETION

FAULTS = {
    "none": 40,
    "reset before the request is read": 6,
    "reset after it": 6,
    "rate limited": 10,
    "used up": 3,
    "unavailable": 10,
    "stall": 5,
    "cut": 8,
    "garbage": 6,
}
"""What happens to a request, and how often of about a hundred."""


class Faulty:
    """The server.

    Args:
        seed: Of all that is random.
        work: Seconds, at least and at most, that an answer takes.

    Attributes:
        bills: How often the work was begun for each question.
        requests: How often each question came.
        answers: The answers that were sent whole, by question.
        begun: Set for a question when the work for it begins.
        idle: Set while no request is under way.
    """

    def __init__(self, seed: int, work: tuple[float, float]) -> None:
        self._work = work
        self._random = random.Random(seed)
        self.bills: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.answers: defaultdict[str, list[str]] = defaultdict(list)
        self.begun: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.idle = asyncio.Event()
        self._active: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """Those that are open."""
        return len(self._writers)

    async def __aenter__(self) -> Self:
        await self._listen(0)
        self._port = self._server.sockets[0].getsockname()[1]
        self._refusing = asyncio.create_task(self._refuse_now_and_then())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._refusing.cancel()
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)

    async def _refuse_now_and_then(self) -> None:
        """Nobody listens for a moment; connections that are open stay."""
        while True:
            await asyncio.sleep(self._random.uniform(0.1, 0.4))
            self._server.close()
            await asyncio.sleep(0.02)
            await self._listen(self._port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._exchange(reader, writer):
                self._done(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._done(writer)
            self._writers.discard(writer)
            writer.close()

    def _done(self, writer: asyncio.StreamWriter) -> None:
        self._active.discard(writer)
        if not self._active:
            self.idle.set()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self._active.add(writer)
        self.idle.clear()
        [fault] = self._random.choices(list(FAULTS), list(FAULTS.values()))
        if fault == "reset before the request is read":
            writer.transport.abort()
            return False
        length = next(line.split(": ")[1] for line in head.lower().split("\r\n") if line.startswith("content-length"))
        asked = json.loads(await reader.readexactly(int(length)))
        self.requests[asked["user"]] += 1
        return await self._answer(asked, fault, reader, writer)

    async def _answer(
        self, asked: dict[str, Any], fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        question = asked["user"]
        if fault == "rate limited":
            after = self._random.choice(["", "retry-after: 0\r\n", "retry-after-ms: 20\r\n", "retry-after: 999\r\n"])
            return _error(writer, 429, "too_many_requests", after)
        if fault == "used up":
            return _error(writer, 403, "used_up")
        if fault == "unavailable":
            return _error(writer, 503, "api_error")
        self.bills[question] += 1
        self.begun[question].set()
        await asyncio.sleep(self._random.uniform(*self._work))
        if fault == "reset after it":
            writer.transport.abort()
            return False
        text = f"{question} #{self.requests[question]} " + "é" * self._random.randrange(2000)
        body = _stream(text) if asked.get("stream") else _whole(text)
        if fault == "garbage":
            body = self._random.randbytes(200)
        kind = "text/event-stream" if asked.get("stream") else "application/json"
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        if fault in ("stall", "cut"):
            writer.write(body[: self._random.randrange(len(body) // 2)])
            await writer.drain()
            if fault == "stall":
                await reader.read()
            return False
        writer.write(body)
        await writer.drain()
        if fault == "none":
            self.answers[question].append(text)
        return True


def _error(writer: asyncio.StreamWriter, status: int, code: str, headers: str = "") -> bool:
    body = json.dumps({"error": {"code": code, "message": "no"}}).encode()
    head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\n{headers}content-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    return True


def _whole(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({**COMPLETION, "choices": [choice]}).encode()


def _stream(text: str) -> bytes:
    pieces = [text[start : start + 100] for start in range(0, len(text), 100)]
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    lines = [f"data: {json.dumps({**chunk, 'id': '1', 'model': 'grok-4'})}\n\n" for chunk in [*chunks, last]]
    return ("".join(lines) + "data: [DONE]\n\n").encode()
