"""How long quiet callers wait while others load the server over HTTP, beside how long they wait without the load.

The load: open streams, half-open requests, and one caller with many calls at once. Server, upstream and load each have
a process; the quiet callers are in this one.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcp_grok.auth.tokens import new_token
from tests.bench.__main__ import environment, percentile, upstream
from tests.bench.http import serving
from tests.process import MCP_GROK, modern_call

STREAMS = 1000
STREAMS_PER_CALLER = 25
TICK = 5
"""Seconds between two chunks of a stream."""

HALF_OPEN = 300
AT_ONCE = 200
SLOW = 10
"""Seconds that each of these calls takes; one that is refused is made again after about as many."""

QUIET = 4
CALLS = 300
"""Calls of each quiet caller in a round."""

PAUSE = 0.01
ROUNDS = 5
"""Rounds in turns without and with the load, so that the ratio depends little on other programs."""

OPENING = 60
"""Maximum seconds to open the load."""


class Caller:
    """A connection of one caller over which calls are made.

    Args:
        url: The address of the server.
        token: The caller's token.
    """

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url)
        self._token = token

    async def connect(self) -> None:
        """Opens the connection."""
        host, port = self._address.hostname, self._address.port
        self.reader, self.writer = await asyncio.open_connection(host, port)

    def request(self, model: str, **meta: Any) -> bytes:
        """The bytes of a call of a model, which says what the upstream does."""
        arguments = {"messages": [{"role": "user", "content": "Hello"}], "model": model}
        headers, body = modern_call("grok_chat_completions", arguments)
        body["params"]["_meta"] = {**body["params"]["_meta"], **meta}
        content = json.dumps(body).encode()
        headers |= {
            "host": self._address.netloc,
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "content-length": str(len(content)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self._address.path} HTTP/1.1\r\n{lines}\r\n".encode() + content

    async def ask(self, request: bytes) -> tuple[int, Any]:
        """The status and the JSON of the answer to a call that is not streamed."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        content = await self.reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return int(head.split()[1]), json.loads(content)


async def quiet_calls(url: str, tokens: list[str]) -> list[float]:
    """Milliseconds of each of the plain calls of some callers, sorted.

    Raises:
        RuntimeError: one failed.
    """
    times: list[float] = []

    async def ask(token: str) -> None:
        caller = Caller(url, token)
        await caller.connect()
        request = caller.request("grok-4")
        for _ in range(CALLS):
            began = time.perf_counter()
            status, answer = await caller.ask(request)
            times.append((time.perf_counter() - began) * 1000)
            if status != 200 or answer["result"].get("isError"):
                raise RuntimeError(answer)
            await asyncio.sleep(PAUSE)
        caller.writer.close()

    async with asyncio.TaskGroup() as tasks:
        for token in tokens:
            tasks.create_task(ask(token))
    return sorted(times)


