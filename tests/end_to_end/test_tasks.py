"""Tasks over real processes: a client that declares the extension carries its call itself."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client import advertise

from mcp_grok.auth.tokens import new_token
from mcp_grok.tasks import EXTENSION
from tests.chat import CHAT, GET, HELLO, body_of
from tests.end_to_end.task_client import (
    PolledTask,
    TakesTasks,
    Task,
    client_of,
    client_over,
    new_task,
    poll,
    polls,
    result_of,
    send,
)
from tests.process import MODERN_META, environment, modern_request, server_process, serving
from tests.replay import COMPLETION, TEXT, Held, Replay, held_after, hold
from tests.valkey import Valkey

META = {**MODERN_META, "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}}}
SOON = {"task_after": "0.2"}


async def ended(client: Client, task: Task) -> PolledTask:
    """A task once it has ended."""
    *_, last = [polled async for polled in polls(client.session, task)]
    return last


async def refusal(asking: Awaitable[object]) -> MCPError:
    """The error of a request that is refused."""
    with pytest.raises(MCPError) as refused:
        await asking
    return refused.value


@pytest.mark.parametrize("way", ["stdio", "http", "sse"])
async def test_long_call_becomes_a_task_with_one_request(upstream: Replay, way: str) -> None:
    held, extension = Held(upstream), TakesTasks()
    async with client_over(way, upstream, extension, **SOON) as client:
        assert client.server_capabilities.extensions == {EXTENSION: {}}
        answering = asyncio.create_task(client.call_tool(CHAT, HELLO))
        polled = await extension.polled.get()
        assert polled.status == "working"
        assert polled.ttl_ms > 3_600_000
        assert polled.created_at < polled.last_updated_at
        held.release.set()
        result = await answering
        assert not result.is_error
        assert body_of(result) == COMPLETION
        fetched = await client.call_tool(GET, {"id": polled.task_id})
        assert body_of(fetched) == COMPLETION
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_short_call_is_no_task(upstream: Replay, way: str) -> None:
    async with client_over(way, upstream, TakesTasks()) as client:
        result = await client.session.call_tool(CHAT, HELLO)
    assert body_of(result) == COMPLETION


async def test_client_that_does_not_declare_it_is_handed_off_as_before(upstream: Replay) -> None:
    upstream.behave = hold
    async with client_over("stdio", upstream, **SOON, handoff_after="0.4") as client:
        pending = body_of(await client.call_tool(CHAT, HELLO))
        assert pending["object"] == "chat.completion.pending"
        refused = await refusal(poll(client.session, pending["id"]))
    assert refused.code == -32021
    assert refused.data == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


async def test_client_that_declares_it_in_a_handshake_is_handed_off_as_before(upstream: Replay) -> None:
    upstream.behave = hold
    declared, settings = advertise(EXTENSION), {**SOON, "handoff_after": "0.4"}
    async with client_over("stdio", upstream, declared, mode="legacy", **settings) as client:
        pending = body_of(await client.call_tool(CHAT, HELLO))
    assert pending["object"] == "chat.completion.pending"


async def test_task_after_0_means_never(upstream: Replay) -> None:
    upstream.behave = hold
    async with client_over("stdio", upstream, TakesTasks(), task_after="0", handoff_after="0.2") as client:
        pending = body_of(await client.session.call_tool(CHAT, HELLO))
    assert pending["object"] == "chat.completion.pending"


async def test_error_is_a_completed_task(upstream: Replay) -> None:
    upstream.answer({"error": {"code": "used_up", "message": "no balance"}}, status=403)
    held = Held(upstream)
    async with client_over("stdio", upstream, TakesTasks(), **SOON) as client:
        task = await new_task(client)
        held.release.set()
        done = await ended(client, task)
    assert result_of(done).is_error
    assert body_of(result_of(done))["error"]["code"] == "used_up"


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_cancel_stops_the_upstream_within_a_second(upstream: Replay, way: str) -> None:
    upstream.behave = hold
    async with client_over(way, upstream, TakesTasks(), **SOON) as client:
        task = await new_task(client)
        exchange = await upstream.exchanges.get()
        await send(client.session, "tasks/cancel", task.task_id)
        await asyncio.wait_for(exchange.closed.wait(), 1)
        assert (await ended(client, task)).status == "cancelled"


async def test_status_message_says_the_last_words(upstream: Replay) -> None:
    upstream.behave = held_after(TEXT)
    async with client_over("stdio", upstream, TakesTasks(), **SOON) as client:
        said: Task = await new_task(client, stream=True)
        async with asyncio.timeout(10):
            while "so far" not in said.status_message:
                said = await poll(client.session, said.task_id)


async def test_unknown_and_foreign_tasks_look_alike(upstream: Replay, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    ann, bob = ({"authorization": f"Bearer {new_token(tokens, name)}"} for name in ("ann", "bob"))
    upstream.behave = hold
    async with (
        serving(upstream, "http", "--token-file", str(tokens), "--drain", "0", **SOON) as (url, _),
        client_of(url, TakesTasks(), **ann) as owner,
        client_of(url, TakesTasks(), **bob) as other,
    ):
        task = await new_task(owner)
        refusals = [
            await refusal(asking)
            for task_id in (task.task_id, "grok-unknown")
            for asking in (
                poll(other.session, task_id),
                send(other.session, "tasks/cancel", task_id),
                send(other.session, "tasks/update", task_id),
            )
        ]
        assert (await poll(owner.session, task.task_id)).status == "working"
        no_input = await refusal(send(owner.session, "tasks/update", task.task_id))
    assert no_input.code == -32602
    assert "needs no input" in no_input.message
    assert {refused.code for refused in refusals} == {-32602}
    assert len({refused.message for refused in refusals}) == 1


@pytest.mark.parametrize("name", ["grok-another", ""])
async def test_header_that_does_not_name_the_task_is_refused(upstream: Replay, name: str) -> None:
    async with serving(upstream, "http") as (url, _), httpx2.AsyncClient() as client:
        headers, request = modern_request("tasks/get", {"taskId": "grok-unknown"}, name, META)
        refused = await client.post(url, json=request, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_task_survives_a_restart(upstream: Replay, tmp_path: Path, way: str) -> None:
    stored = {**SOON, "store": f"disk:{tmp_path}"}
    held = Held(upstream)
    async with client_over(way, upstream, TakesTasks(), **stored) as client:
        task = await new_task(client)
        held.release.set()
        await ended(client, task)
    async with client_over(way, upstream, TakesTasks(), **stored) as client:
        assert body_of(result_of(await ended(client, task))) == COMPLETION
    assert len(upstream.requests) == 1


async def test_task_that_was_lost_is_completed_with_the_error(upstream: Replay, tmp_path: Path) -> None:
    upstream.behave = hold
    stored = {**SOON, "store": f"disk:{tmp_path}"}
    # The SDK's client cannot kill its server.
    async with server_process(environment(upstream, **stored), handshake=False) as process:
        task = await process.request("tools/call", {"name": CHAT, "arguments": HELLO, "_meta": META})
        process.process.kill()
    async with client_over("stdio", upstream, TakesTasks(), **stored) as client:
        done = await poll(client.session, task["taskId"])
    assert result_of(done).is_error
    error = body_of(result_of(done))["error"]
    assert (error["code"], error["billed"]) == ("lost", "unknown")


async def test_task_is_polled_and_cancelled_through_another_server(upstream: Replay, valkey: Valkey) -> None:
    held = Held(upstream)
    shared = {**SOON, "store": valkey.url}
    async with (
        client_over("http", upstream, TakesTasks(), **shared) as one,
        client_over("http", upstream, TakesTasks(), **shared) as other,
    ):
        task = await new_task(one)
        assert (await poll(other.session, task.task_id)).status == "working"
        held.release.set()
        assert body_of(result_of(await ended(other, task))) == COMPLETION
        assert len(upstream.requests) == 1
        await upstream.exchanges.get()
        upstream.behave = hold
        task = await new_task(one, user="another")
        exchange = await upstream.exchanges.get()
        await send(other.session, "tasks/cancel", task.task_id)
        await asyncio.wait_for(exchange.closed.wait(), 2)
