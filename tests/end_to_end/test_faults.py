"""What holds however the upstream fails and whatever the client does, on real processes and sockets.

No more bills than the rules allow; every answer that was billed and arrived can be fetched; no false statement about a
bill; no call past its deadline; no leak.
"""

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import httpx2
import psutil
import pytest

from mcp_grok.calls.redis_client import MAX_CONNECTIONS
from tests.chat import CHAT, HELLO, body_of
from tests.conftest import KEY
from tests.faulty import Faulty
from tests.process import ServerProcess, listening_process, modern_call, server_process

pytestmark = pytest.mark.alone

DEADLINE = 20.0
"""Seconds for a whole call."""

IDLE = 5.0
"""Seconds without a byte: well over what the upstream works, so that no answer is given up as it is sent."""

SLACK = 10.0
"""Seconds that a busy machine may add to a call."""

PLACES = 64

GIVE_UP = 0.5
"""Seconds before which no client gives up: more than a busy server takes to read a request."""

SETTINGS = {
    "MCP_GROK_PROVIDER": "acedata",
    "MCP_GROK_API_KEY": KEY,
    "MCP_GROK_TIMEOUT": str(DEADLINE),
    "MCP_GROK_IDLE_TIMEOUT": str(IDLE),
    "MCP_GROK_HANDOFF_AFTER": "0.7",
    "MCP_GROK_MAX_CONCURRENCY": str(PLACES),
    "MCP_GROK_MAX_RESULT_BYTES": "0",
    "MCP_GROK_LOG_LEVEL": "CRITICAL",
}


class Connection(Protocol):
    """A client's side of a server."""

    def ask(self, tool: str, arguments: dict[str, Any]) -> tuple[asyncio.Future[Any], Callable[[str], None]]:
        """Calls a tool; gives the result to come, and a function that gives it up for a reason."""
        ...

    async def moment(self, question: str) -> None:
        """Returns when it is time to give up."""


class Stdio:
    """A client over stdio: it gives up at any moment but the first, and says why."""

    def __init__(self, server: ServerProcess, behaviour: random.Random) -> None:
        self._server = server
        self._behaviour = behaviour

    def ask(self, tool: str, arguments: dict[str, Any]) -> tuple[asyncio.Future[Any], Callable[[str], None]]:
        number, answer = self._server.ask("tools/call", {"name": tool, "arguments": arguments})

        return asyncio.ensure_future(_result(answer)), partial(self._server.cancel, number)

    async def moment(self, question: str) -> None:
        await asyncio.sleep(GIVE_UP + self._behaviour.uniform(0, 0.4))


async def _result(answer: asyncio.Future[dict[str, Any]]) -> Any:
    return (await asyncio.shield(answer))["result"]


class Http:
    """A client over HTTP: it gives up by hanging up, while the upstream works.

    An answer on its way to a client that hangs up is lost without a trace, so it hangs up at no other time, and nothing
    is handed off.
    """

    def __init__(self, url: str, client: httpx2.AsyncClient, upstream: Faulty) -> None:
        self._url = url
        self._client = client
        self._upstream = upstream

    def ask(self, tool: str, arguments: dict[str, Any]) -> tuple[asyncio.Future[Any], Callable[[str], None]]:
        return asyncio.ensure_future(self._call(tool, arguments)), lambda reason: None

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Any:
        headers, request = modern_call(tool, arguments)
        response = await self._client.post(self._url, json=request, headers=headers)
        return json.loads(response.text.rpartition("data: ")[2])["result"]

    async def moment(self, question: str) -> None:
        begun = self._upstream.begun[question] = asyncio.Event()
        await begun.wait()
        await asyncio.sleep(GIVE_UP)


@dataclass
class Pursuit:
    """One question, and what its client got.

    Attributes:
        allowed: Bills that the rules allow: one, and one more for each time the client cancelled, or asked again after
            a failure.
        lost: The calls that the server reported as lost; each may be billed, too.
        results: The answers and errors that came.
        cancelled: Whether the client cancelled, so that an answer may be missing.
        steps: What happened, to explain a failed test.
    """

    question: str
    allowed: int = 1
    lost: set[str] = field(default_factory=set)
    results: list[dict[str, Any]] = field(default_factory=list)
    cancelled: bool = False
    steps: list[str] = field(default_factory=list)


