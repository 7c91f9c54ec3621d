"""Server processes: over stdio with a raw client, which sees every line as it is, and over HTTP and SSE."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil

from mcp_grok.cli.install.entry_form import KEY_VARIABLES
from tests.chat import CHAT, HELLO
from tests.conftest import KEY
from tests.nursery import ForkedProcess, fork
from tests.replay import Replay

MCP_GROK = (sys.executable, "-m", "mcp_grok")

Process = asyncio.subprocess.Process | ForkedProcess

STREAMS = ("stdin", "stdout", "stderr")

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "tests", "version": "0"},
}
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}

TIMED_OUT = "McpError: MCP error -32001: Request timed out"
TIMEOUTS = [
    TIMED_OUT,
    "timed out after 60s",
    "Request timeout",
    "client time-out",
    "TIME OUT",
    "context deadline exceeded",
]
"""The reasons that clients give for a cancellation after a timeout."""


def environment(upstream: Replay, **settings: str) -> dict[str, str]:
    """The environment of a server that calls an upstream, with further `MCP_GROK_` settings."""
    given = {"provider": "acedata", "api_key": KEY, "base_url": upstream.base_url, **settings}
    return {f"MCP_GROK_{name.upper()}": value for name, value in given.items()}


def modern_call(tool: str, arguments: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of a call of a tool over HTTP, in the era without sessions."""
    return modern_request("tools/call", {"name": tool, "arguments": arguments}, tool)


def modern_request(
    method: str, params: dict[str, Any], name: str = "", meta: dict[str, Any] = MODERN_META
) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of any request over HTTP, in the era without sessions."""
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        **({"mcp-name": name} if name else {}),
    }
    return headers, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


def free_port() -> int:
    """A port that nothing uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One process. Answers go to their requests; everything else to `others`, in order.

    Attributes:
        process: The process itself.
        others: Notifications, and answers to no request.
        progress: When each progress notification came (seconds, `perf_counter`), and its text.
        started_after: Seconds from the start of the process to the answer to `initialize`.
    """

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        self.process = process
        self.others: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.progress: list[tuple[float, str]] = []
        self.started_after = 0.0
        self._stdin = process.stdin
        self._waiting: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self._next = 0

    async def read(self) -> None:
        """Reads until the server closes its stdout."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            message = json.loads(line)
            if message.get("method") == "notifications/progress":
                self.progress.append((time.perf_counter(), message["params"].get("message", "")))
            if "id" in message and message["id"] in self._waiting:
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self.others.put_nowait(message)

    def send_line(self, line: bytes) -> None:
        """Writes a line as it is."""
        self._stdin.write(line + b"\n")

    def send(self, message: dict[str, Any]) -> None:
        """Writes a message."""
        self.send_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def ask(self, method: str, params: dict[str, Any]) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Sends a request; gives its id and its answer to come."""
        self._next += 1
        answer = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        self.send({"id": self._next, "method": method, "params": params})
        return self._next, answer

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Sends a request and waits for its result."""
        reply = await self.ask(method, params)[1]
        result: dict[str, Any] = reply["result"]
        return result

    def ask_grok(
        self, *, progress: bool = False, meta: dict[str, Any] | None = None, **arguments: Any
    ) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Calls the tool; gives the request's id and its answer to come."""
        params: dict[str, Any] = {"name": CHAT, "arguments": {**HELLO, **arguments}}
        known = {**(meta or {}), **({"progressToken": self._next + 1} if progress else {})}
        return self.ask("tools/call", {**params, "_meta": known} if known else params)

    async def grok(self, **options: Any) -> dict[str, Any]:
        """Calls the tool and waits for its result."""
        reply = await self.ask_grok(**options)[1]
        result: dict[str, Any] = reply["result"]
        return result

    def cancel(self, number: int, reason: str | None = None) -> None:
        """Cancels a request."""
        given = {} if reason is None else {"reason": reason}
        self.send({"method": "notifications/cancelled", "params": {"requestId": number, **given}})

    def close_stdin(self) -> None:
        """Ends the client's side of the connection."""
        self._stdin.close()


async def started(
    command: Sequence[str], arguments: Sequence[str], given: dict[str, str], piped: tuple[int, ...], **options: Any
) -> Process:
    """A process, forked if that makes no difference: it runs the command of this package, with our own settings.

    Args:
        command: What to start.
        arguments: Of the command.
        given: Added to the environment of the tests.
        piped: Which of its standard streams are pipes: 0, 1, 2.
        options: For `asyncio.create_subprocess_exec`.
    """
    environment = {**os.environ, **given}
    # The interpreter reads others as it starts.
    is_ours = all(name.startswith("MCP_GROK_") or name in KEY_VARIABLES for name in given)
    # Coverage measures only what is started.
    can_fork = hasattr(os, "fork") and "COVERAGE_PROCESS_CONFIG" not in environment
    if command == MCP_GROK and is_ours and can_fork and not options:
        return await fork(arguments, environment, piped=piped)
    pipes = {name: asyncio.subprocess.PIPE for number, name in enumerate(STREAMS) if number in piped}
    return await asyncio.create_subprocess_exec(
        *command, *arguments, env=environment, limit=2**26, **{**pipes, **options}
    )


@asynccontextmanager
async def server_process(
    given: dict[str, str], command: Sequence[str] = MCP_GROK, *, handshake: bool = True, **options: Any
) -> AsyncIterator[ServerProcess]:
    """A process, ended by EOF at the latest.

    Args:
        given: Added to the environment of the tests.
        command: What to start.
        handshake: Whether to open the session as clients did before 2026-07-28.
        options: For `asyncio.create_subprocess_exec`.
    """
    began = time.perf_counter()
    process = await started(command, (), given, (0, 1), **options)
    server = ServerProcess(process)
    reading = asyncio.create_task(server.read())
    try:
        if handshake:
            await server.request("initialize", INITIALIZE)
            server.started_after = time.perf_counter() - began
            server.send({"method": "notifications/initialized"})
        yield server
    finally:
        server.close_stdin()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            raise
        await reading


@asynccontextmanager
async def listening_process(
    given: dict[str, str], transport: str, *options: str, command: Sequence[str] = MCP_GROK
) -> AsyncIterator[tuple[str, Process]]:
    """A process that serves `http` or `sse` on a free port, and its URL; ended by a signal.

    Fails where its log holds a traceback or the key.
    """
    arguments = ("serve", "--transport", transport, "--port", "0", *options)
    process = await started(command, arguments, given, (2,))
    assert process.stderr is not None
    try:
        line = (await asyncio.wait_for(process.stderr.readline(), 10)).decode()
        assert "listening on" in line
        yield line.split()[-1], process
    finally:
        if process.returncode is None:
            # `terminate` polls first; when the process has ended, the event loop then never gets its status.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        try:
            status = await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            raise
        assert status == 128 + signal.SIGTERM
        log = (await process.stderr.read()).decode()
        assert "Traceback" not in log, log
        assert given["MCP_GROK_API_KEY"] not in log


@asynccontextmanager
async def serving(
    upstream: Replay, transport: str, *options: str, **settings: str
) -> AsyncIterator[tuple[str, Process]]:
    """A process that serves `http` or `sse` and calls an upstream, and its URL."""
    async with listening_process(environment(upstream, **settings), transport, *options) as (url, process):
        yield url, process


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
