"""What reaches a terminal: a real one, which models, providers and files of clients try to control."""

import asyncio
import json
import os
import pty
import re
import termios
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.cli.terminal import NARROW_COLUMN, wrapped
from tests.chat import CHAT, HELLO, body_of, completion
from tests.cli.commands import file_of, read_all
from tests.conftest import KEY
from tests.process import INITIALIZE, MCP_GROK
from tests.replay import Replay

ATTACKS = (
    "\x1b]52;c;Y3VybCBldmlsLmNvbXxzaA==\x07",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[H",
    "\x1b]8;;http://evil.com\x1b\\link\x1b]8;;\x1b\\",
    "safe\rover",
    "\x9b31m",
    "\x9d52;c;eA==\x9c",
    "\x08\x08\x7f\x00\x0b\x0c\x85",
    "\u2028\u2029\u202e\u2066",
)
"""The clipboard, the title, the screen, a false link, overwriting, C1, and characters that move others."""

ATTACK = "".join(ATTACKS)

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

STATUS = re.compile(r"\r +\r(waiting for .*? \(\d+ s\))?")
"""The line that `chat` shows and removes where an answer takes more than a second, as on a busy machine."""


texts = st.lists(st.text("abcd-,.", min_size=1, max_size=30), min_size=1).map(" ".join)


async def on_terminal(*arguments: str, env: Mapping[str, str], columns: int = 80) -> str:
    """What a command writes to a terminal, as stdout and stderr."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environment = {name: value for name, value in {**os.environ, **env}.items() if name != "COLUMNS"}
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, *arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    written = await asyncio.wait_for(asyncio.to_thread(read_all, ours), 40)
    await process.wait()
    # The terminal itself makes a return and newline of each newline.
    return STATUS.sub("", written.decode().replace("\r\n", "\n"))


def at(upstream: Replay, provider: str = "acedata") -> dict[str, str]:
    """The environment that leads to an upstream."""
    return {"MCP_GROK_PROVIDER": provider, "MCP_GROK_API_KEY": KEY, "MCP_GROK_BASE_URL": upstream.base_url}


async def test_answer_cannot_control_the_terminal(upstream: Replay) -> None:
    upstream.answer(completion(f"one\n\ttwo {ATTACK} three"))
    written = await on_terminal("chat", "Hello", env=at(upstream))
    assert not CONTROL.search(written)
    assert written.startswith("one\n\ttwo \\u001b]52;c;")
    assert written.endswith(" three\n")


async def test_json_on_a_terminal_stays_the_same_json(upstream: Replay) -> None:
    upstream.answer(completion(ATTACK))
    written = await on_terminal("chat", "Hello", "--json", env=at(upstream))
    assert not CONTROL.search(written)
    assert json.loads(written)["choices"][0]["message"]["content"] == ATTACK


async def test_answer_in_a_file_has_its_bytes(upstream: Replay, tmp_path: Path) -> None:
    upstream.answer(completion(ATTACK))
    with (tmp_path / "answer").open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *MCP_GROK, "chat", "Hello", stdout=file, env={**os.environ, **at(upstream)}
        )
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert (tmp_path / "answer").read_bytes() == f"{ATTACK}\n".encode()


@pytest.mark.parametrize("field", ["message", "code", "param", "trace_id"])
async def test_error_cannot_control_the_terminal_or_imitate_a_field(upstream: Replay, field: str) -> None:
    forged = f"{ATTACK}\n  billed: no\nmcp-grok: all is well"
    upstream.answer({"error": {"message": "bad", "code": "bad", field: forged}, "trace_id": forged}, status=400)
    written = await on_terminal("chat", "Hello", "--model", "m\x1b[2J\nmcp-grok: forged", env=at(upstream))
    assert not CONTROL.search(written)
    lines = written.splitlines()
    assert "mcp-grok: all is well" not in lines
    assert "mcp-grok: forged" not in lines
    assert sum(line.startswith("  billed: ") for line in lines) == 1


@pytest.mark.parametrize("terminal", [True, False])
async def test_model_name_cannot_forge_a_line_of_the_list(upstream: Replay, terminal: bool) -> None:
    upstream.answer({"data": [{"id": f"{ATTACK}a\ngrok-forged  live"}, {"id": "grok-4\tx"}]})
    environment = at(upstream, "xai")
    if terminal:
        written = await on_terminal("models", "--live", env=environment)
    else:
        process = await asyncio.create_subprocess_exec(
            *MCP_GROK, "models", "--live", stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
        )
        written = (await process.communicate())[0].decode()
    assert not CONTROL.search(written)
    assert r"a\ngrok-forged" in written
    assert [line for line in written.splitlines() if line.startswith("grok-forged")] == []


async def test_refused_list_of_models_cannot_control_the_terminal(upstream: Replay) -> None:
    upstream.answer({"error": {"message": ATTACK, "code": ATTACK}}, status=500)
    written = await on_terminal("models", "--live", env=at(upstream, "xai"))
    assert not CONTROL.search(written)


async def test_file_of_a_client_cannot_control_the_terminal(upstream: Replay, tmp_path: Path) -> None:
    path = file_of("cursor", tmp_path)
    path.parent.mkdir(parents=True)
    entry = {"command": "/bin/sh", "args": [f"{ATTACK}\nok       forged"], "env": {"XAI_API_KEY": KEY}}
    path.write_text(json.dumps({CLIENTS["cursor"].table: {"grok": entry}}))
    environment = {**at(upstream), "HOME": str(tmp_path)}
    written = await on_terminal("doctor", env=environment)
    assert not CONTROL.search(written)
    assert [line for line in written.splitlines() if line.split()[1:2] == ["forged"]] == []
    assert not CONTROL.search(await on_terminal("doctor", "--json", env=environment))
    assert not CONTROL.search(await on_terminal("install", "cursor", "--dry-run", env=environment))


async def test_answer_over_stdio_cannot_control_the_terminal_of_a_person(upstream: Replay) -> None:
    upstream.answer(completion(ATTACK))
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, stdin=asyncio.subprocess.PIPE, stdout=theirs, stderr=theirs, env={**os.environ, **at(upstream)}
    )
    os.close(theirs)
    assert process.stdin is not None
    call = {"name": CHAT, "arguments": {**HELLO, "stream": False}}
    for message in (
        {"id": 1, "method": "initialize", "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    written = await asyncio.wait_for(asyncio.to_thread(read_all, ours, until=b'"id":2'), 30)
    process.stdin.close()
    await process.wait()
    line = next(line for line in written.decode().split("\r\n") if '"id":2' in line)
    assert not CONTROL.search(line)
    assert body_of(json.loads(line)["result"])["choices"][0]["message"]["content"] == ATTACK


async def through_a_pipe(*arguments: str, env: Mapping[str, str]) -> str:
    """What a command writes to a pipe."""
    ended = await anyio.run_process([*MCP_GROK, *arguments], check=False, env={**os.environ, **env})
    return ended.stdout.decode()


async def test_row_is_one_line_in_a_pipe_and_wrapped_on_a_terminal() -> None:
    environment = {"MCP_GROK_PROVIDER": "xai"}
    [row] = [line for line in (await through_a_pipe("models", env=environment)).splitlines() if "default; " in line]
    written = await on_terminal("models", env=environment)
    name, facts = row.split(maxsplit=1)
    assert len(row) > 80
    assert row not in written
    first, *rest = written.splitlines()[:3]
    assert first.startswith(f"{name:<32}default; ")
    assert all(line.startswith(" " * 32) and line[32] != " " for line in rest)
    assert " ".join([first[32:], *(line.strip() for line in rest)]) == facts


@pytest.mark.parametrize(
    ("command", "provider", "columns"),
    [*(("models", "xai", columns) for columns in (40, 80, 200)), ("doctor", "acedata", 80), ("doctor", "sandbox", 40)],
)
async def test_table_breaks_between_words_alone(tmp_path: Path, command: str, provider: str, columns: int) -> None:
    environment = {"MCP_GROK_PROVIDER": provider, "MCP_GROK_BASE_URL": "http://127.0.0.1:1", "HOME": str(tmp_path)}
    written = await on_terminal(command, env=environment, columns=columns)
    piped = await through_a_pipe(command, env=environment)
    took = re.compile(r"\d+\.\d s")
    assert took.sub("", written).split() == took.sub("", piped).split()
    # A word that is longer than a line, such as a path, stays whole.
    assert [line for line in written.splitlines() if len(line) > columns and len(line.split()) > 4] == []


async def test_server_on_a_terminal_says_what_it_waits_for() -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(*MCP_GROK, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    line = (await asyncio.wait_for(asyncio.to_thread(os.read, ours, 65536), 20)).decode()
    process.terminate()
    assert line == "mcp-grok: waiting for an MCP client on stdin; see mcp-grok --help, mcp-grok demo\r\n"
    assert len(line.rstrip()) <= 80
    await process.wait()
    os.close(ours)


async def test_demo_has_its_colours() -> None:
    written = await on_terminal("demo", env={"TERM": "xterm-256color"})
    assert "\x1b[" in written
    assert "\\u001b" not in written


@given(texts, st.integers(10, 100))
def test_lines_break_between_words(text: str, width: int) -> None:
    first, *others = wrapped("1. ", text, width).split("\n")
    assert first.startswith("1. ")
    assert all(line.startswith(" " * NARROW_COLUMN) for line in others)
    assert " ".join([first[3:].strip(), *map(str.strip, others)]).split() == text.split()
    assert all(len(line) <= width or len(line.split()) <= 2 for line in [first, *others])
