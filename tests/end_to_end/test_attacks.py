"""Attacks on a server process: beside each of them another caller is served, and a signal ends the process.

Each attack is one step, which is repeated all the time. A caller, the model, the API or a stranger without a token
makes it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest

from mcp_grok.auth.tokens import new_token
from mcp_grok.limits import SHUTDOWN_TIMEOUT
from tests.chat import CHAT, HELLO, body_of, completion
from tests.http.requests import result_of
from tests.http.test_bounded_body import EMPTY_LISTS, NUMBERS, request_with
from tests.http.test_metrics import free_port
from tests.process import MCP_GROK, environment, listening_process, modern_call
from tests.replay import COMPLETION, Exchange, Replay, hold
from tests.upstream.test_json_output import ATTACKS as SCHEMAS
from tests.upstream.test_json_output import by

DRAIN = 1.0
PATIENCE = 1.0
"""Seconds in which the other caller's call is answered."""

LIMITED = ("sh", "-c", 'ulimit -n 400; exec "$@"', "sh", *MCP_GROK)
"""A server that may have 400 connections, files and the like, so that a test can use them up."""

FILES = 400


@dataclass
class Target:
    """The server that is attacked.

    Attributes:
        url: Its address.
        client: Of the caller who attacks.
        metrics: The address of its metrics.
        opened: Connections that are kept open until the end.
    """

    url: str
    metrics: str
    client: httpx2.AsyncClient
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def ask(self, text: str, **arguments: Any) -> None:
        """Calls the chat tool."""
        await asked(self.client, self.url, text, **arguments)

    async def post(self, arguments: bytes, **headers: str) -> None:
        """Sends a request that holds other JSON."""
        own, body = request_with(arguments)
        await self.client.post(self.url, content=body, headers={**own, **headers})

    async def open(self, sent: bytes) -> None:
        """Opens a connection, and sends something."""
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(self.url).port)
        self.opened.append(writer)
        writer.write(sent)


def asking(text: str, **arguments: Any) -> dict[str, Any]:
    """The arguments of a call with a text."""
    return {"messages": [{"role": "user", "content": text}], **arguments}


def client_of(token: str) -> httpx2.AsyncClient:
    """An HTTP client of a caller, with a connection for each request: an idle one may be closed to make room."""
    headers = {"authorization": f"Bearer {token}"}
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    # To load certificates would take longer than a call.
    return httpx2.AsyncClient(headers=headers, limits=limits, trust_env=False, verify=False, timeout=60)


async def asked(client: httpx2.AsyncClient, url: str, text: str, **arguments: Any) -> Any:
    """The JSON that a call of the chat tool gives."""
    headers, request = modern_call(CHAT, asking(text, **arguments))
    return body_of(result_of(await client.post(url, json=request, headers=headers)))


def delta(**fields: Any) -> bytes:
    """An event of a stream."""
    return b"data: " + json.dumps({"choices": [{"index": 0, **fields}]}).encode() + b"\n\n"


def tool_call_of(*arguments: str) -> bytes:
    """A stream with a call of a function, whose arguments come in pieces."""
    first = {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in arguments]
    events = [delta(delta={"tool_calls": [one]}) for one in (first, *rest)]
    return b"".join([*events, delta(delta={}, finish_reason="tool_calls"), b"data: [DONE]\n\n"])


LISTS_TEXT = EMPTY_LISTS.decode()
FORMAT = json.dumps({"messages": HELLO["messages"], "response_format": LISTS_TEXT}).encode()
LARGE = json.dumps(asking("hold", stream=True, user="x" * 15_000_000)).encode()

