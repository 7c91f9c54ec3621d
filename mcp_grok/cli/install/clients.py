"""The MCP clients: the location of each client's configuration, and the form of an entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple


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
CONFIG = {ANY_SYSTEM: Folder(".config", "XDG_CONFIG_HOME")}
APPLICATION_DATA = {
    "darwin": Folder("Library/Application Support"),
    "win32": Folder("AppData/Roaming", "APPDATA"),
    **CONFIG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """An MCP client, and the form of its entries.

    An entry is either local, with a command that the client starts, or remote, with the address of a server.

    Attributes:
        name: Its name on the command line.
        title: Its name in messages.
        source: The page that documents its configuration.
        folders: The folder of its configuration by system (`sys.platform`, or `ANY_SYSTEM` for all others).
        files: The paths of the configuration files in that folder, the usual one first. The suffix is the format.
        by_hand: Where the user puts the entry of a client whose file `install` does not change; empty for the others.
        table: The key of the object, or table, that contains the servers.
        local: The members of a local entry besides its command and variables.
        command: The key of the command.
        arguments: The key of the arguments; if empty, the command is a list that ends with them.
        environment: The key of the variables that the client sets for the server.
        remote: The members of a remote entry besides its address and headers; None if the file has only local entries.
        address: The key of the address.
        headers: The key of the headers.
        token: The key of the name of the variable with the bearer token, used instead of a header.
        needs_type: The `type` that an entry without one has: `local`, `remote`, or empty if it depends on the other
            keys; None if each entry needs one.
        strict: Whether the client refuses an entry with keys of both kinds, whatever they are.
        references: The forms of a reference to an environment variable, with `%s` for the name; the first is written.
            Without one, the entry contains the value.
        forwards: The key of an entry's list of environment variables that the client passes to the server, used
            instead of `references`.
        call_limit: The key of an entry's time limit for a call, in seconds; a client with one needs `handoff_after`.
        handoff_after: Seconds after which calls are handed off; by default the server's own setting.
        desktop: Whether it is started from the desktop, which does not read the profile of a shell.
        next_step: The user's next action after the installation.
    """

    name: str
    title: str
    source: str = ""
    folders: Mapping[str, Folder] = field(default_factory=lambda: HOME)
    files: tuple[str, ...] = ("mcp.json",)
    by_hand: str = ""
    table: str = "mcpServers"
    local: Mapping[str, Any] = field(default_factory=dict)
    command: str = "command"
    arguments: str = "args"
    environment: str = "env"
    remote: Mapping[str, Any] | None = field(default_factory=dict)
    address: str = "url"
    headers: str = "headers"
    token: str = ""
    needs_type: str | None = ""
    strict: bool = False
    references: tuple[str, ...] = ()
    forwards: str = ""
    call_limit: str = ""
    handoff_after: int | None = None
    desktop: bool = False
    next_step: str = "It starts with the next session."


ANY_CLIENT = McpClient(name="any", title="any client")

SHELL_REFERENCES = ("${%s}", "$%s")
"""References as in a shell."""

ALL_CLIENTS = (
    McpClient(
        name="claude-desktop",
        title="Claude Desktop",
        source="https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        folders=APPLICATION_DATA,
        files=("Claude/claude_desktop_config.json",),
        # A server elsewhere is added in its settings, under Connectors.
        remote=None,
        # It abandons a call after four minutes, even with progress.
        handoff_after=200,
        desktop=True,
        next_step="Restart Claude Desktop.",
    ),
    McpClient(
        name="claude-code",
        title="Claude Code",
        source="https://code.claude.com/docs/en/mcp",
        folders={ANY_SYSTEM: Folder("", "CLAUDE_CONFIG_DIR")},
        files=(".claude.json",),
        local={"type": "stdio"},
        remote={"type": "http"},
        needs_type="local",
        references=("${%s}",),
        # It waits for half an hour, and longer while progress arrives.
        handoff_after=600,
    ),
    McpClient(
        name="cursor",
        title="Cursor",
        source="https://cursor.com/docs/mcp",
        files=(".cursor/mcp.json",),
        references=("${env:%s}",),
        desktop=True,
    ),
    McpClient(
        name="vscode",
        title="VS Code",
        source="https://code.visualstudio.com/docs/agents/reference/mcp-configuration",
        folders=APPLICATION_DATA,
        files=("Code/User/mcp.json",),
        table="servers",
        local={"type": "stdio"},
        remote={"type": "http"},
        references=("${env:%s}", "${input:%s}"),
        desktop=True,
    ),
    McpClient(
        name="codex",
        title="Codex",
        source="https://developers.openai.com/codex/mcp",
        folders={ANY_SYSTEM: Folder(".codex", "CODEX_HOME")},
        files=("config.toml",),
        table="mcp_servers",
        headers="http_headers",
        token="bearer_token_env_var",  # noqa: S106 - a key of the file
        strict=True,
        forwards="env_vars",
        call_limit="tool_timeout_sec",
        handoff_after=240,
    ),
    McpClient(
        name="gemini-cli",
        title="Gemini CLI",
        source="https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md",
        folders={ANY_SYSTEM: Folder("", "GEMINI_CLI_HOME")},
        files=(".gemini/settings.json",),
        remote={"type": "http"},
        references=SHELL_REFERENCES,
    ),
    McpClient(
        name="qwen-code",
        title="Qwen Code",
        source="https://qwenlm.github.io/qwen-code-docs/en/users/features/mcp/",
        folders={ANY_SYSTEM: Folder(".qwen", "QWEN_HOME")},
        files=("settings.json",),
        address="httpUrl",
        references=SHELL_REFERENCES,
    ),
    McpClient(
        name="opencode",
        title="opencode",
        source="https://opencode.ai/docs/mcp-servers",
        folders=CONFIG,
        files=("opencode/opencode.jsonc", "opencode/opencode.json"),
        table="mcp",
        # In milliseconds. Five seconds, its default, are too few for a first start.
        local={"type": "local", "enabled": True, "timeout": 60_000},
        arguments="",
        environment="environment",
        remote={"type": "remote", "enabled": True, "timeout": 60_000},
        needs_type=None,
        references=("{env:%s}",),
    ),
    McpClient(
        name="copilot-cli",
        title="Copilot CLI",
        source="https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers",
        folders={ANY_SYSTEM: Folder(".copilot", "COPILOT_HOME")},
        files=("mcp-config.json",),
        local={"type": "local", "tools": ["*"]},
        remote={"type": "http", "tools": ["*"]},
        references=SHELL_REFERENCES,
    ),
    McpClient(
        name="windsurf",
        title="Windsurf",
        source="https://docs.windsurf.com/windsurf/cascade/mcp",
        files=(".codeium/windsurf/mcp_config.json",),
        address="serverUrl",
        references=("${env:%s}",),
        desktop=True,
        next_step="Press the refresh button of its MCP servers.",
    ),
    McpClient(
        name="zed",
        title="Zed",
        source="https://zed.dev/docs/ai/mcp",
        folders={"win32": Folder("AppData/Roaming", "APPDATA"), ANY_SYSTEM: Folder(".config", "XDG_CONFIG_HOME")},
        files=("zed/settings.json",),
        table="context_servers",
        desktop=True,
        next_step="Zed starts it at once.",
    ),
    McpClient(
        name="cline",
        title="Cline",
        source="https://docs.cline.bot/mcp/configuring-mcp-servers",
        by_hand="cline_mcp_settings.json (MCP Servers, Configure, Configure MCP Servers)",
        remote={"type": "streamableHttp"},
        desktop=True,
    ),
    McpClient(
        name="goose",
        title="Goose",
        source="https://github.com/aaif-goose/goose/blob/main/documentation/docs/guides/config-files.md",
        files=("config.yaml",),
        by_hand="~/.config/goose/config.yaml, on Windows %APPDATA%\\Block\\goose\\config\\config.yaml",
        table="extensions",
        local={"type": "stdio", "name": "grok", "enabled": True, "timeout": 300},
        command="cmd",
        environment="envs",
        remote={"type": "streamable_http", "name": "grok", "enabled": True, "timeout": 300},
        address="uri",
        needs_type=None,
        forwards="env_keys",
    ),
    McpClient(
        name="jetbrains",
        title="JetBrains AI Assistant",
        source="https://www.jetbrains.com/help/ai-assistant/mcp.html",
        by_hand="Settings, Tools, AI Assistant, Model Context Protocol (MCP), Add, As JSON",
        desktop=True,
    ),
    McpClient(
        name="lm-studio",
        title="LM Studio",
        source="https://lmstudio.ai/docs/app/mcp",
        by_hand="mcp.json (Program, Install, Edit mcp.json)",
        desktop=True,
    ),
)

CLIENTS = {client.name: client for client in ALL_CLIENTS if not client.by_hand}
"""The clients whose file `install` changes."""

PRINTED = {client.name: client for client in ALL_CLIENTS}
"""The clients whose entry `install --print` prints."""


def config_paths(client: McpClient, platform: str, home: PurePath, environment: Mapping[str, str]) -> list[PurePath]:
    """The configuration files of a client, the usual one first.

    Args:
        client: The client.
        platform: The system, as in `sys.platform`.
        home: The user's home.
        environment: The environment variables, some of which override folders.
    """
    folder = client.folders.get(platform) or client.folders[ANY_SYSTEM]
    moved = environment.get(folder.variable)
    start = type(home)(moved) if moved else home / folder.usual
    return [start / file for file in client.files]
