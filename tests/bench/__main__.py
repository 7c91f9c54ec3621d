"""Prints the table. It keeps no verdict: the ratios speak, and machines differ."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx2
import psutil

from tests.bench.function_calls import COUNTS, calls_here, calls_of, counting
from tests.bench.instructions import can_count, instructions_of
from tests.process import MCP_GROK, ServerProcess, cpu_seconds, server_process

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


def memory(server: ServerProcess) -> float:
    """Megabytes that a server holds."""
    return float(psutil.Process(server.process.pid).memory_info().rss / 1e6)


@asynccontextmanager
async def direct_client(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The function that makes a call with one pooled client, nothing between."""
    body = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}
    limits = httpx2.Limits(max_connections=TOGETHER)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as client:
        yield lambda: client.post(f"{url}/grok/chat/completions", json=body)


@dataclass(frozen=True, slots=True)
class Round:
    """The times of one round.

    Attributes:
        alone: Milliseconds of each call, made one after the other.
        together: Milliseconds of each call, 64 at once.
        rate: Calls a second, 64 at once.
    """

    alone: list[float]
    together: list[float]
    rate: float


async def measure(one_call: Callable[[], Awaitable[object]]) -> Round:
    """One round of calls."""
    slots = asyncio.Semaphore(TOGETHER)

    async def timed() -> float:
        async with slots:
            began = time.perf_counter()
            await one_call()
            return (time.perf_counter() - began) * 1000

    await asyncio.gather(*(timed() for _ in range(TOGETHER)))
    alone = [await timed() for _ in range(SEQUENTIAL)]
    began = time.perf_counter()
    together = await asyncio.gather(*(timed() for _ in range(MANY)))
    return Round(alone, together, MANY / (time.perf_counter() - began))


async def measure_rounds(calls: Sequence[Callable[[], Awaitable[object]]]) -> list[list[Round]]:
    """The rounds of each kind of call, taken in turns."""
    rounds = [[await measure(one_call) for one_call in calls] for _ in range(ROUNDS)]
    return [list(of_one) for of_one in zip(*rounds, strict=True)]


async def processor_time(server: ServerProcess) -> float:
    """Milliseconds of processor time a call, at the median of the rounds."""
    times = []
    for _ in range(ROUNDS):
        used = cpu_seconds(server.process.pid)
        for _ in range(SEQUENTIAL):
            await call(server)
        times.append((cpu_seconds(server.process.pid) - used) / SEQUENTIAL * 1000)
    return statistics.median(times)


async def function_calls(env: dict[str, str], command: Sequence[str]) -> float:
    """The function calls of a server for one call."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        async with server_process({**env, COUNTS: str(counts)}, counting(command)) as server:
            return await calls_of(counts, lambda: call(server))


def percentile(times: Sequence[float], share: float) -> float:
    """The time that a share of the times does not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


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
        used = cpu_seconds(server.process.pid)
        await call(server, f"chunks-{size}", progress=True)
        costs[size] = (cpu_seconds(server.process.pid) - used) / size * 1e6
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


def row(name: str, unit: str, ours: float, bare: float, direct: float | None = None, *, goal: str = "") -> None:
    """Prints one line of the table."""
    beside = " " * 19 if direct is None else f"{direct:>9.2f} {ours / direct:>9.2f}"
    print(f"{name:<30} {unit:<4} {ours:>9.2f} {bare:>9.2f} {ours / bare:>9.2f} {beside}  {goal}".rstrip(), flush=True)


def print_calls(measured: list[list[Round]]) -> None:
    """Prints the times of calls: medians of the rounds, and the tails of all calls."""
    p50 = (statistics.median(percentile(one.alone, 0.5) for one in rounds) for rounds in measured)
    row("a call, p50", "ms", *p50, goal="<= 1.7 of direct")
    row("a call, p99", "ms", *(percentile([*chain(*(one.alone for one in rounds))], 0.99) for rounds in measured))
    rates = (statistics.median(one.rate for one in rounds) for rounds in measured)
    row(f"{TOGETHER} at once, calls a second", "1/s", *rates, goal=">= 0.82 of direct")
    tails = (percentile([*chain(*(one.together for one in rounds))], 0.99) for rounds in measured)
    row(f"{TOGETHER} at once, p99", "ms", *tails)


async def main() -> None:
    """Runs everything in one go, so that the figures compare."""
    async with upstream() as url:
        env = environment(url)
        titles = (f"{title:>9}" for title in ("mcp-grok", "bare SDK", "of bare", "direct", "of direct"))
        print(f"{'':<30} {'unit':<4}", *titles, " goal")
        row("start to initialize", "s", *await measure_starts(env), goal="<= 0.82 of bare")
        async with (
            server_process(env) as ours,
            server_process(env, BARE) as bare,
            direct_client(url) as direct,
        ):
            row("memory, idle", "MB", memory(ours), memory(bare), goal="<= bare + 5")
            print_calls(await measure_rounds((lambda: call(ours), lambda: call(bare), direct)))
            row("processor time a call", "ms", await processor_time(ours), await processor_time(bare))
            # A pool looks at all its connections in each call, so this one has no more than it needs.
            async with direct_client(url) as alone:
                served = [await function_calls(env, command) for command in (MCP_GROK, BARE)]
                row("function calls a call", "", served[0], served[1], await calls_here(alone))
            if can_count():
                counts = [await instructions_of(env, command, call) / 1e6 for command in (MCP_GROK, BARE)]
                row("instructions a call", "M", *counts)
            else:
                print("instructions a call: `perf` is not here, or cannot count them on this machine")
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