ANSWERS: dict[str, bytes | None] = {
    "hold": None,
    "lists": EMPTY_LISTS,
    "events": b'data: {"choices":[{"index":0,"delta":{"x":[[],[],[],[],[],[],[]]}}]}\n\n' * 50_000,
    "tool call": tool_call_of(LISTS_TEXT[: len(LISTS_TEXT) // 2], LISTS_TEXT[len(LISTS_TEXT) // 2 :]),
    **{name: json.dumps(completion(content)).encode() for name, (_, content) in SCHEMAS.items()},
}
"""What the API answers to a text of an attack; None where it begins a stream that does not end."""


def schema(name: str) -> Callable[[Target], Awaitable[None]]:
    """The check of an answer by a schema of the caller."""
    return lambda target: target.ask(name, response_format=by(SCHEMAS[name][0]))


async def together(attack: Callable[[int], Awaitable[Any]], times: int) -> None:
    """Makes an attack several times at once."""
    await asyncio.gather(*map(attack, range(times)), return_exceptions=True)


async def leave(target: Target, arguments: bytes) -> None:
    """Makes a call, and goes away once it has begun."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await target.post(arguments)


async def make_up_models(target: Target) -> None:
    """Names that would be labels, and reads the metrics."""
    await together(lambda number: target.ask("Hello", model=f"{number}{'x' * 100_000}"), 10)
    await together(lambda number: target.ask("Hello", model=f"{number}{'x' * 100}"), 10)
    await together(lambda _: target.client.get(target.metrics), 20)


Attack = Callable[[Target], Awaitable[None]]

ATTACKS: dict[str, Attack] = {
    **{f"schema: {name}": schema(name) for name in ("backtracking", "allOf", "dynamic", "unique items")},
    "lists of a stranger": lambda target: target.post(EMPTY_LISTS, authorization=""),
    "lists of a caller": lambda target: target.post(EMPTY_LISTS),
    "numbers of a caller": lambda target: target.post(NUMBERS),
    "lists in a text of a caller": lambda target: target.post(FORMAT),
    "lists of the API": lambda target: target.ask("lists"),
    "lists in events of the API": lambda target: target.ask("events", stream=True),
    "lists in a function's arguments of the API": lambda target: target.ask("tool call", stream=True),
    "calls at once": lambda target: together(lambda number: target.ask("hold", stream=True, seed=number), 40),
    "large calls that are left": lambda target: leave(target, LARGE),
    "made-up models": make_up_models,
    "idle connections": lambda target: together(lambda _: target.open(b""), FILES),
    "half requests": lambda target: together(lambda _: target.open(b"POST /mcp HTTP/1.1\r\nhost: x\r\n"), FILES),
    "half bodies": lambda target: together(
        lambda _: target.open(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{"), FILES // 4
    ),
}
"""One step of each attack."""


async def repeat(attack: Attack, target: Target, once: asyncio.Event) -> None:
    """Makes an attack again and again, whatever it gets; connections are opened once."""
    while not target.opened:
        with suppress(httpx2.HTTPError, OSError, AssertionError):
            await attack(target)
            once.set()
        await anyio.lowlevel.checkpoint()


async def answer(exchange: Exchange) -> None:
    """Answers as the text of a request says."""
    text = exchange.request.json["messages"][-1]["content"]
    content = ANSWERS.get(text, json.dumps(COMPLETION).encode())
    if content is None:
        await hold(exchange)
        return
    kind = "text/event-stream" if content.startswith(b"data:") else "application/json"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n\r\n"
    exchange.send(head.encode() + content)
    await exchange.writer.drain()


@pytest.mark.alone
@pytest.mark.parametrize("name", ATTACKS)
async def test_another_caller_is_served_and_a_signal_obeyed(upstream: Replay, tmp_path: Path, name: str) -> None:
    ann, bob = (client_of(new_token(tmp_path / "tokens", who)) for who in ("ann", "bob"))
    upstream.behave = answer
    port = free_port()
    options = ("--token-file", str(tmp_path / "tokens"), "--drain", str(DRAIN), "--metrics-port", str(port))
    serving = listening_process(environment(upstream, handoff_after="0.5"), "http", *options, command=LIMITED)
    async with ann, bob, serving as (url, process):
        target = Target(url, f"http://127.0.0.1:{port}/metrics", ann)
        once = asyncio.Event()
        attacking = asyncio.create_task(repeat(ATTACKS[name], target, once))
        try:
            number = 0
            while number < 5 or not once.is_set():
                number += 1
                with anyio.fail_after(PATIENCE):
                    assert await asked(bob, url, "Hello", seed=number) == COMPLETION
            process.terminate()
            with anyio.fail_after(DRAIN + SHUTDOWN_TIMEOUT + PATIENCE):
                await process.wait()
        finally:
            attacking.cancel()
            await asyncio.wait([attacking])
            for writer in target.opened:
                writer.close()
