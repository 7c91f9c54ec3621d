"""The entries that `install` writes, as the clients themselves read them back."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import ROOT
from tests.external import external
from tests.process import MCP_GROK

READ_BACK = {
    "claude-code": ("@anthropic-ai/claude-code", ["claude", "mcp", "list"], "Connected", "(HTTP)"),
    "codex": ("@openai/codex", ["codex", "mcp", "get", "grok"], "transport: stdio", "transport: streamable_http"),
    "gemini-cli": ("@google/gemini-cli", ["gemini", "mcp", "list"], "Connected", "(http)"),
    "qwen-code": ("@qwen-code/qwen-code", ["qwen", "mcp", "list"], "Connected", "(http)"),
    "opencode": ("opencode-ai", ["opencode", "mcp", "list"], "connected", "http://"),
    "copilot-cli": ("@github/copilot", ["copilot", "mcp", "get", "grok"], "Type: local", "Type: http"),
}
"""The package of each client, its command that reads the entry back, and what that says of each kind of entry.

Claude Code, Gemini CLI, Qwen Code and opencode connect as well. Codex and Copilot CLI connect only for a user.
"""


def run(home: Path, *command: str, folder: Path = ROOT, **environment: str) -> str:
    """What a command prints in a home of its own."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "GEMINI_CLI_TRUST_WORKSPACE": "true", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout.decode()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", READ_BACK)
def test_client_reads_its_entry_back(client: str, tmp_path: Path) -> None:
    package, command, local, remote = READ_BACK[client]
    external(command[0], f"npm install --global {package}")
    install = [*MCP_GROK, "install", client]
    run(tmp_path, *install, XAI_API_KEY="xai-1")
    assert local in run(tmp_path, *command, folder=tmp_path, XAI_API_KEY="xai-1")
    run(tmp_path, *install, "--http", "http://127.0.0.1:9/mcp", MCP_GROK_TOKEN="t")
    seen = run(tmp_path, *command, folder=tmp_path, MCP_GROK_TOKEN="t")
    assert remote in seen
    assert "http://127.0.0.1:9/mcp" in seen
    run(tmp_path, *install, MCP_GROK_PROVIDER="sandbox")
    assert local in run(tmp_path, *command, folder=tmp_path)
