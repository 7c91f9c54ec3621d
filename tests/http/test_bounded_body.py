"""Bodies that are large, slow or costly to parse, from strangers, callers and the API, against server processes."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import psutil
import pytest

from mcp_grok.auth.tokens import new_token
from mcp_grok.calls import RequestBytes
from mcp_grok.http.bounded_body import BoundedBody
from mcp_grok.limits import MAX_REQUEST_ITEMS, MAX_SMALL_REQUEST_BYTES, MIB, SMALL_REQUEST_BYTES
from mcp_grok.request_principal import PrincipalReader
from tests.chat import HELLO
from tests.http.requests import EMPTY_LISTS, call, get, request_with
from tests.process import Process, serving
from tests.replay import COMPLETION, Exchange, Replay

NUMBERS = b"[" + b",".join([b"9" * 4299] * 2000) + b"]"
"""8 MB whose numbers would take seconds."""


async def posted(url: str, headers: dict[str, str], body: bytes) -> httpx2.Response:
    """The response to a body."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        return await client.post(url, content=body, headers=headers)


async def memory_during(process: Process, attacks: list[Awaitable[Any]]) -> int:
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
    await BoundedBody(app, RequestBytes(), PrincipalReader(), timeout=0.1)(scope, receive, send)
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
    await BoundedBody(app, RequestBytes(), PrincipalReader(), timeout=0.1)(scope, receive, send)
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


LARGE = 20_000_000
PIECES = 20
ATTACKS = 24

HELD_BYTES = 400 * MIB
"""More than a server grows that holds 96 MiB of requests; 24 requests of 20 MB took it a gigabyte."""


