import pytest

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.cli.install.variable_places import advice


@pytest.mark.parametrize(
    ("client", "platform", "words"),
    [
        ("codex", "linux", "export K=…"),
        ("codex", "darwin", "~/.zshrc"),
        ("cursor", "linux", "~/.config/environment.d/"),
        ("cursor", "darwin", 'launchctl setenv K "$K"'),
        ("cursor", "win32", "setx K"),
        ("codex", "win32", "setx K"),
    ],
)
def test_place_depends_on_client_and_system(client: str, platform: str, words: str) -> None:
    assert words in advice(CLIENTS[client], "K", platform)
