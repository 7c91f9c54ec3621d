"""Health checks, logs, workers and signals of server processes."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import psutil
import pytest

from tests.conftest import KEY
from tests.http.requests import call, get
from tests.process import MCP_GROK, serving
from tests.replay import COMPLETION, Held, Replay


async def test_health_checks(upstream: Replay) -> None:
    async with serving(upstream, "http") as (url, _):
        for path in ("healthz", "readyz"):
            assert (await get(url.replace("mcp", path))).status_code == 200
        assert (await get(url.replace("mcp", "metrics"))).status_code == 404


async def begin_of_drain(url: str) -> None:
    """Waits until a server that got a signal is no longer ready."""
    while (await get(url.replace("mcp", "readyz"))).status_code == 200:
        pass


async def test_after_a_signal_running_calls_end_and_new_ones_are_refused(upstream: Replay) -> None:
    held = Held(upstream)
    async with serving(upstream, "http", "--drain", "20") as (url, process):
        calling = asyncio.create_task(call(url))
        await upstream.exchanges.get()
        process.terminate()
        await begin_of_drain(url)
        assert (await get(url.replace("mcp", "healthz"))).status_code == 200
        error = (await call(url))["error"]
        assert (error["code"], error["billed"], error["retryable"]) == ("unavailable", "no", True)
        held.release.set()
        assert await calling == COMPLETION
        assert await asyncio.wait_for(process.wait(), 5) == 128 + signal.SIGTERM
    assert len(upstream.requests) == 1


async def test_call_that_outlasts_the_drain_is_lost(upstream: Replay) -> None:
    Held(upstream)
    async with serving(upstream, "http", "--drain", "0.2") as (url, process):
        calling = asyncio.create_task(call(url))
        await upstream.exchanges.get()
        process.terminate()
        error = (await calling)["error"]
        assert (error["code"], error["billed"]) == ("lost", "unknown")


async def test_second_signal_ends_the_drain(upstream: Replay) -> None:
    Held(upstream)
    async with serving(upstream, "http", "--drain", "600") as (url, process):
        calling = asyncio.create_task(call(url))
        await upstream.exchanges.get()
        process.terminate()
        await begin_of_drain(url)
        process.terminate()
        assert (await calling)["error"]["code"] == "lost"
        assert await asyncio.wait_for(process.wait(), 5) == 128 + signal.SIGTERM


async def test_json_logs_have_the_facts_of_calls_without_content(upstream: Replay) -> None:
    given = {"ACEDATACLOUD_API_TOKEN": KEY, "MCP_GROK_BASE_URL": upstream.base_url}
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK,
        *("serve", "--transport", "http", "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **given, "MCP_GROK_LOG_FORMAT": "json", "MCP_GROK_LOG_LEVEL": "INFO"},
    )
    assert process.stderr is not None
    try:
        url = (await process.stderr.readline()).decode().split()[-1]
        await call(url)
        upstream.answer({"error": {"code": "used_up", "message": "no"}}, 403)
        await call(url)
    finally:
        process.terminate()
        _, err = await process.communicate()
    lines: list[Any] = [json.loads(line) for line in err.decode().splitlines()]
    calls = [line for line in lines if "request_id" in line]
    assert [(line["outcome"], line["model"], line["tokens"]) for line in calls] == [
        ("answered", "grok-4", 10),
        ("used_up", "grok-4", 0),
    ]
    assert all(line["duration"] >= 0 and line["caller"] == "" and line["time"].endswith("Z") for line in calls)
    assert b"Hello" not in err
    assert b"Yo!" not in err
    assert KEY.encode() not in err


@pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")
async def test_worker_that_dies_is_replaced(upstream: Replay, tmp_path: Any) -> None:
    options = ("--workers", "2")
    async with serving(upstream, "http", *options, store=f"disk:{tmp_path / 'store'}") as (url, process):
        parent = psutil.Process(process.pid)
        await wait_for_workers(parent, 2)
        assert await call(url) == COMPLETION
        first = parent.children()[0]
        first.kill()
        await asyncio.to_thread(first.wait, 10)
        await wait_for_workers(parent, 2)
        for _ in range(10):
            assert await call(url) == COMPLETION
        workers = parent.children()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 128 + signal.SIGTERM
        assert not [worker for worker in workers if worker.is_running()]


@pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")
async def test_second_signal_ends_the_drain_of_workers(upstream: Replay, tmp_path: Any) -> None:
    Held(upstream)
    options = ("--workers", "2", "--drain", "600")
    async with serving(upstream, "http", *options, store=f"disk:{tmp_path / 'store'}") as (url, process):
        parent = psutil.Process(process.pid)
        await wait_for_workers(parent, 2)
        calling = asyncio.create_task(call(url))
        await upstream.exchanges.get()
        process.terminate()
        # The worker without a call ends, the other one waits for its call.
        await wait_for_workers(parent, 1)
        process.terminate()
        assert (await calling)["error"]["code"] == "lost"
        assert await asyncio.wait_for(process.wait(), 5) == 128 + signal.SIGTERM


async def wait_for_workers(parent: psutil.Process, count: int) -> None:
    """Waits until a number of workers run."""
    async with asyncio.timeout(20):
        while len([child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]) != count:
            await asyncio.to_thread(psutil.cpu_percent, 0.05)


async def test_unusable_token_file_is_one_line_and_status_2(upstream: Replay, tmp_path: Any) -> None:
    given = {"ACEDATACLOUD_API_TOKEN": KEY, "MCP_GROK_BASE_URL": upstream.base_url}
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK,
        *("serve", "--transport", "http", "--port", "0", "--token-file", str(tmp_path / "nothing")),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **given},
    )
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert b"Traceback" not in err
    assert str(tmp_path / "nothing").encode() in err
