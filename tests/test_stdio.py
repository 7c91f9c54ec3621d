"""The server as a process, with raw lines on its pipes."""

import asyncio
import json
import os
import pty
import signal
import socket
import sys
import time
import tty
from pathlib import Path
from typing import Any

import pytest
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION

from tests.chat import CHAT, HELLO, body_of
from tests.conftest import KEY
from tests.process import INITIALIZE, MCP_GROK, MODERN_META, ServerProcess, modern_call, server_process
from tests.replay import REST, TEXT, Exchange, HeldStream, Replay, hold

DEEP = b"[" * 100_000 + b"]" * 100_000
"""A value that no parser accepts."""


@pytest.fixture
def environment(upstream: Replay) -> dict[str, str]:
    """Leads a process to the test's upstream."""
    return {"ACEDATACLOUD_API_TOKEN": KEY, "MCP_GROK_BASE_URL": upstream.base_url}


async def finished(server: ServerProcess) -> int:
    """The exit status, which must come soon."""
    return await asyncio.wait_for(server.process.wait(), 5)


async def answers_to_a_file(given: dict[str, str], path: Path, *requests: tuple[str, Any]) -> list[Any]:
    """The answers of a server whose input is a file of requests."""
    messages = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(requests)
    ]
    path.write_text("".join(json.dumps(message) + "\n" for message in messages), encoding="utf-8")
    with path.open("rb") as stdin:
        process = await asyncio.create_subprocess_exec(
            *MCP_GROK, stdin=stdin, stdout=asyncio.subprocess.PIPE, env={**os.environ, **given}
        )
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def test_garbage_is_answered(environment: dict[str, str]) -> None:
    async with server_process(environment) as server:
        server.send_line(b"this is not JSON")
        refusal = await server.others.get()
        assert (refusal["id"], refusal["error"]["code"]) == (None, -32700)
        assert body_of(await server.grok())["choices"]


@pytest.mark.parametrize(
    ("line", "request_id", "code"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":5}', 7, -32600),
        (b'{"jsonrpc":"2.0","id":"a","params":[]}', "a", -32600),
        (b'{"jsonrpc":"2.0","id":true}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 1.5, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping","params":{"x":"\xff"}}', 1.5, -32600),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', None, -32600),
        (b"[]", None, -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None, -32600),
        (b'"text"', None, -32600),
        (b"Content-Length: 40\r", None, -32700),
        (b"[" * 20_000, None, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"', None, -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":DEEP}}', 7, -32700),
        (b'{"method":"ping","params":{"id":1,"x":DEEP},"jsonrpc":"2.0","id":"a"}', "a", -32700),
    ],
)
async def test_invalid_request_is_answered_with_its_id(
    environment: dict[str, str], line: bytes, request_id: Any, code: int
) -> None:
    async with server_process(environment) as server:
        server.send_line(line.replace(b"DEEP", DEEP))
        refusal = await server.others.get()
        assert (refusal["id"], refusal["error"]["code"]) == (request_id, code)
        assert await server.request("ping", {}) == {}


