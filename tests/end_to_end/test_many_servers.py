"""Three servers behind a real nginx, with a real Valkey between them, one server being killed."""

import asyncio
import contextlib
import itertools
import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import DEPLOY
from tests.chat import CHAT, HELLO, body_of
from tests.external import NGINX, external
from tests.http.requests import call, post, result_of
from tests.process import MCP_GROK, environment, free_port, listening_process, serving
from tests.replay import COMPLETION, Held, Replay, slow_down
from tests.valkey import Valkey

QUESTIONS = 30
AT_ONCE = 10


@asynccontextmanager
async def nginx(ports: list[int], folder: Path) -> AsyncIterator[str]:
    """The deployment's nginx in front of servers on these ports, and its address."""
    port = free_port()
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


async def pursue(question: str, first: str, then: str) -> tuple[Any, list[str]]:
    """The answer to a question, and the lost calls reported on the way.

    Asks at the first address, and goes on at the other, again after each broken connection.
    """
    arguments = {**HELLO, "user": question}
    tool, given = CHAT, arguments
    lost: list[str] = []
    for url in [first, *itertools.repeat(then, 50)]:
        try:
            result = result_of(await post(url, tool, given))
        except (httpx2.TransportError, IndexError, ValueError, KeyError):
            # The server that had the request is gone.
            continue
        lost += [call["id"] for call in (result.get("_meta") or {}).get("mcp-grok/lost", [])]
        body = body_of(result)
        if body.get("object") == "chat.completion.pending":
            tool, given = body["next"]["tool"], body["next"]["arguments"]
        elif body.get("error", {}).get("code") == "lost":
            tool, given = CHAT, arguments
        else:
            return body, lost
    raise AssertionError(f"{question}: no answer")


@pytest.mark.timeout(170)
async def test_killed_server_behind_nginx_loses_no_call_silently(
    upstream: Replay, valkey: Valkey, tmp_path: Path
) -> None:
    external(*NGINX)
    slow_down(upstream, 1)
    held = Held(upstream)
    given = environment(upstream, store=valkey.url, handoff_after="0.5")
    places = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:
        doomed = await asyncio.create_subprocess_exec(
            *(*MCP_GROK, "serve", "--transport", "http", "--port", "0"),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **given},
        )
        assert doomed.stderr is not None
        urls = [(await doomed.stderr.readline()).decode().split()[-1]]
        for _ in range(2):
            url, _process = await stack.enter_async_context(listening_process(given, "http"))
            urls.append(url)
        ports = [int(url.rsplit(":", 1)[1].split("/")[0]) for url in urls]
        url = await stack.enter_async_context(nginx(ports, tmp_path))

        async def one(number: int) -> tuple[Any, list[str]]:
            async with places:
                # The server that will be killed surely runs the first call.
                return await pursue(f"question {number}", first=url if number else urls[0], then=url)

        pursuits = [asyncio.create_task(one(number)) for number in range(QUESTIONS)]
        while len(upstream.requests) < AT_ONCE:
            await upstream.exchanges.get()
        doomed.kill()
        await doomed.communicate()
        held.release.set()
        answers = await asyncio.gather(*pursuits)
    assert [body for body, _ in answers] == [COMPLETION] * QUESTIONS
    sent = Counter(request.json["user"] for request in upstream.requests)
    reported = {f"question {number}": set(lost) for number, (_, lost) in enumerate(answers)}
    assert set(sent) == set(reported)
    assert all(sent[question] <= 1 + len(reported[question]) for question in sent), (
        "a call was made twice without a report"
    )
    assert sum(sent.values()) > QUESTIONS, "the server that was killed ran no call"


@pytest.mark.timeout(120)
async def test_call_of_one_server_is_fetched_through_another(upstream: Replay, valkey: Valkey) -> None:
    given = {"store": valkey.url, "handoff_after": "0.01"}
    async with serving(upstream, "http", **given) as (one, _), serving(upstream, "http", **given) as (other, _process):
        held = Held(upstream)
        pending = await call(one)
        assert pending["object"] == "chat.completion.pending"
        held.release.set()
        body: Any = {}
        while "choices" not in body:
            body = await call(other, "grok_get_completion", {"id": pending["id"]})
        assert body == COMPLETION
    assert len(upstream.requests) == 1
