"""Clients of other SDKs that time out over streamable HTTP, and make the same call again."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.external import NPM, external, unavailable
from tests.process import serving
from tests.replay import COMPLETION, Replay, slow_down

CLIENTS = Path(__file__).parent / "clients"
TYPESCRIPT = ("@modelcontextprotocol/sdk@1", "@modelcontextprotocol/client@2")

PATIENCE = 1.0
WORK = 4.0
"""Seconds that the client waits, and that the upstream works."""


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script beside both versions of the TypeScript SDK."""
    npm = external(*NPM)
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copy(CLIENTS / "typescript.mjs", folder)
    command = [npm, "install", "--silent", "--no-fund", "--no-audit", *TYPESCRIPT]
    subprocess.run(command, cwd=folder, check=True, timeout=150)
    return folder / "typescript.mjs"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the SDK 1.x."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip is None:
        unavailable("pip is not on the PATH")
    interpreter = str(folder / "bin" / "python")
    subprocess.run([pip, "--python", interpreter, "install", "--quiet", "mcp<2"], check=True, timeout=150)
    return folder / "bin" / "python"


@pytest.mark.timeout(200)
@pytest.mark.parametrize("client", ["TypeScript SDK 1", "TypeScript SDK 2", "Python SDK 1"])
async def test_repeat_after_a_timeout_makes_no_second_request(
    upstream: Replay, request: pytest.FixtureRequest, client: str
) -> None:
    slow_down(upstream, WORK)
    language, _, version = client.partition(" SDK ")
    async with serving(upstream, "http") as (url, _process):
        if language == "Python":
            command = [request.getfixturevalue("python"), CLIENTS / "python_1.py", url, str(PATIENCE)]
        else:
            script = request.getfixturevalue("typescript")
            command = [external("node", NPM[1]), script, url, version, str(1000 * PATIENCE)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    seen = json.loads(out)
    assert "timed out" in seen["timedOut"].lower()
    assert json.loads(seen["text"]) == COMPLETION
    assert seen["meta"]["mcp-grok/picked_up"] >= PATIENCE
    assert len(upstream.requests) == 1
