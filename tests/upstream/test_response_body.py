"""The body of an answer has bounds, and what a call leaves on its connection never reaches the next one."""

import gzip
import json
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest

from mcp_grok.errors import ResponseTooLarge
from mcp_grok.settings import Settings
from mcp_grok.upstream.response_body import BoundedBody
from tests.replay import COMPLETION, Exchange, Replay
from tests.upstream.clients import ask, client_for

ANSWER = json.dumps(COMPLETION).encode()
OTHER = ANSWER.replace(b"Yo!", b"the answer to another")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "first",
    [
        HEAD % len(ANSWER) + ANSWER + HEAD % len(OTHER) + OTHER,
        HEAD % len(ANSWER) + ANSWER + b"\r\n",
        CHUNKED % (len(ANSWER), ANSWER) + b"surplus",
    ],
    ids=["a second response", "a line break too many", "bytes after the last chunk"],
)
async def test_surplus_bytes_end_the_connection(upstream: Replay, settings: Settings, first: bytes) -> None:
    answers = [first, HEAD % len(ANSWER) + ANSWER]

    async def behave(exchange: Exchange) -> None:
        exchange.send(answers.pop(0))

    upstream.behave = behave
    async with client_for(settings) as client:
        assert (await ask(client)).body == COMPLETION
        assert (await ask(client)).body == COMPLETION
    assert upstream.connections == 2


async def test_connection_is_used_again_after_a_compressed_answer(upstream: Replay, settings: Settings) -> None:
    upstream.answer(gzip.compress(ANSWER), headers="content-encoding: gzip\r\n")
    async with client_for(settings) as client:
        for _ in range(2):
            assert (await ask(client)).body == COMPLETION
    assert upstream.connections == 1


async def test_cookies_are_not_kept(upstream: Replay, settings: Settings) -> None:
    upstream.answer(COMPLETION, headers="set-cookie: a=1\r\n")
    async with client_for(settings) as client:
        for _ in range(2):
            await ask(client)
    assert "cookie" not in upstream.requests[1].headers


class Drip(httpx2.AsyncByteStream):
    """A body of many small pieces that are all there."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(200_000):
            yield b"x"


async def test_body_without_pauses_leaves_others_their_turn(settings: Settings) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    body = BoundedBody(httpx2.Response(200, stream=Drip()), settings.endpoint, 10**6, "ask for less")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take_turns)
        received = [piece async for piece in body.pieces()]
        tasks.cancel_scope.cancel()
    assert body.size == len(b"".join(received)) == 200_000
    assert turns > 3


async def test_body_over_the_limit_is_an_error(settings: Settings) -> None:
    body = BoundedBody(httpx2.Response(200, stream=Drip()), settings.endpoint, 1000, "ask for less")
    with pytest.raises(ResponseTooLarge, match="over 1000 bytes; ask for less"):
        async for _ in body.pieces():
            pass
