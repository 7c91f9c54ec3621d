"""Tasks over real processes: a client that declares the extension carries its call itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mcp_grok.auth.tokens import new_token
from mcp_grok.tasks import EXTENSION
from tests.chat import CHAT, GET, HELLO, body_of
from tests.process import MODERN_META, environment, modern_request, server_process, serving
from tests.replay import COMPLETION, TEXT, Held, Replay, held_after, hold
from tests.valkey import Valkey

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META = {**MODERN_META, CAPABILITIES: {"extensions": {EXTENSION: {}}}}
SOON = {"task_after": "0.2"}

Ask = Callable[..., Awaitable[Any]]
"""Sends a request with a method, its parameters, and perhaps another `_meta`; returns its result, or its error."""


def asking_http(url: str, **headers: str) -> Ask:
    """Requests over streamable HTTP."""

    async def ask(method: str, meta: dict[str, Any] = META, **params: Any) -> Any:
        own, request = modern_request(method, params, params.get("name", params.get("taskId", "")), meta)
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
            response = await client.post(url, json=request, headers={**own, **headers})
        reply = json.loads(response.text.rpartition("\ndata: ")[2])
        return reply.get("result", reply.get("error"))

    return ask


@asynccontextmanager
async def asking(upstream: Replay, way: str, **settings: str) -> AsyncIterator[Ask]:
    """Requests to a server process of its own."""
    if way == "http":
        async with serving(upstream, "http", **settings) as (url, _):
            yield asking_http(url)
        return
    async with server_process(environment(upstream, **settings), handshake=False) as process:

        async def ask(method: str, meta: dict[str, Any] = META, **params: Any) -> Any:
            reply = await process.ask(method, {**params, "_meta": meta})[1]
            return reply.get("result", reply.get("error"))

        yield ask


async def new_task(ask: Ask, **arguments: Any) -> Any:
    """The task that a call becomes."""
    task = await ask("tools/call", name=CHAT, arguments={**HELLO, **arguments})
    assert task["resultType"] == "task", task
    return task


async def ended(ask: Ask, task: Any) -> Any:
    """The task once it has ended, polled as it asks for."""
    async with asyncio.timeout(20):
        while True:
            polled = await ask("tasks/get", taskId=task["taskId"])
            assert polled["resultType"] == "complete"
            if polled["status"] != "working":
                return polled
            await asyncio.sleep(polled["pollIntervalMs"] / 1000)


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_long_call_becomes_a_task_with_one_request(upstream: Replay, way: str) -> None:
    held = Held(upstream)
    async with asking(upstream, way, **SOON) as ask:
        discovered = await ask("server/discover")
        assert discovered["capabilities"]["extensions"] == {EXTENSION: {}}
        task = await new_task(ask)
        assert (task["status"], task["ttlMs"]) == ("working", 3_600_000)
        held.release.set()
        done = await ended(ask, task)
        assert done["status"] == "completed"
        assert not done["result"]["isError"]
        assert body_of(done["result"]) == COMPLETION
        fetched = await ask("tools/call", name=GET, arguments={"id": task["taskId"]})
        assert body_of(fetched) == COMPLETION
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_short_call_is_no_task(upstream: Replay, way: str) -> None:
    async with asking(upstream, way) as ask:
        result = await ask("tools/call", name=CHAT, arguments=HELLO)
    assert body_of(result) == COMPLETION


async def test_client_that_does_not_declare_it_is_handed_off_as_before(upstream: Replay) -> None:
    upstream.behave = hold
    async with asking(upstream, "stdio", **SOON, handoff_after="0.4") as ask:
        pending = body_of(await ask("tools/call", MODERN_META, name=CHAT, arguments=HELLO))
        assert pending["object"] == "chat.completion.pending"
        refused = await ask("tasks/get", MODERN_META, taskId=pending["id"])
    assert refused["code"] == -32021
    assert refused["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_task_after_0_means_never(upstream: Replay) -> None:
    upstream.behave = hold
    async with asking(upstream, "stdio", task_after="0", handoff_after="0.2") as ask:
        pending = body_of(await ask("tools/call", name=CHAT, arguments=HELLO))
    assert pending["object"] == "chat.completion.pending"


async def test_error_is_a_completed_task(upstream: Replay) -> None:
    held = Held(upstream)
    upstream.answer({"error": {"code": "used_up", "message": "no balance"}}, status=403)
    held.answering, upstream.behave = upstream.behave, held
    async with asking(upstream, "stdio", **SOON) as ask:
        task = await new_task(ask)
        held.release.set()
        done = await ended(ask, task)
    assert done["status"] == "completed"
    assert done["result"]["isError"]
    assert body_of(done["result"])["error"]["code"] == "used_up"


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_cancel_stops_the_upstream_within_a_second(upstream: Replay, way: str) -> None:
    upstream.behave = hold
    async with asking(upstream, way, **SOON) as ask:
        task = await new_task(ask)
        exchange = await upstream.exchanges.get()
        assert (await ask("tasks/cancel", taskId=task["taskId"]))["resultType"] == "complete"
        await asyncio.wait_for(exchange.closed.wait(), 1)
        assert (await ended(ask, task))["status"] == "cancelled"


async def test_status_message_says_the_last_words(upstream: Replay) -> None:
    upstream.behave = held_after(TEXT)
    async with asking(upstream, "stdio", **SOON) as ask:
        polled = await new_task(ask, stream=True)
        async with asyncio.timeout(10):
            while "so far" not in polled["statusMessage"]:
                polled = await ask("tasks/get", taskId=polled["taskId"])


async def test_unknown_and_foreign_tasks_look_alike(upstream: Replay, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    ann, bob = ({"authorization": f"Bearer {new_token(tokens, name)}"} for name in ("ann", "bob"))
    upstream.behave = hold
    async with serving(upstream, "http", "--token-file", str(tokens), "--drain", "0", **SOON) as (url, _):
        task = await new_task(asking_http(url, **ann))
        answers = [
            await asking_http(url, **bob)(f"tasks/{method}", taskId=task_id)
            for method in ("get", "cancel", "update")
            for task_id in (task["taskId"], "grok-unknown")
        ]
        still = await asking_http(url, **ann)("tasks/get", taskId=task["taskId"])
        refused = await asking_http(url, **ann)("tasks/update", taskId=task["taskId"])
    assert still["status"] == "working"
    assert refused["code"] == -32602
    assert "needs no input" in refused["message"]
    assert [answer["code"] for answer in answers] == [-32602] * 6
    assert len({answer["message"] for answer in answers}) == 1


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_task_survives_a_restart(upstream: Replay, tmp_path: Path, way: str) -> None:
    stored = {**SOON, "store": f"disk:{tmp_path}"}
    held = Held(upstream)
    async with asking(upstream, way, **stored) as ask:
        task = await new_task(ask)
        held.release.set()
        await ended(ask, task)
    async with asking(upstream, way, **stored) as ask:
        done = await ask("tasks/get", taskId=task["taskId"])
    assert body_of(done["result"]) == COMPLETION
    assert len(upstream.requests) == 1


async def test_task_that_was_lost_is_completed_with_the_error(upstream: Replay, tmp_path: Path) -> None:
    upstream.behave = hold
    stored = {**SOON, "store": f"disk:{tmp_path}"}
    async with server_process(environment(upstream, **stored), handshake=False) as process:
        task = await process.request("tools/call", {"name": CHAT, "arguments": HELLO, "_meta": META})
        process.process.kill()
    async with asking(upstream, "stdio", **stored) as ask:
        done = await ended(ask, task)
    assert (done["status"], done["result"]["isError"]) == ("completed", True)
    error = body_of(done["result"])["error"]
    assert (error["code"], error["billed"]) == ("lost", "unknown")


async def test_task_is_polled_and_cancelled_through_another_server(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    shared = {**SOON, "store": valkey.url}
    async with serving(upstream, "http", **shared) as (one, _), serving(upstream, "http", **shared) as (other, _):
        task = await new_task(asking_http(one))
        assert (await asking_http(other)("tasks/get", taskId=task["taskId"]))["status"] == "working"
        held.release.set()
        done = await ended(asking_http(other), task)
        assert body_of(done["result"]) == COMPLETION
        assert len(upstream.requests) == 1
        upstream.behave = hold
        task = await new_task(asking_http(one), user="another")
        exchange = await upstream.exchanges.get()
        while exchange.request.json.get("user") != "another":
            exchange = await upstream.exchanges.get()
        await asking_http(other)("tasks/cancel", taskId=task["taskId"])
        await asyncio.wait_for(exchange.closed.wait(), 2)