async def pursue(pursuit: Pursuit, connection: Connection, behaviour: random.Random) -> None:
    """Asks, gives up, cancels, asks again and fetches at random until there is an answer or an error."""
    chat = {**HELLO, "user": pursuit.question, "stream": behaviour.random() < 0.5}
    tool, arguments = CHAT, chat
    for patience in itertools.count(8, -1):
        coming, give_up = connection.ask(tool, arguments)
        act = behaviour.choices(["wait", "time out", "cancel"], [6, 3, 1])[0] if patience > 0 else "wait"
        if act != "wait" and not await came_first(coming, connection.moment(pursuit.question)):
            pursuit.steps.append(f"{act}: {tool}")
            give_up("Request timed out" if act == "time out" else "user")
            coming.cancel()
            await asyncio.wait({coming})
            if act == "cancel":
                pursuit.cancelled = True
                pursuit.allowed += 1
            if tool == CHAT or act == "cancel":
                tool, arguments = CHAT, chat
            continue
        result = await asyncio.wait_for(coming, DEADLINE + SLACK)
        pursuit.steps.append(result["content"][0]["text"][:150])
        pursuit.lost |= {call["id"] for call in (result.get("_meta") or {}).get("mcp-grok/lost", [])}
        body = body_of(result)
        if body.get("object") == "chat.completion.pending":
            tool, arguments = body["next"]["tool"], body["next"]["arguments"]
            continue
        pursuit.results.append(body)
        if "error" not in body or behaviour.random() < 0.7 or patience < 0:
            return
        pursuit.allowed += 1
        tool, arguments = CHAT, chat


async def came_first(coming: asyncio.Future[Any], moment: Coroutine[Any, Any, None]) -> bool:
    """Whether a result came before the moment."""
    waiting = asyncio.ensure_future(moment)
    await asyncio.wait({coming, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return coming.done()


def check(pursuit: Pursuit, upstream: Faulty) -> None:
    """Checks the invariants of one question."""
    bills, served = upstream.bills[pursuit.question], upstream.answers[pursuit.question]
    assert bills <= pursuit.allowed + len(pursuit.lost), str(pursuit)
    answers = [result["choices"][0]["message"]["content"] for result in pursuit.results if "choices" in result]
    errors = [result["error"] for result in pursuit.results if "error" in result]
    assert set(answers) <= set(served), str(pursuit)
    if not pursuit.cancelled:
        assert sorted(answers) == sorted(served), str(pursuit)
    if bills and not answers and not pursuit.cancelled:
        assert pursuit.lost or any(error["billed"] != "no" for error in errors), str(pursuit)


async def pursue_all(count: int, at_once: int, connection: Connection, upstream: Faulty, seed: int) -> None:
    """Pursues a number of questions, and checks each."""
    behaviour = random.Random(seed)
    places = asyncio.Semaphore(at_once)
    pursuits = [Pursuit(f"question {number}") for number in range(count)]

    async def in_place(pursuit: Pursuit) -> None:
        async with places:
            await pursue(pursuit, connection, behaviour)

    async with asyncio.TaskGroup() as tasks:
        for pursuit in pursuits:
            tasks.create_task(in_place(pursuit))
    for pursuit in pursuits:
        check(pursuit, upstream)
    outcomes = [result for pursuit in pursuits for result in pursuit.results]
    assert sum("choices" in outcome for outcome in outcomes) > count / 3
    assert sum("error" in outcome for outcome in outcomes) > count / 10


async def check_leaks(process: psutil.Process, upstream: Faulty, files: int) -> None:
    """Nothing is left but idle connections in the pool."""
    async with asyncio.timeout(DEADLINE + SLACK):
        await upstream.idle.wait()
    assert upstream.connections <= PLACES
    assert process.num_fds() <= files + PLACES + 5
    assert process.memory_info().rss < 250 * 2**20


@pytest.mark.timeout(170)
async def test_invariants_hold_over_stdio(store: str) -> None:
    count = 800 if store == "memory" else 400
    async with (
        Faulty(seed=1, work=(0.02, 1.2)) as upstream,
        server_process({**SETTINGS, "MCP_GROK_STORE": store, "MCP_GROK_BASE_URL": upstream.base_url}) as server,
    ):
        process = psutil.Process(server.process.pid)
        files = process.num_fds()
        await pursue_all(count, PLACES, Stdio(server, random.Random(2)), upstream, seed=3)
        await check_leaks(process, upstream, files + (MAX_CONNECTIONS if store.startswith("redis") else 0))


@pytest.mark.timeout(170)
async def test_invariants_hold_over_http(store: str) -> None:
    count = 128 if store == "memory" else 64
    async with (
        Faulty(seed=4, work=(1.5, 2.0)) as upstream,
        listening_process(
            {
                **SETTINGS,
                "MCP_GROK_STORE": store,
                "MCP_GROK_HANDOFF_AFTER": "0",
                "MCP_GROK_BASE_URL": upstream.base_url,
            },
            "http",
        ) as (url, server),
        httpx2.AsyncClient(trust_env=False, timeout=DEADLINE + SLACK) as client,
    ):
        process = psutil.Process(server.pid)
        files = process.num_fds()
        await pursue_all(count, PLACES, Http(url, client, upstream), upstream, seed=5)
        await check_leaks(process, upstream, files + PLACES + (MAX_CONNECTIONS if store.startswith("redis") else 0))