async def test_odd_requests_are_served(environment: dict[str, str]) -> None:
    async with server_process(environment) as server:
        for line, request_id in [
            (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":"x","method":"ping"}', "x"),
            (b'{"jsonrpc":"2.0","id":1e2,"method":"ping"}', 100),
            (b'{"jsonrpc":"2.0","id":-3.0,"method":"ping","params":[]}', -3),
            (b'{"jsonrpc":"2.0","id":"","method":"ping","params":null}', ""),
            (b'{"jsonrpc":"2.0","id":1180591620717411303424,"method":"ping"}', 2**70),
            (b'{"jsonrpc":"2.0","id":"12","method":"ping"}', "12"),
        ]:
            server.send_line(line)
            assert await server.others.get() == {"jsonrpc": "2.0", "id": request_id, "result": {}}


async def test_ids_with_a_decimal_point_are_those_of_progress_and_cancellations(
    environment: dict[str, str], upstream: Replay
) -> None:
    HeldStream(upstream)
    async with server_process(environment) as server:
        params = {"name": CHAT, "arguments": HELLO, "_meta": {"progressToken": 50.0}}
        server.send({"id": 50.0, "method": "tools/call", "params": params})
        progress = await server.others.get()
        assert (progress["params"]["progressToken"], progress["params"]["message"]) == (50, "so far")
        exchange = await upstream.exchanges.get()
        server.send({"method": "notifications/cancelled", "params": {"requestId": 50.0, "reason": "user"}})
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_lone_surrogate_is_replaced(environment: dict[str, str], upstream: Replay) -> None:
    async with server_process(environment) as server:
        _, answer = server.ask_grok(messages=[{"role": "user", "content": "half \ud83d"}])
        assert "result" in await answer
        assert body_of(await server.grok())["choices"]
    assert upstream.requests[0].json["messages"][0]["content"] == "half \ufffd"


async def test_bytes_that_are_not_utf8_are_replaced(environment: dict[str, str], upstream: Replay) -> None:
    async with server_process(environment) as server:
        call = {"name": "grok_chat_completions", "arguments": {"messages": [{"role": "user", "content": "X"}]}}
        line = json.dumps({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": call}).encode()
        server.send_line(line.replace(b"X", b"\xff"))
        assert (await server.others.get())["id"] == "x"
    assert upstream.requests[0].json["messages"][0]["content"] == "\ufffd"


async def test_blank_lines_and_carriage_returns_are_ignored(environment: dict[str, str]) -> None:
    async with server_process(environment) as server:
        server.send_line(b"")
        server.send_line(b"  \r")
        server.send_line(b'{"jsonrpc":"2.0","id":"x","method":"ping"}\r')
        assert (await server.others.get())["id"] == "x"


async def test_first_piece_arrives_before_the_last_is_sent(environment: dict[str, str], upstream: Replay) -> None:
    held = HeldStream(upstream)
    async with server_process(environment) as server:
        _, answer = server.ask_grok(progress=True, stream=True)
        first = await server.others.get()
        assert first["params"]["message"] == "so far"
        assert not answer.done()
        held.release.set()
        result = (await answer)["result"]
    assert body_of(result)["choices"][0]["message"]["content"] == "so far, done"
    assert "".join(text for _, text in server.progress) == "so far, done"


@pytest.mark.parametrize(
    ("progress", "stream", "streamed"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
async def test_progress_decides_streaming_where_stream_is_not_given(
    environment: dict[str, str], upstream: Replay, progress: bool, stream: bool | None, streamed: bool
) -> None:
    async with server_process(environment) as server:
        await server.grok(progress=progress, stream=stream)
    assert upstream.requests[0].json.get("stream", False) is streamed


async def test_client_without_handshake_is_served(environment: dict[str, str], upstream: Replay) -> None:
    upstream.behave = hold
    async with server_process(environment, handshake=False) as server:
        number, _ = server.ask_grok(meta=MODERN_META, stream=True)
        exchange = await upstream.exchanges.get()
        server.send({"method": "notifications/cancelled", "params": {"requestId": number}})
        await asyncio.wait_for(exchange.closed.wait(), 2)
        listing = await server.request("tools/list", {"_meta": MODERN_META})
    assert listing["resultType"] == "complete"
    assert listing["tools"][0]["name"] == "grok_chat_completions"


@pytest.mark.parametrize("answered", [True, False])
async def test_handshake_after_a_probe_is_accepted(environment: dict[str, str], answered: bool) -> None:
    async with server_process(environment, handshake=False) as server:
        _, probe = server.ask("server/discover", {"_meta": MODERN_META})
        if answered:
            await probe
        opened = await server.request("initialize", INITIALIZE)
        server.send({"method": "notifications/initialized"})
        assert opened["protocolVersion"] == INITIALIZE["protocolVersion"]
        assert body_of(await server.grok())["choices"]


async def test_handshake_after_a_probe_is_accepted_from_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    requests = [("server/discover", {"_meta": MODERN_META}), ("initialize", INITIALIZE)]
    answers = await answers_to_a_file(environment, tmp_path / "requests", *requests)
    assert answers[-1]["result"]["serverInfo"]["name"] == "mcp-grok"


async def test_handshake_after_other_requests_is_refused(environment: dict[str, str]) -> None:
    async with server_process(environment, handshake=False) as server:
        await server.request("server/discover", {"_meta": MODERN_META})
        await server.request("tools/list", {"_meta": MODERN_META})
        refusal = await server.ask("initialize", INITIALIZE)[1]
        assert refusal["error"]["code"] == UNSUPPORTED_PROTOCOL_VERSION
        assert (await server.request("tools/list", {"_meta": MODERN_META}))["tools"]


async def test_cancelled_call_closes_the_upstream_connection(environment: dict[str, str], upstream: Replay) -> None:
    answering, upstream.behave = upstream.behave, hold
    async with server_process(environment) as server:
        number, answer = server.ask_grok(stream=True)
        exchange = await upstream.exchanges.get()
        server.send({"method": "notifications/cancelled", "params": {"requestId": number, "reason": "user"}})
        await asyncio.wait_for(exchange.closed.wait(), 2)
        upstream.behave = answering
        assert body_of(await server.grok())["choices"]
        assert not answer.done()


async def test_end_of_stdin_ends_calls_and_process(environment: dict[str, str], upstream: Replay) -> None:
    upstream.behave = hold
    async with server_process(environment) as server:
        server.ask_grok(stream=True)
        exchange = await upstream.exchanges.get()
        server.close_stdin()
        await asyncio.wait_for(exchange.closed.wait(), 2)
        assert await finished(server) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_calls_and_process(
    environment: dict[str, str], upstream: Replay, number: signal.Signals
) -> None:
    upstream.behave = hold
    async with server_process(environment) as server:
        server.ask_grok(stream=True)
        exchange = await upstream.exchanges.get()
        server.process.send_signal(number)
        assert await finished(server) == 128 + number
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_closed_stdout_ends_the_process(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, stdin=asyncio.subprocess.PIPE, stdout=writer, env={**os.environ, **environment}
    )
    os.close(writer)
    os.close(reader)
    assert process.stdin is not None
    process.stdin.write(b"garbage\n")
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize("kind", ["terminal", "socket"])
async def test_one_terminal_or_socket_for_both_directions(environment: dict[str, str], kind: str) -> None:
    if kind == "terminal":
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
    else:
        pair = socket.socketpair()
        ours, theirs = (end.detach() for end in pair)
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, stdin=theirs, stdout=theirs, env={**os.environ, **environment}
    )
    os.close(theirs)
    with os.fdopen(ours, "r+b", buffering=0) as wire:
        for number in range(5):
            line = {"jsonrpc": "2.0", "id": number, "method": "tools/list", "params": {"_meta": MODERN_META}}
            wire.write(json.dumps(line).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                answer += await asyncio.wait_for(asyncio.to_thread(wire.read, 65536), 10)
            assert json.loads(answer)["id"] == number
        process.terminate()
        assert await finished_process(process) == 128 + signal.SIGTERM


async def finished_process(process: asyncio.subprocess.Process) -> int:
    """The exit status, which must come soon."""
    return await asyncio.wait_for(process.wait(), 5)


@pytest.mark.parametrize("closed", ["2>&-", "<&-", ">&-", "2>&- <&- >&-"])
async def test_closed_standard_streams(environment: dict[str, str], closed: str) -> None:
    command = f"exec {' '.join(MCP_GROK)} {closed}"
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    await asyncio.wait_for(process.communicate(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'), 10)
    assert process.returncode == 0


async def test_stray_prints_go_to_stderr(environment: dict[str, str]) -> None:
    chatty = (
        "import os, sys\n"
        "from contextlib import asynccontextmanager\n"
        "from mcp_grok import serve_stdio, stdio\n"
        "streams = stdio.stdio_streams\n"
        "@asynccontextmanager\n"
        "async def noisy():\n"
        "    async with streams() as pair:\n"
        "        print('a stray line', flush=True); os.write(1, b'another\\n'); yield pair\n"
        "serve_stdio.stdio_streams = noisy\n"
        "from mcp_grok.cli.main import main\n"
        "sys.exit(main([]))\n"
    )
    async with server_process(environment, (sys.executable, "-c", chatty), stderr=asyncio.subprocess.PIPE) as server:
        assert await server.request("ping", {}) == {}
        assert server.others.empty()
        server.close_stdin()
        assert server.process.stderr is not None
        assert await server.process.stderr.read() == b"a stray line\nanother\n"


async def test_stdin_from_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    [answer] = await answers_to_a_file(environment, tmp_path / "requests", ("initialize", INITIALIZE))
    assert answer["result"]["serverInfo"]["name"] == "mcp-grok"


async def test_signal_ends_a_process_that_writes_to_a_file(
    environment: dict[str, str], upstream: Replay, tmp_path: Any
) -> None:
    upstream.behave = hold
    with (tmp_path / "output").open("wb") as stdout:
        process = await asyncio.create_subprocess_exec(
            *MCP_GROK, stdin=asyncio.subprocess.PIPE, stdout=stdout, env={**os.environ, **environment}
        )
        assert process.stdin is not None
        _, message = modern_call("grok_chat_completions", {"messages": [{"role": "user", "content": "Hello"}]})
        process.stdin.write(json.dumps(message).encode() + b"\n")
        exchange = await upstream.exchanges.get()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 5) == 128 + signal.SIGTERM
        await asyncio.wait_for(exchange.closed.wait(), 2)


async def test_thousand_calls_share_64_connections(environment: dict[str, str], upstream: Replay) -> None:
    async with server_process({**environment, "MCP_GROK_MAX_CONCURRENCY": "64"}) as server:
        slots = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            async with slots:
                result = await server.grok(seed=number)
                assert not result.get("isError"), result

        await asyncio.gather(*(one(number) for number in range(1000)))
    assert sorted(request.json["seed"] for request in upstream.requests) == list(range(1000))
    assert upstream.connections <= 64


async def test_progress_is_under_ten_a_second_and_complete(environment: dict[str, str], upstream: Replay) -> None:
    words = [f"word{number} " for number in range(400)]
    seen = asyncio.Semaphore(0)

    async def behave(exchange: Exchange) -> None:
        exchange.head()
        for start in range(0, len(words), 40):
            for word in words[start : start + 40]:
                exchange.chunk(TEXT.replace(b"so far", word.encode()))
            await seen.acquire()
        exchange.chunk(REST)
        exchange.end()

    upstream.behave = behave
    async with server_process(environment) as server:
        began = time.perf_counter()
        _, answer = server.ask_grok(progress=True)
        while not answer.done():
            getting = asyncio.ensure_future(server.others.get())
            await asyncio.wait({getting, answer}, return_when=asyncio.FIRST_COMPLETED)
            getting.cancel()
            seen.release()
        took = time.perf_counter() - began
    assert "".join(text for _, text in server.progress) == "".join(words) + ", done"
    assert 10 <= len(server.progress) <= took * 10 + 1


async def test_log_has_no_key_prompt_or_answer(environment: dict[str, str], upstream: Replay) -> None:
    upstream.answer({"error": {"code": "api_error", "message": f"private answer with {KEY}"}}, 500)
    noisy = {**environment, "MCP_GROK_LOG_LEVEL": "DEBUG"}
    async with server_process(noisy, stderr=asyncio.subprocess.PIPE) as server:
        text = json.dumps(await server.grok(messages=[{"role": "user", "content": "private prompt"}]))
        server.close_stdin()
        assert server.process.stderr is not None
        log = (await server.process.stderr.read()).decode()
    assert KEY not in text
    assert "outcome=api_error" in log
    assert KEY not in log
    assert "private" not in log
