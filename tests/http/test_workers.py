"""Workers: those that die are replaced, but not for ever."""

import asyncio
import subprocess
import sys

SCRIPT = """
import sys
from mcp_grok.http.workers import run_workers
sys.exit(run_workers(2, lambda: {status}, lambda line: print(line, flush=True)))
"""


async def ended(status: int) -> tuple[int, list[str]]:
    """The exit status and the lines of a parent whose workers end at once."""
    command = [sys.executable, "-c", SCRIPT.format(status=status)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


async def test_workers_that_keep_ending_are_given_up_with_a_reason() -> None:
    status, lines = await ended(1)
    assert status == 2
    assert lines[:-1] == ["a worker ended with status 1 and is replaced"] * 20
    assert lines[-1] == "a worker ended with status 1, after 20 others within an hour; giving up"


async def test_worker_that_cannot_start_as_configured_is_not_replaced() -> None:
    assert await ended(2) == (2, [])