class Load:
    """The load on a server, in a process of its own: see `main`."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self._url = url
        self._busy, *self._tokens = tokens
        self.streams = 0
        self.refused: Counter[str] = Counter()
        self.answered = 0
        self._all_open = asyncio.Event()

    async def stream(self, token: str) -> None:
        """Opens a stream and reads it to its end, which is the server's refusal."""
        caller = Caller(self._url, token)
        await caller.connect()
        caller.writer.write(caller.request(f"ticks-{TICK}", progressToken=1))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await caller.reader.readuntil(b"\r\n\r\n")
            if b"text/event-stream" in head:
                self.streams += 1
                if self.streams == STREAMS:
                    self._all_open.set()
                while await caller.reader.read(65536):
                    pass
                self.streams -= 1
            else:
                self.refused[head.split(b"\r\n")[0].decode() + (await caller.reader.read(4096)).decode()[:300]] += 1
        self.refused["a stream ended"] += 1

    async def half_open(self, token: str, headers_only: bool) -> None:
        """Begins requests that do not go on, one after the other: each until the server ends it."""
        while True:
            caller = Caller(self._url, token)
            with suppress(ConnectionError):
                await caller.connect()
                request = caller.request("grok-4")
                caller.writer.write(request[:100] if headers_only else request[:-20])
                ended = await caller.reader.read(4096)
                self.refused["half-open: " + ended.decode().split("\r\n")[0]] += 1

    async def call(self, number: int) -> None:
        """Makes slow calls, one after the other."""
        caller = Caller(self._url, self._busy)
        request = caller.request(f"slow-{SLOW}.{number:03}")
        while True:
            # The server closes idle connections.
            await caller.connect()
            status, answer = await caller.ask(request)
            caller.writer.close()
            result = answer.get("result")
            if result and not result.get("isError"):
                self.answered += 1
                continue
            words = json.loads(result["content"][0]["text"])["error"]["message"] if result else str(answer)
            self.refused[f"{status} {words}"] += 1
            await asyncio.sleep(SLOW * random.uniform(0.5, 1.5))

    async def run(self) -> None:
        """Opens everything, prints a line, and goes on until stdin closes; then prints what happened."""
        tasks = []
        for number in range(STREAMS):
            tasks.append(asyncio.create_task(self.stream(self._tokens[number // STREAMS_PER_CALLER])))
            await asyncio.sleep(0.005)
        halves = [self.half_open(self._busy, headers_only=number % 2 == 0) for number in range(HALF_OPEN)]
        tasks += [asyncio.create_task(each) for each in halves]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_open.wait(), OPENING)
        print("open", flush=True)
        tasks += [asyncio.create_task(self.call(number)) for number in range(AT_ONCE)]
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            if task.done() and task.exception():
                self.refused[repr(task.exception())] += 1
        print(json.dumps({"streams": self.streams, "answered": self.answered, "refused": self.refused}), flush=True)
        os._exit(0)


@asynccontextmanager
async def loaded(url: str, tokens: list[str], report: list[Any]) -> AsyncIterator[None]:
    """A load on a server during a block; adds what happened to a report."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.load", url, *tokens),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    yield
    process.stdin.close()
    report.append(json.loads(await process.stdout.readline()))
    await process.wait()


def raise_open_files() -> None:
    """Lets this process and its children open as many files as the system allows."""
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def main() -> None:
    """Prints the times of the quiet callers in each round, and what became of the load."""
    raise_open_files()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokens"
        quiet = [new_token(path, f"quiet-{number}") for number in range(QUIET)]
        load = [new_token(path, f"load-{number}") for number in range(1 + STREAMS // STREAMS_PER_CALLER)]
        async with upstream() as base_url:
            command = [*MCP_GROK, "serve", "--transport", "http", "--port", "0", "--token-file", str(path)]
            own = {"MCP_GROK_MAX_CONCURRENCY": "5000", "MCP_GROK_ON_DISCONNECT": "stop", "MCP_GROK_HANDOFF_AFTER": "0"}
            async with serving([*command, "--drain", "0"], {**environment(base_url), **own}) as url:
                await measure(url, quiet, load)


async def measure(url: str, quiet: list[str], load: list[str]) -> None:
    """Measures in turns without and with the load."""
    report: list[Any] = []
    ratios: list[float] = []
    await quiet_calls(url, quiet)
    for _ in range(ROUNDS):
        alone = await quiet_calls(url, quiet)
        async with loaded(url, load, report):
            under_load = await quiet_calls(url, quiet)
        ratios.append(percentile(under_load, 0.99) / percentile(alone, 0.99))
        told = [
            f"p50 {percentile(times, 0.5):.1f} p99 {percentile(times, 0.99):.1f} ms" for times in (alone, under_load)
        ]
        print(f"alone {told[0]}; under load {told[1]}; p99 ratio {ratios[-1]:.2f}", flush=True)
        print(f"  {report[-1]['streams']} streams open, {report[-1]['answered']} calls of the busy caller answered")
        for words, count in Counter(report[-1]["refused"]).most_common():
            print(f"  {count} times: {words}", flush=True)
    print(f"median of the ratios: {statistics.median(ratios):.2f} (goal <= 2)")


if __name__ == "__main__":
    asyncio.run(Load(sys.argv[1], sys.argv[2:]).run() if len(sys.argv) > 1 else main())