async def sent_large(url: str, number: int, **own: str) -> tuple[int, str]:
    """The status and content of the answer to a call of 20 MB, whose rest is not sent once there is an answer."""
    headers, body = request_with(
        json.dumps({"messages": [{"role": "user", "content": "HERE"}], "seed": number}).encode()
    )
    before, after = body.split(b"HERE")
    address = urlsplit(url)
    headers |= {"host": address.netloc, "content-length": str(len(before) + LARGE + len(after)), **own}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(f"POST {address.path}?{address.query} HTTP/1.1\r\n{lines}\r\n".encode() + before)
        head = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        for _ in range(PIECES):
            if not head.done():
                writer.write(b"x" * (LARGE // PIECES))
                await writer.drain()
        writer.write(after)
        lines = (await head).decode().lower()
        content = await reader.readexactly(int(lines.partition("content-length: ")[2].partition("\r")[0]))
    finally:
        writer.close()
    return int(lines.split()[1]), content.decode()


@asynccontextmanager
async def answered_meanwhile(url: str, **headers: str) -> AsyncIterator[None]:
    """Calls of another caller during a block, each of which must be answered."""
    asking = True

    async def ask() -> None:
        number = 0
        while asking:
            number += 1
            with anyio.fail_after(5):
                assert await call(url, arguments={**HELLO, "seed": number}, **headers) == COMPLETION

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ask())
        yield
        asking = False
        await task


def hold_large(upstream: Replay) -> None:
    """Answers small calls alone."""
    answering = upstream.behave

    async def behave(exchange: Exchange) -> None:
        if len(exchange.request.body) > MIB:
            await exchange.closed.wait()
        await answering(exchange)

    upstream.behave = behave


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[str, dict[str, str], dict[str, str]]:
    """A token file, and the headers of two callers."""
    path = tmp_path / "tokens"
    ann, bob = ({"authorization": f"Bearer {new_token(path, name)}"} for name in ("ann", "bob"))
    return str(path), ann, bob


async def test_large_calls_of_one_caller_who_goes_away_take_bounded_memory(
    upstream: Replay, tokens: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    path, ann, bob = tokens
    hold_large(upstream)
    async with serving(upstream, "http", "--token-file", path, "--drain", "0") as (url, process):
        assert await call(url, **bob) == COMPLETION
        refused: list[tuple[int, str]] = []

        async def attack(number: int) -> None:
            with anyio.move_on_after(10):
                refused.append(await sent_large(url, number, **ann))

        async with answered_meanwhile(url, **bob):
            grown = await memory_during(process, [attack(number) for number in range(ATTACKS)])
        assert grown < HELD_BYTES
        assert Counter(status for status, _ in refused) == {429: ATTACKS - 2}
        for _, content in refused:
            error = json.loads(content)["error"]
            assert error["data"]["billed"] == "no"
            assert "when one of yours has ended" in error["message"]
        # Of two calls that continue, a repeat is still read; a third call is not sent.
        status, content = await sent_large(url, ATTACKS, **ann)
        assert status == 200
        assert "limit_reached" in content
    assert len([request for request in upstream.requests if len(request.body) > MIB]) == 2


async def test_large_calls_with_made_up_keys_take_bounded_memory(upstream: Replay) -> None:
    hold_large(upstream)
    async with serving(upstream, "http", "--caller-keys", "require", "--drain", "0") as (url, process):
        bob = {"x-grok-api-key": "bob"}
        assert await call(url, **bob) == COMPLETION
        answers: list[tuple[int, str]] = []

        async def attack(number: int) -> None:
            with anyio.move_on_after(10):
                answers.append(await sent_large(url, number, **{"x-grok-api-key": f"made-up-{number}"}))

        async with answered_meanwhile(url, **bob):
            grown = await memory_during(process, [attack(number) for number in range(ATTACKS)])
        assert grown < HELD_BYTES
        assert Counter(status for status, _ in answers) == {429: ATTACKS - 4}
        assert all("all its callers" in content for _, content in answers)


async def test_large_calls_over_sse_take_bounded_memory(
    upstream: Replay, tokens: tuple[str, dict[str, str], dict[str, str]]
) -> None:
    path, ann, bob = tokens
    hold_large(upstream)
    async with (
        serving(upstream, "http", "--token-file", path, "--drain", "0") as (url, process),
        httpx2.AsyncClient(trust_env=False, timeout=60) as client,
        client.stream("GET", url.replace("/mcp", "/sse"), headers=ann) as stream,
    ):
        events = (line.removeprefix("data: ") async for line in stream.aiter_lines() if line.startswith("data: "))
        messages = str(httpx2.URL(url).join(await anext(events)))
        assert await call(url, **bob) == COMPLETION
        statuses: Counter[int] = Counter()

        async def attack(number: int) -> None:
            statuses[(await sent_large(messages, number, **ann))[0]] += 1

        async with answered_meanwhile(url, **bob):
            grown = await memory_during(process, [attack(number) for number in range(ATTACKS)])
        assert grown < HELD_BYTES
        assert statuses[202] <= 4
        assert statuses[202] + statuses[429] == ATTACKS


async def test_memory_of_a_large_call_is_returned(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, process):
        assert await call(url) == COMPLETION
        server = psutil.Process(process.pid)
        before = server.memory_info().rss
        for number in range(3):
            assert (await sent_large(url, number))[0] == 200
        assert server.memory_info().rss < before + LARGE


async def test_only_the_arguments_of_a_call_may_be_large(upstream: Replay) -> None:
    headers, body = request_with(json.dumps(HELLO).encode())
    message = json.loads(body)
    message["params"]["_meta"]["x"] = "x" * SMALL_REQUEST_BYTES
    async with serving(upstream, "http") as (url, _):
        response = await posted(url, headers, json.dumps(message).encode())
    assert response.status_code == 400
    assert response.json()["id"] == 1
    assert "only the arguments" in response.json()["error"]["message"]


@pytest.mark.parametrize("as_text", [False, True])
async def test_large_arguments_arrive_whole(upstream: Replay, as_text: bool) -> None:
    arguments = {"messages": [{"role": "user", "content": "é😀\n" * SMALL_REQUEST_BYTES}], "seed": 7}
    async with serving(upstream, "http") as (url, _):
        given: Any = json.dumps(arguments) if as_text else arguments
        assert await call(url, arguments=given) == COMPLETION
    sent = upstream.requests[0].json
    assert (sent["messages"], sent["seed"]) == (arguments["messages"], 7)


async def test_large_arguments_that_are_no_object_are_refused(upstream: Replay) -> None:
    headers, body = request_with(json.dumps(["x" * SMALL_REQUEST_BYTES]).encode())
    async with serving(upstream, "http") as (url, _):
        error = (await posted(url, headers, body)).json()["error"]
    assert "arguments must be an object" in error["message"]


async def test_chunked_body_is_counted_as_it_arrives() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 60, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(*_: Any) -> None:
        raise AssertionError("the body is over the bound")

    counted = RequestBytes(total=100)
    scope = {"type": "http", "method": "POST", "headers": []}
    await BoundedBody(app, counted, PrincipalReader())(scope, receive, send)
    assert sent[0]["status"] == 429
    counted.body("", 100)
