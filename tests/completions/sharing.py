"""Processes that share calls, in one process or in many."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mcp_grok.completions.distributed import open_distributed
from mcp_grok.completions.distributed.completions import SharedCompletions
from mcp_grok.settings import Settings
from tests.process import MCP_GROK, ServerProcess
from tests.replay import Replay
from tests.test_cancellations import body_of, environment
from tests.valkey import Valkey

ELSEWHERE = (sys.executable, "-m", "tests.completions.server_elsewhere")
"""Starts a server whose calls run in other processes."""

WORKER = (*MCP_GROK, "worker")


@asynccontextmanager
async def opened(*settings: Settings, runs: bool = True) -> AsyncIterator[list[SharedCompletions]]:
    """As many processes as there are settings, as far as Redis can tell; the last runs no calls unless told."""
    async with AsyncExitStack() as stack:
        places = []
        for number, given in enumerate(settings):
            run_calls = runs or number < len(settings) - 1
            places.append(await stack.enter_async_context(open_distributed(given, run_calls=run_calls)))
        yield places


@asynccontextmanager
async def worker_process(given: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs calls; ended by a signal, and with nothing amiss."""
    process = await asyncio.create_subprocess_exec(*WORKER, env={**os.environ, **given}, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 128 + signal.SIGTERM
        assert process.stderr is not None
        log = (await process.stderr.read()).decode()
        assert "Traceback" not in log, log


def of(upstream: Replay, valkey: Valkey, **settings: str) -> dict[str, str]:
    """The environment of a process that shares calls."""
    return environment(upstream, store=valkey.url, max_retries="0", **settings)


def get(call_id: str) -> dict[str, Any]:
    """The parameters that fetch a call."""
    return {"name": "grok_get_completion", "arguments": {"id": call_id}}


async def fetched(server: ServerProcess, call_id: str) -> Any:
    """What a call has come to, once it has ended."""
    while (body := body_of(await server.request("tools/call", get(call_id)))).get("status") == "in_progress":
        pass
    return body
