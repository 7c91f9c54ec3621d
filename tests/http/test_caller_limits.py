"""Limits and turns of callers who try to get around them, against server processes."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from mcp_grok.auth.tokens import new_token
from tests.chat import CANCEL, CHAT, GET, HELLO
from tests.conftest import KEY
from tests.http.requests import call, post, result_of
from tests.process import MCP_GROK, environment, serving
from tests.replay import COMPLETION, Exchange, Held, HeldStream, Replay, hold
from tests.valkey import Valkey

TOGETHER = 40

STARTED = {"handoff_after": "0.5"}
"""A call that is sent but not answered gets a pending result."""

PENDING = "chat.completion.pending"
LARGE = "x" * 20_000_000

TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"a" * 4000)
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":990,"total_tokens":1000}}\n\n'
DONE = b"data: [DONE]\n\n"


def asking(text: str, **arguments: Any) -> dict[str, Any]:
    """The arguments of a call with a text."""
    return {"messages": [{"role": "user", "content": text}], **arguments}


async def together(*urls: str, **headers: str) -> list[str]:
    """The kinds, or codes of errors, of the results of different calls that are made at the same moment."""
    made = [call(urls[number % len(urls)], CHAT, asking(str(number)), **headers) for number in range(TOGETHER)]
    return [kind_of(result) for result in await asyncio.gather(*made)]


def kind_of(result: Any) -> str:
    """The kind of a result, or the code of an error."""
    return str(result["error"]["code"] if "error" in result else result["object"])


async def fetched(url: str, pending: Any, wanted: str, **headers: str) -> Any:
    """The result of a call, or the one for its id, once it has a wanted field."""
    result = pending
    with anyio.fail_after(20):
        while wanted not in result:
            result = await call(url, GET, {"id": pending["id"]}, **headers)
    return result


@pytest.fixture
def callers(tmp_path: Path) -> tuple[tuple[str, str], dict[str, str], dict[str, str]]:
    """The option for two callers, and the header of each."""
    tokens = tmp_path / "tokens"
    ann, bob = ({"authorization": f"Bearer {new_token(tokens, name)}"} for name in ("ann", "bob"))
    return ("--token-file", str(tokens)), ann, bob


async def test_calls_at_once_are_limited_at_the_same_moment(upstream: Replay, store: str) -> None:
    Held(upstream)
    options = ("--calls-at-once", "2", "--drain", "0")
    async with serving(upstream, "http", *options, store=store, **STARTED) as (url, _):
        assert sorted(await together(url)) == [PENDING] * 2 + ["limit_reached"] * (TOGETHER - 2)
    assert len(upstream.requests) == 2


async def test_calls_at_once_are_limited_over_servers(upstream: Replay, redis_url: str) -> None:
    Held(upstream)
    options = ("http", "--calls-at-once", "2", "--drain", "0")
    async with (
        serving(upstream, *options, store=redis_url, **STARTED) as (first, _),
        serving(upstream, *options, store=redis_url, **STARTED) as (second, _),
    ):
        assert sorted(await together(first, second)) == [PENDING] * 2 + ["limit_reached"] * (TOGETHER - 2)
    assert len(upstream.requests) == 2


@pytest.mark.timeout(90)
async def test_calls_of_a_dead_server_no_longer_count(upstream: Replay, redis_url: str) -> None:
    Held(upstream)
    options = ("--transport", "http", "--calls-at-once", "2")
    doomed = await asyncio.create_subprocess_exec(
        *(*MCP_GROK, "serve", *options, "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(upstream, store=redis_url, **STARTED)},
    )
    assert doomed.stderr is not None
    first = (await doomed.stderr.readline()).decode().split()[-1]
    async with serving(upstream, *options[1:], "--drain", "0", store=redis_url) as (second, _):
        assert sorted(await together(first)) == [PENDING] * 2 + ["limit_reached"] * (TOGETHER - 2)
        assert set(await together(second)) == {"limit_reached"}
        doomed.kill()
        await doomed.communicate()
        upstream.answer(COMPLETION)
        with anyio.fail_after(30):
            # They count until their lease ends.
            while kind_of(await call(second, CHAT, asking("again"))) == "limit_reached":
                pass


async def test_many_calls_of_one_caller_keep_no_other_waiting(
    upstream: Replay, callers: tuple[tuple[str, str], dict[str, str], dict[str, str]]
) -> None:
    option, ann, bob = callers

    async def behave(exchange: Exchange) -> None:
        if exchange.request.json["messages"][0]["content"] != "bob":
            await exchange.closed.wait()
        await answering(exchange)

    answering, upstream.behave = upstream.behave, behave
    async with serving(upstream, "http", *option, "--drain", "0", **STARTED) as (url, _):
        assert sorted(await together(url, **ann)) == [PENDING] * 32 + ["limit_reached"] * 8
        # It waits in no line, but a slow machine may hand it off.
        assert await fetched(url, await call(url, CHAT, asking("bob"), **bob), "choices", **bob) == COMPLETION


async def test_large_requests_of_one_caller_are_bounded_together(
    upstream: Replay, callers: tuple[tuple[str, str], dict[str, str], dict[str, str]]
) -> None:
    option, ann, bob = callers
    Held(upstream)
    async with serving(upstream, "http", *option, "--drain", "0", **STARTED) as (url, _):
        for number in range(2):
            assert kind_of(await call(url, CHAT, asking(LARGE, seed=number), **ann)) == PENDING
        error = (await call(url, CHAT, asking(LARGE, seed=4), **ann))["error"]
        assert (error["code"], error["billed"]) == ("limit_reached", "no")
        assert "when one of yours has ended" in error["message"]
        assert kind_of(await call(url, CHAT, asking("small"), **ann)) == PENDING
        assert kind_of(await call(url, CHAT, asking(LARGE), **bob)) == PENDING


@pytest.mark.parametrize("states_usage", [True, False])
async def test_stream_without_usage_does_not_pass_the_limit_of_tokens(upstream: Replay, states_usage: bool) -> None:
    async def behave(exchange: Exchange) -> None:
        asked = exchange.request.json.get("stream_options", {}).get("include_usage")
        exchange.head()
        for piece in (TEXT, END, *([USAGE] if asked and states_usage else []), DONE):
            exchange.chunk(piece)
        exchange.end()

    upstream.behave = behave
    options = asking("Hello", stream=True, stream_options={"include_usage": False})
    async with serving(upstream, "http", "--tokens-per-day", "1500", provider="custom", default_model="m") as (url, _):
        result = result_of(await post(url, CHAT, options))
        assert "stream_options.include_usage" in result["_meta"]["mcp-grok/dropped"]
        assert "choices" in await call(url, CHAT, options)
        assert kind_of(await call(url, CHAT, options)) == "limit_reached"


async def test_cancelled_calls_do_not_pass_the_limit_of_tokens(upstream: Replay) -> None:
    HeldStream(upstream, TEXT)
    async with serving(upstream, "http", "--tokens-per-day", "1500", **STARTED) as (url, _):
        for number in range(2):
            pending = await call(url, CHAT, asking(str(number), stream=True))
            assert "aaa" in (await fetched(url, pending, "partial"))["partial"]
            await call(url, CANCEL, {"id": pending["id"]})
        assert kind_of(await call(url, CHAT, asking("more", stream=True))) == "limit_reached"


async def test_answer_that_is_paid_for_is_given_though_the_tokens_are_used_up(upstream: Replay) -> None:
    held = Held(upstream)
    async with serving(upstream, "http", "--tokens-per-day", "5") as (url, _):
        waiting = asyncio.create_task(post(url))
        await upstream.exchanges.get()
        waiting.cancel()
        await asyncio.wait([waiting])
        held.release.set()
        with anyio.fail_after(20):
            while kind_of(await call(url, CHAT, asking("more"))) != "limit_reached":
                pass
        assert await call(url) == COMPLETION
    assert [request.json["messages"] for request in upstream.requests].count(HELLO["messages"]) == 1


async def test_keys_of_callers_never_go_into_redis(upstream: Replay, valkey: Valkey) -> None:
    async def behave(exchange: Exchange) -> None:
        text = exchange.request.json["messages"][0]["content"]
        if text == "refuse":
            echo = {"error": {"message": f"wrong key {exchange.request.headers['authorization']}"}}
            content = json.dumps(echo).encode()
            exchange.send(b"HTTP/1.1 401 No\r\ncontent-length: %d\r\n\r\n%b" % (len(content), content))
        elif text == "hold":
            await hold(exchange)
        else:
            await answering(exchange)

    answering, upstream.behave = upstream.behave, behave
    own = {"x-grok-api-key": "sk-own-key-of-ann"}
    limits = ("--requests-per-minute", "100", "--tokens-per-day", "100000", "--calls-at-once", "5", "--drain", "0")
    options = ("http", "--caller-keys", "require", *limits)
    with recorded(valkey) as commands:
        async with (
            serving(upstream, *options, store=valkey.url, **STARTED) as (one, _),
            serving(upstream, *options, store=valkey.url, **STARTED) as (other, _),
        ):
            answer = await call(one, CHAT, asking("answer"), **own)
            assert await fetched(one, answer, "choices", **own) == COMPLETION
            refusal = await call(one, CHAT, asking("refuse"), **own)
            assert "wrong key" in (await fetched(one, refusal, "error", **own))["error"]["upstream_message"]
            pending = await call(one, CHAT, asking("hold", stream=True), **own)
            assert (await fetched(other, pending, "partial", **own))["partial"] == "so far"
            await call(other, CANCEL, {"id": pending["id"]}, **own)
            assert (await fetched(other, pending, "error", **own))["error"]["code"] == "cancelled"
    written = commands() + valkey.dump()
    assert pending["id"].encode() in written
    for secret in (b"sk-own-key-of-ann", KEY.encode()):
        assert secret not in written


@contextmanager
def recorded(valkey: Valkey) -> Iterator[Callable[[], bytes]]:
    """Records every command that a Valkey gets; gives a function that returns them at the end."""
    address = urlsplit(valkey.url)
    pieces: list[bytes] = []
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        assert connection.recv(100).startswith(b"+OK")
        reading = threading.Thread(target=lambda: pieces.extend(iter(partial(connection.recv, 65536), b"")))
        reading.start()
        yield lambda: b"".join(pieces)
        connection.shutdown(socket.SHUT_RDWR)
        reading.join()
