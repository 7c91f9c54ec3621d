"""The status of `mcp-grok chat` on a terminal."""

import asyncio
import os
import pty
from asyncio.subprocess import PIPE

import pytest

from tests.cli.commands import at, read_all
from tests.process import MCP_GROK
from tests.replay import REST, Exchange, Replay

REASONING = b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Blue\\nscatters \\u001b[2J more."}}]}\n\n'


def read_until(descriptor: int, wanted: bytes) -> bytes:
    """Reads from a terminal until a text has come; for another thread."""
    written = b""
    while wanted not in written:
        written += os.read(descriptor, 65536)
    return written


@pytest.mark.parametrize(
    ("begun", "status"),
    [(b"", b"waiting for grok-4 ("), (REASONING, "[reasoning] …Blue scatters \\u001b[2J more. (".encode())],
)
async def test_status_is_on_stderr_until_the_answer_comes(upstream: Replay, begun: bytes, status: bytes) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(begun or b": silence\n\n")
        upstream.exchanges.put_nowait(exchange)

    upstream.behave = behave
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, "chat", "Hello", stdout=PIPE, stderr=theirs, env={**os.environ, **at(upstream)}
    )
    os.close(theirs)
    exchange = await asyncio.wait_for(upstream.exchanges.get(), 20)
    shown = await asyncio.wait_for(asyncio.to_thread(read_until, ours, b" s)"), 20)
    assert status in shown
    exchange.chunk(REST)
    exchange.end()
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (out, process.returncode) == (b", done\n", 0)
    # The line is blank at the end.
    assert read_all(ours).endswith(b"\r" + b" " * 79 + b"\r")
