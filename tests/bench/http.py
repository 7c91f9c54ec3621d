"""The same calls over HTTP, 16 at once: this server in one process and in two, beside a bare SDK server."""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2

from tests.bench.__main__ import environment, upstream
from tests.process import MCP_GROK, modern_call

AT_ONCE = 16
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


async def rate(url: str) -> float:
    """Calls a second, 16 at once.

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
    numbers = iter(range(CALLS))

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in numbers:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            if not head.startswith(b"HTTP/1.1 200 ") or b'"isError":true' in answer:
                raise RuntimeError(answer.decode())
        writer.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(caller())
    return CALLS / (time.perf_counter() - began)


async def main() -> None:
    """Prints the rates, and how they compare, at the median of the rounds."""
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
                rounds = [[await rate(url) for url in (ours, bare, one, two)] for _ in range(ROUNDS)]
    mine, theirs, of_one, of_two = zip(*rounds, strict=True)
    print(f"over HTTP at {AT_ONCE} at once: {compared(mine, theirs, 'bare SDK')} (goal >= 1)")
    print(f"two workers, with answers on disk: {compared(of_two, of_one, 'one')} (goal >= 1.6)")


def compared(mine: tuple[float, ...], theirs: tuple[float, ...], name: str) -> str:
    """The rates of one server beside those of another, round by round."""
    ratio = statistics.median(own / other for own, other in zip(mine, theirs, strict=True))
    return f"{statistics.median(mine):.0f} calls/s, {name} {statistics.median(theirs):.0f}: {ratio:.2f}"


if __name__ == "__main__":
    asyncio.run(main())
