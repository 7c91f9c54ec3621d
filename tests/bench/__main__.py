"""Prints the table. It keeps no verdict: the ratios speak, and machines differ."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import psutil

from tests.process import MCP_GROK, ServerProcess, server_process

SEQUENTIAL = 100
TOGETHER = 64
MANY = 320
ROUNDS = 7
"""Short rounds in turns: their median depends little on other load."""

STARTS = 7
SLOW_CALLS = 500
STREAM_SIZES = (2_000, 20_000, 200_000)

BARE = [sys.executable, "-m", "tests.bench.bare"]


@asynccontextmanager
async def upstream() -> AsyncIterator[str]:
    """The upstream's process; gives its base URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.upstream",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.stdin.close()
        await process.wait()


def environment(base_url: str) -> dict[str, str]:
    """What both servers are started with."""
    return {
        "ACEDATACLOUD_API_TOKEN": "key",
        "MCP_GROK_BASE_URL": base_url,
        "MCP_GROK_MAX_CONCURRENCY": "1000",
        "MCP_GROK_LOG_LEVEL": "ERROR",
        "BENCH_URL": f"{base_url}/grok/chat/completions",
    }


async def call(server: ServerProcess, model: str = "grok-4", progress: bool = False) -> None:
    """One call.

    Raises:
        RuntimeError: it failed.
    """
    result = await server.grok(model=model, progress=progress)
    if result.get("isError"):
        raise RuntimeError(result["content"][0]["text"])


def cpu(server: ServerProcess) -> float:
    """Seconds of processor time that a server has used."""
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def memory(server: ServerProcess) -> float:
    """Megabytes that a server holds."""
    return float(psutil.Process(server.process.pid).memory_info().rss / 1e6)


async def direct_p50(url: str) -> float:
    """Milliseconds of a call made with one pooled client, nothing between."""
    body = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx2.AsyncClient(timeout=60) as client:
        return await _p50(lambda: client.post(f"{url}/grok/chat/completions", json=body))


async def _p50(one_call: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(SEQUENTIAL):
        began = time.perf_counter()
        await one_call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def measure_calls(server: ServerProcess) -> tuple[float, float, float]:
    """Milliseconds at the median, milliseconds of processor time a call, calls a second at 64 at once."""
    await asyncio.gather(*(call(server) for _ in range(TOGETHER)))
    p50 = await _p50(lambda: call(server))
    slots = asyncio.Semaphore(TOGETHER)

    async def one() -> None:
        async with slots:
            await call(server)

    used, began = cpu(server), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(MANY)))
    took = time.perf_counter() - began
    return p50, (cpu(server) - used) / MANY * 1000, MANY / took


def median_of_each(measured: tuple[tuple[float, float, float], ...]) -> list[float]:
    """The medians of what `measure_calls` gave in several rounds."""
    return [statistics.median(figures) for figures in zip(*measured, strict=True)]


async def measure_starts(env: dict[str, str]) -> tuple[float, float]:
    """Seconds from start to `initialize`, ours and bare, taken in turns."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(STARTS):
        for name, command in (("ours", MCP_GROK), ("bare", BARE)):
            async with server_process(env, command) as server:
                times[name].append(server.started_after)
    return statistics.median(times["ours"]), statistics.median(times["bare"])


async def measure_streams(server: ServerProcess) -> dict[int, float]:
    """Microseconds a chunk, for streams of growing length."""
    costs = {}
    for size in STREAM_SIZES:
        used = cpu(server)
        await call(server, f"chunks-{size}", progress=True)
        costs[size] = (cpu(server) - used) / size * 1e6
    return costs


async def measure_first_progress(server: ServerProcess) -> float:
    """Milliseconds at the median from the upstream's first chunk to the first progress notification.

    The upstream writes its clock into the chunk; on one machine that is ours.
    """
    waits = []
    for _ in range(100):
        server.progress.clear()
        await call(server, "stamp-0", progress=True)
        came, stamp = server.progress[0]
        waits.append((came - float(stamp)) * 1000)
    return statistics.median(waits)


def row(name: str, ours: float, bare: float, unit: str, goal: str) -> None:
    """Prints one line of the table."""
    print(f"{name:<38} {ours:>9.2f} {bare:>9.2f} {ours / bare:>7.2f}  {goal:<14} {unit}", flush=True)


async def main() -> None:
    """Runs everything in one go, so that the figures compare."""
    async with upstream() as url:
        env = environment(url)
        print(f"{'':<38} {'mcp-grok':>9} {'bare SDK':>9} {'ratio':>7}  {'goal':<14} unit")
        row("start to initialize", *await measure_starts(env), "s", "<= 0.95")
        async with server_process(env) as ours, server_process(env, BARE) as bare:
            idle = memory(ours)
            row("memory, idle", idle, memory(bare), "MB", "+10 MB")
            direct = await direct_p50(url)
            rounds = [(await measure_calls(ours), await measure_calls(bare)) for _ in range(ROUNDS)]
            mine, theirs = (median_of_each(measured) for measured in zip(*rounds, strict=True))
            row("a call, p50", mine[0], theirs[0], "ms", "<= 0.75")
            row("processor time a call", mine[1], theirs[1], "ms", "<= 0.65")
            row("calls a second at 64 at once", mine[2], theirs[2], "1/s", ">= 1.7")
            print(f"a direct call with httpx2, p50: {direct:.2f} ms; ours adds {mine[0] - direct:.2f} ms")
            listing = await ours.request("tools/list", {})
            size = len(json.dumps(listing["tools"], ensure_ascii=False, separators=(",", ":")).encode())
            print(f"tools/list: {size} bytes (goal <= 5500)")
            first = await measure_first_progress(ours)
            print(f"first chunk to first progress, p50: {first:.2f} ms (goal <= 5)")
            costs = await measure_streams(ours)
            print(
                "processor time a chunk: " + ", ".join(f"{cost:.1f} us of {count:,}" for count, cost in costs.items())
            )
        async with server_process(env) as ours:
            await call(ours)
            idle = memory(ours)
            calls = asyncio.gather(*(call(ours, "slow-3") for _ in range(SLOW_CALLS)))
            peak = idle
            while not calls.done():
                await asyncio.wait([calls], timeout=0.2)
                peak = max(peak, memory(ours))
            await calls
            print(f"{SLOW_CALLS} slow calls at once: {peak - idle:.0f} MB over idle (goal <= 100)")


if __name__ == "__main__":
    asyncio.run(main())
