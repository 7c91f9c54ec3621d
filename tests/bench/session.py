"""A raw MCP client over stdio: as little work as possible, so that the server's is what is measured."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "0"},
}


class Session:
    """One server process and the calls under way on it."""

    def __init__(self, process: asyncio.subprocess.Process, started: float) -> None:
        assert process.stdin is not None
        self.started = started
        self.usage = psutil.Process(process.pid)
        self._process = process
        self._stdin = process.stdin
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.progress: list[tuple[float, str]] = []
        self._next = 0

    async def read(self) -> None:
        """Hands each answer to whoever waits for it, until the server closes."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self.progress.append((time.perf_counter(), message["params"].get("message", "")))

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Sends a request and waits for its result."""
        self._next += 1
        answer = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        message = {"jsonrpc": "2.0", "id": self._next, "method": method, "params": params}
        self._stdin.write(json.dumps(message).encode() + b"\n")
        reply = await answer
        result: dict[str, Any] = reply["result"]
        return result

    async def call(self, model: str = "grok-4", progress: bool = False) -> dict[str, Any]:
        """Calls the tool.

        Raises:
            RuntimeError: the call failed.
        """
        arguments = {"messages": [{"role": "user", "content": "Hello"}], "model": model}
        params: dict[str, Any] = {"name": "grok_chat_completions", "arguments": arguments}
        if progress:
            params["_meta"] = {"progressToken": self._next + 1}
        result = await self.request("tools/call", params)
        if result.get("isError"):
            raise RuntimeError(result["content"][0]["text"])
        return result

    @property
    def cpu(self) -> float:
        """Seconds of processor time that the server has used."""
        times = self.usage.cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> float:
        """Megabytes that the server holds."""
        return float(self.usage.memory_info().rss / 1e6)


@asynccontextmanager
async def session(command: list[str], environment: dict[str, str]) -> AsyncIterator[Session]:
    """A server process with a finished handshake."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        limit=64 * 1024 * 1024,
    )
    opened = Session(process, started)
    reading = asyncio.create_task(opened.read())
    try:
        await opened.request("initialize", HELLO)
        opened.started = time.perf_counter() - started
        assert process.stdin is not None
        process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        yield opened
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        reading.cancel()
