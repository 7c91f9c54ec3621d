"""The example in Python, as somebody runs it who has no key."""

import os
import sys
from pathlib import Path

import anyio

from mcp_grok.sandbox.answers import NOTICE

EXAMPLE = Path(__file__).parents[1] / "examples" / "python_client.py"


async def test_the_python_example_streams_an_answer_from_the_sandbox_without_a_key() -> None:
    with anyio.fail_after(30):
        process = await anyio.run_process(
            [sys.executable, EXAMPLE, "Why is the sky blue?"], cwd=EXAMPLE.parents[1], env=os.environ, check=False
        )
    assert process.stderr.decode() == "no key is set, so this is the sandbox\n"
    assert process.returncode == 0
    answer, model = process.stdout.decode().splitlines()
    assert answer.startswith(NOTICE)
    assert answer.endswith('You said: "Why is the sky blue?"')
    assert model.startswith("grok-4, ")
    assert model.endswith(" tokens")
