"""The examples, run without a key."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.cli.install.entry import entry
from mcp_grok.sandbox.answers import NOTICE
from tests import ROOT
from tests.external import NPM, UV, external, unavailable

EXAMPLES = ROOT / "examples"
OLDEST_NODE = 20


def run(*command: str | Path, cwd: Path, **environment: str) -> list[str]:
    """The lines that a command prints, with this environment's `mcp-grok` on the path."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    ended = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@contextmanager
def sandbox() -> Iterator[str]:
    """A sandbox, and its address for clients of OpenAI's API."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mcp_grok", "sandbox", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split("listening on ")[1].split(" ")[0] + "/v1"
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def test_example_has_a_short_readme() -> None:
    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir()):
        readme = (folder / "README.md").read_text(encoding="utf-8")
        assert readme.startswith("# ")
        assert readme.count("\n") <= 20


def test_python_client_streams_an_answer() -> None:
    answer, model = run(sys.executable, "main.py", "Why is the sky blue?", cwd=EXAMPLES / "python_client")
    assert answer.startswith(NOTICE)
    assert answer.endswith('You said: "Why is the sky blue?"')
    assert model.startswith("grok-4, ")
    assert model.endswith(" tokens")


def test_vision_sends_a_picture() -> None:
    [answer] = run(sys.executable, "main.py", EXAMPLES.parent / "icon.png", cwd=EXAMPLES / "vision")
    assert "image/png of 512 x 512 pixels" in answer


def test_structured_output_fits_its_schema() -> None:
    [recipe] = run(sys.executable, "main.py", cwd=EXAMPLES / "structured_output")
    assert recipe == f"{NOTICE}, 1 minutes: {NOTICE}"


def test_search_prints_its_sources_and_searches() -> None:
    answer, *found = run(sys.executable, "main.py", "What is new?", cwd=EXAMPLES / "search")
    assert answer.endswith('You said: "What is new?" [[1]](https://example.com/web) [[2]](https://example.com/x)')
    assert found == [
        "source 1: https://example.com/web",
        "source 2: https://example.com/x",
        "searched web: What is new?",
        "searched x: What is new?",
        "cost: 0.0 USD",
    ]
    _, *found = run(sys.executable, "main.py", "No search: what is new?", cwd=EXAMPLES / "search")
    assert found == ["not searched: this is from the model's memory", "cost: 0.0 USD"]


def test_video_is_saved(tmp_path: Path) -> None:
    [printed] = run(sys.executable, "main.py", "A cat", tmp_path / "videos", cwd=EXAMPLES / "video")
    [file] = (tmp_path / "videos").iterdir()
    assert printed == str(file.resolve())
    assert file.suffix == ".mp4"
    assert file.read_bytes()[4:8] == b"ftyp"


def test_long_reasoning_is_fetched_with_one_request() -> None:
    first, *more, answer, requests = run(sys.executable, "main.py", cwd=EXAMPLES / "long_reasoning")
    assert first == "after 3 s: in_progress"
    assert len(more) >= 1
    assert answer.startswith(NOTICE)
    assert requests == "requests at the API: 1"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["pydantic_ai_agent", "openai_agents"])
def test_agent_calls_grok_as_a_tool(name: str) -> None:
    command = [external(*UV), "run", "--quiet", "--no-project", "--python", sys.executable]
    with sandbox() as url:
        [answer] = run(
            *command, "--with-requirements", "requirements.txt", "main.py", cwd=EXAMPLES / name, AGENT_MODEL_URL=url
        )
    assert answer.startswith(f"{NOTICE} The tool returned:")
    assert answer.count(NOTICE) >= 2
    assert "chat.completion" in answer


@pytest.fixture(scope="module")
def node_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node example, installed."""
    folder = tmp_path_factory.mktemp("node")
    npm = external(*NPM)
    node = external("node", NPM[1])
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        unavailable(f"node {version.strip()} is too old; {OLDEST_NODE} is needed")
    shutil.copytree(EXAMPLES / "node_client", folder, dirs_exist_ok=True)
    subprocess.run([npm, "install", "--silent", "--no-fund", "--no-audit"], cwd=folder, check=True, timeout=150)
    return folder


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_typescript_client_calls_every_tool(node_client: Path, mode: str) -> None:
    answer, fetched, cancelled = run("node", "main.mjs", "Why?", cwd=node_client, MCP_MODE=mode)
    assert answer.startswith(NOTICE)
    assert fetched == "handed off, then fetched: stop"
    assert cancelled == "handed off, then cancelled"


CONFIGURATIONS = {
    "claude-desktop": "claude_desktop_config.json",
    "claude-code": "claude_code.json",
    "cursor": "cursor_mcp.json",
    "vscode": "vscode_mcp.json",
    "codex": "codex_config.toml",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration_is_what_install_writes(name: str) -> None:
    client = CLIENTS[name]
    text = (EXAMPLES / "client_configurations" / CONFIGURATIONS[name]).read_text(encoding="utf-8")
    written: Any = tomllib.loads(text) if name == "codex" else json.loads(text)
    # Claude Desktop does not see the PATH of a shell.
    command = "/home/ann/.local/bin/mcp-grok" if name == "claude-desktop" else "mcp-grok"
    expected = entry(client, [command], {}, {"ACEDATACLOUD_API_TOKEN": "your key"})
    assert written == {client.table: {"grok": {key: value for key, value in expected.items() if value != []}}}
