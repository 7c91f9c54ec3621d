"""The same calls over HTTP: this server in one process and in two, beside a bare SDK server."""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.bench.__main__ import environment, percentile, upstream
from tests.bench.function_calls import COUNTS, calls_of, counting
from tests.process import MCP_GROK, modern_call

AT_ONCE = (16, 64, 256)
"""Connections; two workers are compared with one at the first number."""

CALLS = 300
ROUNDS = 15
"""Many short rounds in turns: their median depends little on other load."""

BARE = [sys.executable, "-m", "tests.bench.bare", "http"]


@asynccontextmanager
async def serving(command: list[str], env: dict[str, str]) -> AsyncIterator[str]:
    """A server process that answers, and its address, which it says on stderr."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, env={**os.environ, **env})
    assert process.stderr is not None
    try:
        while b"http://" not in (line := await process.stderr.readline()):
            assert line, "the server ended"
        reading = asyncio.create_task(process.stderr.read())
        url = "http://" + line.decode().split("http://")[1].split()[0]
        await _answering(url)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading


async def _answering(url: str) -> None:
    async with asyncio.timeout(30), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            try:
                await client.post(url, content=b"{}")
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
            else:
                return


async def measure(url: str, at_once: int, calls: int = CALLS) -> tuple[float, list[float]]:
    """Calls a second over some connections at once, and the milliseconds of each.

    The client does as little as it can: it shares the machine's cores with the server.

    Raises:
        RuntimeError: one failed.
    """
    address = urlsplit(url)
    headers, body = modern_call("grok_chat_completions", {"messages": [{"role": "user", "content": "Hello"}]})
    content = json.dumps(body).encode()
    headers |= {"host": address.netloc, "content-type": "application/json", "content-length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST {address.path} HTTP/1.1\r\n{lines}\r\n".encode() + content
    numbers, times = iter(range(calls)), []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in numbers:
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            times.append((time.perf_counter() - sent) * 1000)
            if not head.startswith(b"HTTP/1.1 200 ") or b'"isError":true' in answer:
                raise RuntimeError(answer.decode())
        writer.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(caller())
    return calls / (time.perf_counter() - began), times


async def function_calls(env: dict[str, str], command: Sequence[str]) -> float:
    """The function calls of a server for one call."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        async with serving(counting(command), {**env, COUNTS: str(counts)}) as url:
            return await calls_of(counts, lambda: measure(url, 1, 1))


async def main() -> None:
    """Prints the rates, and how they compare, at the median of the rounds; and the tails of all calls."""
    command = [*MCP_GROK, "serve", "--transport", "http", "--port", "0"]
    async with upstream() as base_url:
        env = environment(base_url)
        async with serving(command, env) as ours, serving(BARE, env) as bare:
            for at_once in AT_ONCE:
                await compare(f"{at_once} at once", at_once, ours, bare, "bare SDK")
        with tempfile.TemporaryDirectory() as folder:
            shared = {**env, "MCP_GROK_STORE": f"disk:{folder}/store"}
            async with serving([*command, "--workers", "2"], shared) as two, serving(command, shared) as one:
                await compare("two workers, with answers on disk", AT_ONCE[0], two, one, "one")
        mine, theirs = [await function_calls(env, each) for each in (command, BARE)]
        print(f"function calls a call: {mine:.0f}, bare SDK {theirs:.0f}: {mine / theirs:.2f}")


async def compare(name: str, at_once: int, url: str, other: str, other_name: str) -> None:
    """Prints the rate and the tail of one server beside those of another, measured in turns."""
    rounds = [[await measure(each, at_once) for each in (url, other)] for _ in range(ROUNDS)]
    (mine, my_times), (theirs, their_times) = (zip(*of_one, strict=True) for of_one in zip(*rounds, strict=True))
    ratio = statistics.median(own / others for own, others in zip(mine, theirs, strict=True))
    rates = f"{statistics.median(mine):.0f} calls/s, {other_name} {statistics.median(theirs):.0f}: {ratio:.2f}"
    tails = [percentile([*chain(*times)], 0.99) for times in (my_times, their_times)]
    print(f"over HTTP, {name}: {rates}; p99 {tails[0]:.1f} ms, {other_name} {tails[1]:.1f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
