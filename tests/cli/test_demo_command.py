"""The demo as a real process: for every provider, on a pipe and on a terminal."""

import asyncio
import io
import os
import pty
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType

import anyio
import pytest
from rich.console import Console

from mcp_grok.cli.demo_command import show_scenes
from mcp_grok.cli.demo_scenes import Stage, scenes_of, tools
from mcp_grok.sandbox.apis import APIS
from tests import picture
from tests.cli.commands import read_all
from tests.process import MCP_GROK

ELSEWHERE = {
    "MCP_GROK_PROVIDER": "acedata",
    "MCP_GROK_BASE_URL": "https://example.invalid",
    "MCP_GROK_API_KEY": "other",
    "MCP_GROK_DEFAULT_MODEL": "other",
    "XAI_API_KEY": "other",
}
PROMPT = "Enter shows the next scene."


async def demo(*options: str, env: Mapping[str, str] = MappingProxyType({})) -> "subprocess.CompletedProcess[bytes]":
    """The demo on pipes, at 80 columns."""
    with anyio.fail_after(40):
        return await anyio.run_process(
            [*MCP_GROK, "demo", *options], check=False, env={**os.environ, "COLUMNS": "80", **env}
        )


@pytest.mark.parametrize("provider", APIS)
async def test_demo_ends_well_whatever_is_configured(provider: str) -> None:
    ended = await demo("--provider", provider, env=ELSEWHERE)
    out = ended.stdout.decode()
    assert (ended.returncode, ended.stderr) == (0, b"")
    first, *_, summary, _ = out.splitlines()
    assert f" with the sandbox that simulates {provider} " in first
    scenes = scenes_of(APIS[provider])
    assert f" {len(scenes)} of {len(scenes)} scenes went as they should " in summary
    assert all(f"{number}. {point}\n" in out for number, point in enumerate(scenes.values(), 1))
    assert ("grok_text_to_video" in out) is (provider in ("acedata", "xai"))
    assert not re.search(r" ! |\x1b|chatcmpl|created|fingerprint|127\.0\.0\.1", out)
    # A person reads it in a minute.
    assert len(out.splitlines()) <= 80
    assert [line for line in out.splitlines() if len(line) > 80 or line != line.rstrip()] == []


async def answers_amiss(_: Stage) -> bool:
    """A scene whose answer is another than it should be."""
    return False


async def answers_nothing(_: Stage) -> bool:
    """A scene whose answer lacks what it looks for."""
    raise KeyError


async def test_scene_that_goes_wrong_is_marked_and_the_others_go_on() -> None:
    printed = io.StringIO()
    scenes = {answers_amiss: "One.", answers_nothing: "Two.", tools: "Three."}
    assert await show_scenes("acedata", Console(file=printed), scenes) == [False, False, True]
    begins = re.findall(r"^ *(\d\.|!|<) ", printed.getvalue(), re.MULTILINE)
    assert begins == ["1.", "!", "2.", "!", "3.", "<"]


async def test_unknown_provider_is_refused() -> None:
    ended = await demo("--provider", "openai")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert all(name in ended.stderr.decode() for name in APIS)


async def test_pause_waits_for_enter_after_each_scene() -> None:
    ours, theirs = pty.openpty()
    typed = [f"{number}\n".encode() for number in range(len(scenes_of(APIS["acedata"])))]
    os.write(ours, b"".join(typed))
    process = await asyncio.create_subprocess_exec(*MCP_GROK, "demo", "--pause", stdin=theirs, stdout=theirs)
    with closing(os.fdopen(theirs, "rb", buffering=0)) as terminal:
        writing = asyncio.to_thread(read_all, os.dup(ours), until=b"README")
        written = (await asyncio.wait_for(writing, 40)).decode()
        assert await process.wait() == 0
        assert written.count(PROMPT) == len(typed) - 1
        assert terminal.readline() == typed[-1]
    os.close(ours)


async def test_interrupt_ends_a_pause() -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(*MCP_GROK, "demo", "--pause", stdin=theirs, stdout=theirs)
    os.close(theirs)
    # The terminal stays open: a closed one would end the demo in another way.
    written = await asyncio.wait_for(asyncio.to_thread(read_all, os.dup(ours), until=PROMPT.encode()), 40)
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 20) == 128 + signal.SIGINT
    os.close(ours)
    assert b"\r\n2. " not in written


async def test_pause_without_a_terminal_waits_for_nothing() -> None:
    ended = await demo("--pause")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert PROMPT not in ended.stdout.decode()


async def test_picture_is_of_this_demo() -> None:
    committed, now = (
        re.sub(r"grok-[\w-]{24}", "grok-id", text)
        for text in (picture.PICTURE.read_text(encoding="utf-8"), await picture.made())
    )
    assert committed == now, "run: make picture"
