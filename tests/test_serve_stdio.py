"""Serving over stdio: what it imports."""

import subprocess
import sys

ELSEWHERE = ("mcp_grok.http.", "mcp_grok.auth.", "mcp_grok.sandbox.", "mcp_grok.upstream.media", "mcp_grok.cli.install")
"""The modules of other transports and commands."""

LIBRARIES = ("redis", "sqlite3", "limits", "prometheus_client", "genai_prices", "jsonschema_rs", "tomlkit", "jwt")


def test_import_of_stdio_takes_nothing_of_other_transports_and_commands() -> None:
    program = (
        "import sys, mcp_grok.serve_stdio; from mcp_grok import Settings, create_server; create_server(Settings());"
        "print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    imported = ended.stdout.split()
    assert "mcp_grok.stdio" in imported
    assert [name for name in imported if name.startswith(ELSEWHERE) or name in LIBRARIES] == []
