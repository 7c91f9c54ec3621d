"""MCP clients as data: where each keeps its configuration, and what suits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class McpClient:
    """A client that starts stdio servers.

    Attributes:
        name: What the command line calls it.
        title: What people call it.
        path: Its configuration file: the folder it stands in, by the names below, then the rest.
        table: The key of the file's object, or table, of servers.
        handoff_after: Seconds after which a call should be handed off there; None for the default.
        reference: How the file refers to an environment variable instead of holding its value; None if it can't.
        typed: Whether an entry says that it is a stdio server.
        next_step: What the user does next.
    """

    name: str
    title: str
    path: tuple[str, ...]
    table: str = "mcpServers"
    handoff_after: int | None = None
    reference: str | None = None
    typed: bool = False
    next_step: str = "It starts with the next session."


CLIENTS = {
    client.name: client
    for client in (
        # It gives a call up after four minutes, progress or not.
        McpClient(
            "claude-desktop",
            "Claude Desktop",
            ("application data", "Claude", "claude_desktop_config.json"),
            handoff_after=200,
            next_step="Restart Claude Desktop.",
        ),
        # It waits for half an hour, and longer while it sees progress.
        McpClient(
            "claude-code", "Claude Code", ("claude", ".claude.json"), handoff_after=600, reference="${%s}", typed=True
        ),
        McpClient("cursor", "Cursor", ("home", ".cursor", "mcp.json"), reference="${env:%s}"),
        McpClient(
            "vscode",
            "VS Code",
            ("application data", "Code", "User", "mcp.json"),
            table="servers",
            reference="${env:%s}",
            typed=True,
        ),
        # Its limit is a setting of its own; see `entry`.
        McpClient("codex", "Codex", ("codex", "config.toml"), table="mcp_servers", handoff_after=240),
    )
}


def config_path(client: McpClient, platform: str, home: PurePath, environment: Mapping[str, str]) -> PurePath:
    """The configuration file of a client.

    Args:
        client: Whose.
        platform: As in `sys.platform`.
        home: The user's folder.
        environment: Says where a folder is, if not in the usual place.
    """
    place, *rest = client.path
    moved = {"claude": "CLAUDE_CONFIG_DIR", "codex": "CODEX_HOME"}.get(place)
    if moved and environment.get(moved):
        return type(home)(environment[moved]).joinpath(*rest)
    if place == "application data":
        return _application_data(platform, home, environment).joinpath(*rest)
    folder = home / ".codex" if place == "codex" else home
    return folder.joinpath(*rest)


def _application_data(platform: str, home: PurePath, environment: Mapping[str, str]) -> PurePath:
    if platform == "darwin":
        return home / "Library" / "Application Support"
    if platform == "win32":
        return type(home)(environment.get("APPDATA") or home / "AppData" / "Roaming")
    return type(home)(environment.get("XDG_CONFIG_HOME") or home / ".config")
