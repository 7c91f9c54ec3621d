"""A call that outlasts its client: the client's patience, and the client itself."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.chat import CHAT, HELLO, body_of
from tests.conftest import KEY
from tests.process import environment, serving
from tests.replay import COMPLETION, Exchange, Held, Replay, slow_down

pytestmark = pytest.mark.alone

SCALE = 60
"""What takes a minute in use takes a second here."""


async def ask_and_fetch(target: Any, mode: str) -> Any:
    """What a model does: calls the tool, then what a pending result says, until it has something else."""
    patience = 60 / SCALE
    async with Client(target, mode=mode) as client:
        answer = body_of(await client.call_tool(CHAT, HELLO, read_timeout_seconds=patience))
        while answer.get("object") == "chat.completion.pending":
            step = answer["next"]
            again = await client.call_tool(step["tool"], step["arguments"], read_timeout_seconds=patience)
            answer = body_of(again)
    return answer


@pytest.mark.parametrize("way", ["stdio", "http legacy", "http 2026-07-28"])
async def test_call_longer_than_the_client_waits_is_one_request(upstream: Replay, way: str) -> None:
    slow_down(upstream, 180 / SCALE)
    # Sooner than by default: a sixtieth of ten seconds is little on a busy machine.
    handoff_after = str(40 / SCALE)
    transport, _, mode = way.partition(" ")
    if transport == "stdio":
        given = environment(upstream, handoff_after=handoff_after)
        server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=given)
        answer = await ask_and_fetch(stdio_client(server), "legacy")
    else:
        async with serving(upstream, "http", handoff_after=handoff_after) as (url, _process):
            answer = await ask_and_fetch(url, mode)
    assert answer == COMPLETION
    assert len(upstream.requests) == 1


CLIENT = """
import anyio, json, sys
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

async def main(target, environment):
    if target == "stdio":
        command = StdioServerParameters(command=sys.executable, args=["-m", "mcp_grok"], env=environment)
        target = stdio_client(command)
    async with Client(target) as client:
        message = {"role": "user", "content": "Hello"}
        result = await client.call_tool("grok_chat_completions", {"messages": [message]})
        print(result.model_dump_json(by_alias=True))

anyio.run(main, sys.argv[1], json.loads(sys.argv[2]))
"""


async def client_process(target: str, given: dict[str, str]) -> asyncio.subprocess.Process:
    """A client of its own, which makes one call and prints its result."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, target, json.dumps(given), stdout=asyncio.subprocess.PIPE
    )


async def kill_in_mid_call(upstream: Replay, target: str, given: dict[str, str]) -> Exchange:
    """Starts a client and kills it when its call has come to the upstream."""
    client = await client_process(target, given)
    exchange = await asyncio.wait_for(upstream.exchanges.get(), 10)
    client.kill()
    assert await client.wait() == -signal.SIGKILL
    return exchange


async def call_again(target: str, given: dict[str, str]) -> dict[str, Any]:
    """Starts the client again; gives its result."""
    client = await client_process(target, given)
    out, _ = await asyncio.wait_for(client.communicate(), 20)
    result: dict[str, Any] = json.loads(out)
    return result


async def test_killed_http_client_gets_its_answer_by_repeating(upstream: Replay) -> None:
    held = Held(upstream)
    async with serving(upstream, "http") as (url, _):
        exchange = await kill_in_mid_call(upstream, url, {})
        held.release.set()
        result = await call_again(url, {})
        assert not exchange.closed.is_set()
    assert body_of(result) == COMPLETION
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(upstream.requests) == 1


async def test_killed_stdio_client_learns_that_its_call_was_lost(upstream: Replay, tmp_path: Path) -> None:
    held = Held(upstream)
    given = environment(upstream, store=f"disk:{tmp_path / 'store'}")
    exchange = await kill_in_mid_call(upstream, "stdio", given)
    await asyncio.wait_for(exchange.closed.wait(), 5)
    held.release.set()
    result = await call_again("stdio", given)
    assert body_of(result) == COMPLETION
    [lost] = result["_meta"]["mcp-grok/lost"]
    assert lost["billed"] == "unknown"
    assert KEY not in json.dumps(result)
    assert len(upstream.requests) == 2
