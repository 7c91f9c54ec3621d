"""A cancellation and the same call again, in one write or moments apart, over every connection and store.

A client that timed out pays once, or learns of a lost call. A call that a user cancelled is never picked up.
"""

import asyncio
import json
import random
import re
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.chat import CHAT, HELLO, body_of
from tests.process import (
    INITIALIZE,
    MODERN_META,
    TIMED_OUT,
    ServerProcess,
    environment,
    listening_process,
    server_process,
)
from tests.replay import COMPLETION, Exchange, Replay

pytestmark = pytest.mark.alone

QUESTIONS = 48
AT_ONCE = 24
WORK = 0.15
"""Seconds that the upstream works on an answer."""


class Stdio:
    """A client that writes messages in order to a server's stdin."""

    def __init__(self, server: ServerProcess, era: str) -> None:
        self._server = server
        self._era = era

    def ask(self, user: str) -> tuple[int, asyncio.Future[Any]]:
        """Calls the tool; the request's id and its answer to come."""
        return self._server.ask_grok(user=user, meta=MODERN_META if self._era == "modern" else None)

    def cancel(self, request_id: int, reason: str) -> None:
        """Cancels a request."""
        self._server.cancel(request_id, reason)


class Sse:
    """A client that posts messages in order on one connection, and reads answers on another."""

    def __init__(self, era: str) -> None:
        self._era = era
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._next = 0

    async def connect(self, url: str) -> "Sse":
        """Opens both connections."""
        matched = re.match(r"http://(.*):(\d+)/sse", url)
        assert matched is not None
        self._host, port = matched[1], int(matched[2])
        reader, writer = await asyncio.open_connection(self._host, port, limit=2**24)
        writer.write(f"GET /sse HTTP/1.1\r\nhost: {self._host}\r\naccept: text/event-stream\r\n\r\n".encode())
        while not (line := await reader.readline()).startswith(b"data: "):
            pass
        self._path = line[6:].strip().decode()
        sink, self._posts = await asyncio.open_connection(self._host, port)
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._drain(sink))]
        self._streams = writer, self._posts
        if self._era == "legacy":
            _, answer = self._request("initialize", INITIALIZE)
            await answer
            self._post({"method": "notifications/initialized"})
        return self

    async def close(self) -> None:
        """Closes both connections."""
        for task in self._tasks:
            task.cancel()
        for stream in self._streams:
            stream.close()

    def ask(self, user: str) -> tuple[int, asyncio.Future[Any]]:
        """Calls the tool; the request's id and its answer to come."""
        meta = {"_meta": MODERN_META} if self._era == "modern" else {}
        return self._request("tools/call", {"name": CHAT, "arguments": {**HELLO, "user": user}, **meta})

    def cancel(self, request_id: int, reason: str) -> None:
        """Cancels a request."""
        self._post({"method": "notifications/cancelled", "params": {"requestId": request_id, "reason": reason}})

    def _request(self, method: str, params: dict[str, Any]) -> tuple[int, asyncio.Future[Any]]:
        self._next += 1
        answer = self._answers[self._next] = asyncio.get_running_loop().create_future()
        self._post({"id": self._next, "method": method, "params": params})
        return self._next, answer

    def _post(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        head = f"POST {self._path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
        self._posts.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            if line.startswith(b"data: {"):
                message = json.loads(line[6:])
                if answer := self._answers.pop(message.get("id"), None):
                    answer.set_result(message)

    async def _drain(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(65536):
            pass


async def one(client: Stdio | Sse, user: str, *, by_user: bool, wait: float, sent: asyncio.Event | None) -> Any:
    """Calls, cancels after a moment and calls again in the same write; the second result."""
    number, _ = client.ask(user)
    if sent is not None:
        await sent.wait()
    await asyncio.sleep(wait)
    client.cancel(number, "user pressed escape" if by_user else TIMED_OUT)
    _, again = client.ask(user)
    result = (await asyncio.wait_for(again, 30))["result"]
    assert body_of(result) == COMPLETION
    return result.get("_meta", {})


@pytest.mark.timeout(100)
@pytest.mark.parametrize("way", ["stdio legacy", "stdio modern", "sse legacy", "sse modern"])
async def test_repeat_in_the_same_write_as_a_cancellation(upstream: Replay, way: str, store: str) -> None:
    answering = upstream.behave
    arrived: dict[str, asyncio.Event] = {}
    sent: Counter[str] = Counter()

    async def behave(exchange: Exchange) -> None:
        user = exchange.request.json["user"]
        sent[user] += 1
        arrived.setdefault(user, asyncio.Event()).set()
        await asyncio.sleep(WORK)
        await answering(exchange)

    upstream.behave = behave
    given = environment(upstream, max_concurrency="64", store=store)
    transport, era = way.split()
    async with AsyncExitStack() as stack:
        client: Stdio | Sse
        if transport == "stdio":
            server = await stack.enter_async_context(server_process(given, handshake=era == "legacy"))
            client = Stdio(server, era)
        else:
            url, _ = await stack.enter_async_context(listening_process(given, "sse"))
            client = await Sse(era).connect(url)
            stack.push_async_callback(client.close)
        chance = random.Random(way)
        places = asyncio.Semaphore(AT_ONCE)

        async def check(number: int) -> None:
            user, by_user = f"question {number}", chance.random() < 0.5
            when = arrived.setdefault(user, asyncio.Event()) if chance.random() < 0.5 else None
            wait = chance.choice([0, chance.uniform(0, 0.003)])
            async with places:
                meta = await one(client, user, by_user=by_user, wait=wait, sent=when)
            if by_user:
                assert "mcp-grok/picked_up" not in meta, user
            else:
                assert sent[user] <= 1 + len(meta.get("mcp-grok/lost", [])), user

        await asyncio.gather(*(check(number) for number in range(QUESTIONS)))
