"""The MCP clients: the location of each client's configuration, and the form of an entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple


class Folder(NamedTuple):
    """A folder of the user.

    Attributes:
        usual: Its default path, relative to the user's home.
        variable: The environment variable that overrides the path; empty if there is none.
    """

    usual: str
    variable: str = ""


ANY_SYSTEM = "any"

HOME = {ANY_SYSTEM: Folder("")}
APPLICATION_DATA = {
    "darwin": Folder("Library/Application Support"),
    "win32": Folder("AppData/Roaming", "APPDATA"),
    ANY_SYSTEM: Folder(".config", "XDG_CONFIG_HOME"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """A client that starts stdio servers.

    Attributes:
        name: Its name on the command line.
        title: Its name in messages.
        folders: The folder of its configuration by system (`sys.platform`, or `ANY_SYSTEM` for all others).
        file: The path of the configuration file in that folder. Its suffix, `.json` or `.toml`, is the format.
        table: The key of the object, or table, that contains the servers.
        typed: Whether an entry has `"type": "stdio"`.
        reference: The form of a reference to an environment variable, with `%s` for the name. If empty, the entry
            contains the value.
        forwards: The key of an entry's list of environment variables that the client passes to the server, used
            instead of `reference`.
        call_limit: The key of an entry's time limit for a call, in seconds; a client with one needs `handoff_after`.
        handoff_after: Seconds after which calls are handed off; by default the server's own setting.
        next_step: The user's next action after the installation.
    """

    name: str
    title: str
    folders: Mapping[str, Folder]
    file: str
    table: str = "mcpServers"
    typed: bool = False
    reference: str = ""
    forwards: str = ""
    call_limit: str = ""
    handoff_after: int | None = None
    next_step: str = "It starts with the next session."


ANY_CLIENT = McpClient(name="any", title="any client", folders=HOME, file="mcp.json")

CLIENTS = {
    client.name: client
    for client in (
        McpClient(
            name="claude-desktop",
            title="Claude Desktop",
            folders=APPLICATION_DATA,
            file="Claude/claude_desktop_config.json",
            # It abandons a call after four minutes, even with progress.
            handoff_after=200,
            next_step="Restart Claude Desktop.",
        ),
        McpClient(
            name="claude-code",
            title="Claude Code",
            folders={ANY_SYSTEM: Folder("", "CLAUDE_CONFIG_DIR")},
            file=".claude.json",
            typed=True,
            reference="${%s}",
            # It waits for half an hour, and longer while progress arrives.
            handoff_after=600,
        ),
        McpClient(name="cursor", title="Cursor", folders=HOME, file=".cursor/mcp.json", reference="${env:%s}"),
        McpClient(
            name="vscode",
            title="VS Code",
            folders=APPLICATION_DATA,
            file="Code/User/mcp.json",
            table="servers",
            typed=True,
            reference="${env:%s}",
        ),
        McpClient(
            name="codex",
            title="Codex",
            folders={ANY_SYSTEM: Folder(".codex", "CODEX_HOME")},
            file="config.toml",
            table="mcp_servers",
            forwards="env_vars",
            call_limit="tool_timeout_sec",
            handoff_after=240,
        ),
    )
}


def config_path(client: McpClient, platform: str, home: PurePath, environment: Mapping[str, str]) -> PurePath:
    """The configuration file of a client.

    Args:
        client: The client.
        platform: The system, as in `sys.platform`.
        home: The user's home.
        environment: The environment variables, some of which override folders.
    """
    folder = client.folders.get(platform) or client.folders[ANY_SYSTEM]
    moved = environment.get(folder.variable)
    return (type(home)(moved) if moved else home / folder.usual) / client.file
