"""Bodies that are large, slow or costly to parse, from strangers, callers and the API, against server processes."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import psutil
import pytest

from mcp_grok.http.bounded_body import BoundedBody
from mcp_grok.limits import MAX_REQUEST_ITEMS, MAX_SMALL_REQUEST_BYTES, MIB
from tests.chat import HELLO
from tests.http.requests import call, get
from tests.process import modern_call, serving
from tests.replay import COMPLETION, Replay

EMPTY_LISTS = b"[" + b"[]," * (10 * MIB) + b"0]"
"""31 MB that would take a gigabyte."""

NUMBERS = b"[" + b",".join([b"9" * 4299] * 2000) + b"]"
"""8 MB whose numbers would take seconds."""


def request_with(arguments: bytes, method: str = "tools/call") -> tuple[dict[str, str], bytes]:
    """Headers and body of a request that holds other JSON."""
    headers, request = modern_call("grok_chat_completions", "HERE")
    body = json.dumps({**request, "method": method}).encode().replace(b'"HERE"', arguments)
    return {**headers, "content-type": "application/json"}, body


async def posted(url: str, headers: dict[str, str], body: bytes) -> httpx2.Response:
    """The response to a body."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(url, content=body, headers=headers)


async def memory_during(process: asyncio.subprocess.Process, attacks: list[Awaitable[Any]]) -> int:
    """The bytes by which a server process grows during attacks."""
    server = psutil.Process(process.pid)
    before = most = server.memory_info().rss
    attacking = asyncio.gather(*attacks)
    while not attacking.done():
        most = max(most, server.memory_info().rss)
        await asyncio.sleep(0.005)
    await attacking
    return int(most - before)


@pytest.mark.parametrize("content", [EMPTY_LISTS, NUMBERS], ids=["lists", "numbers"])
@pytest.mark.parametrize("method", ["tools/call", "tools/list"])
async def test_costly_body_is_refused_before_it_is_parsed(upstream: Replay, content: bytes, method: str) -> None:
    headers, body = request_with(content, method)
    async with serving(upstream, "http") as (url, process):
        attacks: list[Awaitable[httpx2.Response]] = [posted(url, headers, body)]
        grown = await memory_during(process, attacks)
        assert await call(url) == COMPLETION
    # The body itself is held twice: as it arrives, and whole.
    assert grown < 2 * len(body) + 40 * MIB


async def test_refusal_of_a_costly_body_has_its_id_and_what_to_do(upstream: Replay) -> None:
    headers, body = request_with(b'{"messages": [' + b"{}," * MAX_REQUEST_ITEMS + b"{}]}")
    async with serving(upstream, "http") as (url, _):
        response = await posted(url, headers, body)
    assert response.status_code == 400
    assert response.json()["id"] == 1
    assert "send less" in response.json()["error"]["message"]


async def test_long_text_is_no_costly_body(upstream: Replay) -> None:
    text = "[],{}," * 200_000
    async with serving(upstream, "http") as (url, _):
        assert await call(url, arguments={"messages": [{"role": "user", "content": text}]}) == COMPLETION


async def test_only_calls_of_tools_may_be_large(upstream: Replay) -> None:
    text = json.dumps("x" * MAX_SMALL_REQUEST_BYTES).encode()
    async with serving(upstream, "http") as (url, _):
        headers, body = request_with(text, "tools/list")
        response = await posted(url, headers, body)
    assert response.status_code == 400
    assert "only tools/call" in response.json()["error"]["message"]


async def test_stranger_without_the_required_key_may_send_little(upstream: Replay) -> None:
    headers, body = request_with(json.dumps({**HELLO, "user": "x" * MAX_SMALL_REQUEST_BYTES}).encode())
    async with serving(upstream, "http", "--caller-keys", "require") as (url, _):
        assert (await posted(url, headers, body)).status_code == 413
        assert (await posted(url, {**headers, "x-grok-api-key": "own"}, body)).status_code == 200


@pytest.mark.parametrize("beginning", [b"", b"{"])
async def test_body_that_does_not_arrive_is_ended(beginning: bytes) -> None:
    sent: list[Any] = []
    pending = [{"type": "http.request", "body": beginning, "more_body": True}]

    async def receive() -> Any:
        return pending.pop() if pending else await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError("the body has not arrived")

    scope = {"type": "http", "method": "POST", "headers": []}
    await BoundedBody(app, lambda scope: 100, timeout=0.1)(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_time_limit_is_over_once_the_body_has_arrived() -> None:
    ended = anyio.Event()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        raise AssertionError("nothing failed")

    async def app(*_: Any) -> None:
        with anyio.move_on_after(0.3):
            await anyio.sleep_forever()
        ended.set()

    scope = {"type": "http", "method": "POST", "headers": []}
    await BoundedBody(app, lambda scope: 100, timeout=0.1)(scope, receive, send)
    assert ended.is_set()


@pytest.mark.parametrize(
    "answer",
    [
        EMPTY_LISTS,
        NUMBERS,
        json.dumps(COMPLETION).encode()[:-1] + b',"x":' + EMPTY_LISTS + b"}",
        b"data: " + EMPTY_LISTS + b"\n\n",
        b'data: {"choices":[{"index":0,"delta":{"x":[[],[],[],[],[],[],[]]}}]}\n\n' * 100_000,
    ],
    ids=["lists", "numbers", "completion", "event", "events"],
)
async def test_costly_answer_stops_no_other_caller(upstream: Replay, answer: bytes) -> None:
    async with serving(upstream, "http") as (url, process):
        upstream.answer(answer)
        attack = asyncio.create_task(memory_during(process, [call(url)]))
        await upstream.exchanges.get()
        upstream.answer(COMPLETION)
        while not attack.done():
            with anyio.fail_after(5):
                assert (await get(url.replace("mcp", "healthz"))).status_code == 200
        grown = await attack
        assert await call(url, arguments={**HELLO, "seed": 2}) == COMPLETION
    assert grown < 250 * MIB


async def test_slow_headers_and_bodies_do_not_hold_up_a_stop(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, process):
        port = urlsplit(url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        assert await call(url) == COMPLETION
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
        writer.close()
        with suppress(ConnectionResetError):
            assert b"200" not in await reader.read()
