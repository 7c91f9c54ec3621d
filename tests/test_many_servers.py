"""Three servers behind a real nginx, with a real Valkey and workers between them, one server being killed."""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import KEY
from tests.external import external
from tests.process import MCP_GROK, listening_process
from tests.replay import COMPLETION, Exchange, Replay
from tests.service.requests import CHAT, call
from tests.test_deploy import DEPLOY, NGINX
from tests.valkey import Valkey

QUESTIONS = 30
AT_ONCE = 10


@asynccontextmanager
async def nginx(ports: list[int], folder: Path) -> AsyncIterator[str]:
    """The deployment's nginx in front of servers on these ports, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    numbers = iter(ports)
    text = re.sub(r"server\d:8000", lambda match: f"127.0.0.1:{next(numbers)}", text)
    config = folder / "nginx.conf"
    config.write_text(text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/nginx", f"{folder}/nginx"))
    process = await asyncio.create_subprocess_exec(external(*NGINX), "-c", config, "-g", "daemon off;")
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with asyncio.timeout(10), httpx2.AsyncClient(trust_env=False) as client:
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    if (await client.get(url.replace("mcp", "readyz"))).status_code == 200:
                        break
        yield url
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def worker(given: dict[str, str]) -> AsyncIterator[None]:
    """A process that makes the calls."""
    process = await asyncio.create_subprocess_exec(*MCP_GROK, "worker", env={**os.environ, **given})
    try:
        yield
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 40) == 128 + signal.SIGTERM


async def pursue(url: str, question: str) -> Any:
    """Asks until there is an answer: what a client does whose connection may break at any moment."""
    arguments: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "user": question}
    tool, given = CHAT, arguments
    for _ in itertools.repeat(None, 50):
        try:
            body = await call(url, tool, given)
        except (httpx2.TransportError, AssertionError, IndexError, ValueError, KeyError):
            # The server that had the request is gone; what it had begun is found by asking again.
            continue
        if body.get("object") == "chat.completion.pending":
            tool, given = body["next"]["tool"], body["next"]["arguments"]
        else:
            return body
    raise AssertionError(f"{question}: no answer")


@pytest.mark.timeout(170)
async def test_every_answer_is_reached_through_nginx_while_a_server_is_killed(
    upstream: Replay, valkey: Valkey, tmp_path: Path
) -> None:
    external(*NGINX)
    answering = upstream.behave

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(1)
        await answering(exchange)

    upstream.behave = behave
    given = {
        "MCP_GROK_API_KEY": KEY,
        "MCP_GROK_BASE_URL": upstream.base_url,
        "MCP_GROK_STORE": valkey.url,
        "MCP_GROK_HANDOFF_AFTER": "0.5",
    }
    places = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker(given))
        doomed = await asyncio.create_subprocess_exec(
            *(*MCP_GROK, "serve", "--transport", "http", "--port", "0", "--calls-elsewhere"),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **given},
        )
        assert doomed.stderr is not None
        first = (await doomed.stderr.readline()).decode().split()[-1]
        urls = [first]
        for _ in range(2):
            url, _process = await stack.enter_async_context(listening_process(given, "http", "--calls-elsewhere"))
            urls.append(url)
        ports = [int(url.rsplit(":", 1)[1].split("/")[0]) for url in urls]
        url = await stack.enter_async_context(nginx(ports, tmp_path))

        async def one(number: int) -> Any:
            async with places:
                return await pursue(url, f"question {number}")

        pursuits = [asyncio.create_task(one(number)) for number in range(QUESTIONS)]
        while len(upstream.requests) < QUESTIONS // 2:
            await upstream.exchanges.get()
        doomed.kill()
        await doomed.communicate()
        answers = await asyncio.gather(*pursuits)
    assert answers == [COMPLETION] * QUESTIONS
    asked = [request.json["user"] for request in upstream.requests]
    assert len(asked) == len(set(asked)) == QUESTIONS, "a call was made twice"


@pytest.mark.timeout(120)
async def test_a_call_handed_off_by_one_server_is_fetched_through_another(upstream: Replay, valkey: Valkey) -> None:
    given = {
        "MCP_GROK_API_KEY": KEY,
        "MCP_GROK_BASE_URL": upstream.base_url,
        "MCP_GROK_STORE": valkey.url,
        "MCP_GROK_HANDOFF_AFTER": "0.01",
    }
    async with listening_process(given, "http") as (one, _), listening_process(given, "http") as (other, _process):
        pending = await call(one)
        assert pending["object"] == "chat.completion.pending"
        body: Any = {}
        while "choices" not in body:
            body = await call(other, "grok_get_completion", {"id": pending["id"]})
        assert body == COMPLETION
    assert len(upstream.requests) == 1
