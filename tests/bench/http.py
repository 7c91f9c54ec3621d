"""The same calls over HTTP, 16 at once: this server in one process and in two, beside a bare SDK server."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from tests.bench.__main__ import environment, upstream
from tests.process import MCP_GROK, modern_call

AT_ONCE = 16
CALLS = 1500
ROUNDS = 3
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


async def rate(url: str, count: int = CALLS) -> float:
    """Calls a second, 16 at once.

    Raises:
        RuntimeError: one failed.
    """
    arguments = {"messages": [{"role": "user", "content": "Hello"}]}
    headers, body = modern_call("grok_chat_completions", arguments)
    headers["content-type"] = "application/json"
    request = json.dumps(body).encode()
    numbers = iter(range(count))

    async def caller(client: httpx2.AsyncClient) -> None:
        for _ in numbers:
            response = await client.post(url, content=request, headers=headers)
            if response.status_code != 200 or '"isError":true' in response.text:
                raise RuntimeError(response.text)

    async with httpx2.AsyncClient(trust_env=False, timeout=60, limits=httpx2.Limits(max_connections=AT_ONCE)) as client:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(caller(client))
        return count / (time.perf_counter() - began)


async def main() -> None:
    """Prints the best of some rounds for each, taken in turns."""
    command = [*MCP_GROK, "serve", "--transport", "http", "--port", "0"]
    async with upstream() as base_url:
        with tempfile.TemporaryDirectory() as folder:
            env = environment(base_url)
            shared = {**env, "MCP_GROK_STORE": f"disk:{folder}/store"}
            async with (
                serving(command, env) as ours,
                serving(BARE, env) as bare,
                serving(command, shared) as one,
                serving([*command, "--workers", "2"], shared) as two,
            ):
                best: dict[str, float] = {}
                for _ in range(ROUNDS):
                    for name, url in (("ours", ours), ("bare", bare), ("one", one), ("two", two)):
                        best[name] = max(best.get(name, 0), await rate(url))
    print(
        f"over HTTP at {AT_ONCE} at once: {best['ours']:.0f} calls/s, bare SDK {best['bare']:.0f}: "
        f"{best['ours'] / best['bare']:.2f} (goal >= 1)"
    )
    print(
        f"two workers {best['two']:.0f} calls/s, one {best['one']:.0f}, both with answers on disk: "
        f"{best['two'] / best['one']:.2f} (goal >= 1.6)"
    )


if __name__ == "__main__":
    asyncio.run(main())
