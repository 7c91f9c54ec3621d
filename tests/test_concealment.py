"""Configuration without secrets."""

import pytest

from mcp_grok.concealment import HIDDEN, concealed


@pytest.mark.parametrize(
    "text",
    [
        "redis://:SECRET@host:6379/0",
        "redis://ann:a@SECRET@host",
        "redis://:a/b?c#SECRET@host",
        "redis:/:SECRET@host",
        "redis://host/0?password=SECRET",
        "REDIS+sentinel://:SECRET@host",
        "--api-key=SECRET",
        "X-Api-Key: SECRET",
        "Authorization: Bearer SECRET",
        'sh -c "export GITHUB_TOKEN=SECRET; run"',
        "sk-SECRET123456",
        "https://example.com/mcp/aB3SECRETxYz9012345678/sse",
    ],
)
def test_secret_is_hidden(text: str) -> None:
    assert "SECRET" not in concealed(text)
    assert HIDDEN in concealed(text)


@pytest.mark.parametrize(
    "text",
    [
        "disk:~/.local/share/mcp-grok",
        "redis://localhost:6379/0",
        "grok-4-1-fast-non-reasoning-20251120",
        "/root/.pyenv/versions/3.11.7/bin/mcp-grok serve --transport http",
        "https://api.acedata.cloud",
        "@modelcontextprotocol/server-filesystem",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert concealed(text) == text
