"""Entries as their clients read them."""

import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.cli.install.entry_check import check

PYTHON = {"command": sys.executable, "args": ["-m", "mcp_grok"], "env": {"XAI_API_KEY": "xai-1"}}
URL = "http://127.0.0.1:9/mcp"


@pytest.mark.parametrize(
    ("client", "entry", "state", "words"),
    [
        ("cursor", PYTHON, "ok", ["for xAI"]),
        ("cursor", {**PYTHON, "type": "stdio"}, "ok", []),
        ("cursor", {"url": URL}, "ok", [URL]),
        ("cursor", {**PYTHON, "env": {"MCP_GROK_PROVIDER": "sandbox"}}, "ok", ["for the sandbox"]),
        ("cursor", None, "skipped", ["has no grok"]),
        # Of both kinds, of none, or of a wrong one.
        ("codex", {**PYTHON, "url": URL}, "failed", ["both command and url"]),
        ("codex", {**PYTHON, "http_headers": {"a": "b"}}, "failed", ["http_headers"]),
        ("codex", {"url": URL, "env": {}}, "failed", ["env"]),
        ("cursor", {**PYTHON, "url": URL, "headers": {"Authorization": "hunter2"}}, "failed", ["both"]),
        ("claude-code", {**PYTHON, "type": "stdio", "url": URL}, "failed", ["both"]),
        ("windsurf", {**PYTHON, "serverUrl": URL}, "failed", ["both command and serverUrl"]),
        ("cursor", {"env": {}}, "failed", ["neither command nor url"]),
        ("opencode", {"type": "local"}, "failed", ["neither"]),
        ("claude-code", {**PYTHON, "type": "http"}, "failed", ["type http"]),
        ("claude-code", {"type": "stdio", "url": URL}, "failed", ["type stdio"]),
        ("claude-code", {"url": URL}, "failed", ["no type"]),
        ("opencode", {"command": ["x"]}, "failed", ["no type"]),
        ("cursor", {**PYTHON, "type": 5}, "failed", ["type 5"]),
        ("claude-desktop", {"url": URL}, "failed", ["only starts servers"]),
        # Values of the wrong form.
        ("cursor", "mcp-grok", "failed", ["not an object"]),
        ("cursor", {**PYTHON, "command": ["mcp-grok"]}, "failed", ["command"]),
        ("opencode", {"type": "local", "command": "mcp-grok"}, "failed", ["command"]),
        ("cursor", {**PYTHON, "args": "-m"}, "failed", ["args"]),
        ("cursor", {**PYTHON, "env": {"A": 1}}, "failed", ["env"]),
        # Commands.
        ("cursor", {**PYTHON, "command": "/nowhere/mcp-grok"}, "failed", ["does not exist"]),
        ("cursor", {**PYTHON, "command": "no-such-program"}, "failed", ["does not exist"]),
        ("cursor", {**PYTHON, "command": "/"}, "failed", ["not a program"]),
        ("cursor", {**PYTHON, "command": "env", "args": []}, "warning", ["'env'"]),
        ("cursor", {**PYTHON, "disabled": True}, "warning", ["switched off"]),
        ("codex", {**PYTHON, "enabled": False}, "warning", ["switched off"]),
        # Providers and keys.
        ("cursor", {**PYTHON, "env": {"MCP_GROK_PROVIDER": "nobody"}}, "failed", ["nobody"]),
        ("cursor", {**PYTHON, "env": {"MCP_GROK_API_KEY": "sk-1"}}, "failed", ["not the provider"]),
        ("cursor", {**PYTHON, "env": {"MCP_GROK_API_KEY": "xai-1"}}, "ok", ["for xAI"]),
        ("cursor", {**PYTHON, "env": {}}, "warning", ["no key"]),
        ("cursor", {**PYTHON, "env": {"XAI_API_KEY": "${env:XAI_API_KEY}"}}, "warning", ["for xAI", "not set"]),
        ("cursor", {**PYTHON, "env": {"XAI_API_KEY": "${env:SET}"}}, "ok", ["for xAI"]),
        ("cursor", {**PYTHON, "env": {"XAI_API_KEY": "${SET}"}}, "failed", ["does not replace"]),
        ("zed", {**PYTHON, "env": {"XAI_API_KEY": "${env:SET}"}}, "failed", ["does not replace"]),
        ("gemini-cli", {**PYTHON, "env": {"XAI_API_KEY": "$SET"}}, "ok", ["for xAI"]),
        ("codex", {**PYTHON, "env": {}, "env_vars": ["XAI_API_KEY"]}, "warning", ["XAI_API_KEY", "not set"]),
    ],
)
def test_entry_is_read_as_its_client_reads_it(client: str, entry: Any, state: str, words: list[str]) -> None:
    finding = check(CLIENTS[client], entry, {"SET": "xai-1"})
    assert finding.state == state, finding
    assert [word for word in words if word not in finding.found] == []
    assert (finding.advice == "") is (state == "ok")
    assert "hunter2" not in str(finding)
    assert "xai-1" not in str(finding)


def test_command_that_does_not_run_fails(tmp_path: Path) -> None:
    script = tmp_path / "mcp-grok"
    script.write_text("#!/no/such/python\n")
    assert "not a program" in check(CLIENTS["cursor"], {"command": str(script)}, {}).found
    script.chmod(0o755)
    finding = check(CLIENTS["cursor"], {"command": str(script)}, {})
    assert (finding.state, "does not run" in finding.found) == ("failed", True)
