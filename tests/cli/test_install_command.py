"""`mcp-grok install`."""

import io
import json
import os
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
import tomlkit

from mcp_grok.cli.install import jsonc
from mcp_grok.cli.install.clients import CLIENTS, PRINTED, config_paths
from mcp_grok.cli.install.entry_form import command_of, environment_of
from tests.cli.commands import file_of, status_of
from tests.conftest import KEY
from tests.process import MCP_GROK

FOLDERS = ("XDG_", "CODEX", "CLAUDE", "GEMINI", "QWEN", "COPILOT")

Run = Callable[..., subprocess.CompletedProcess[str]]

OTHERS = {
    "claude-desktop": '{\n  "globalShortcut": "",\n  "mcpServers": {\n    "other": {"command": "x"}\n  }\n}\n',
    "claude-code": '{\n  "numStartups": 3,\n  "mcpServers": {\n    "other": {"type": "http", "url": "u"}\n  }\n}',
    "cursor": '{\n  "mcpServers": {\n    "other": {"url": "http://127.0.0.1:1/mcp"},\n  }\n}\n',
    "vscode": '{\n\t// mine\n\t"inputs": [],\n\t"servers": {\n\t\t"other": {"type": "stdio", "command": "x"}\n\t}\n}\n',
    "gemini-cli": '{\n  "ui": {},\n  "mcpServers": {"other": {"httpUrl": "u"}}\n}\n',
    "qwen-code": '{\n  "mcpServers": {},\n  "$version": 4\n}\n',
    "opencode": '{\n  // mine\n  "mcp": {\n    "other": {"type": "remote", "url": "u"}\n  }\n}\n',
    "copilot-cli": '{\n  "mcpServers": {}\n}\n',
    "windsurf": '{"mcpServers": {"other": {"serverUrl": "u"}}}',
    "zed": '// mine\n{\n  "theme": "One Dark", // mine\n  "context_servers": {\n    "other": {"url": "u"},\n  },\n}\n',
    "codex": '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "x"\n',
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own."""
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `mcp-grok install` in a home of its own, without a terminal, and in the process of the tests."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(FOLDERS)]:
                patch.delenv(name)
            places = {"HOME": str(home), "APPDATA": str(home / "AppData" / "Roaming")}
            for name, value in {**places, **environment}.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO())
            status = status_of(["install", *arguments])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


def entry_in(client: str, home: Path) -> Any:
    """Our entry as the client would read it."""
    path = file_of(client, home)
    text = path.read_text(encoding="utf-8")
    parsed = tomllib.loads(text) if path.suffix == ".toml" else jsonc.read(text)
    return parsed[CLIENTS[client].table]["grok"]


MAC, WINDOWS, LINUX = PurePosixPath("/Users/a"), PureWindowsPath("C:\\Users\\a"), PurePosixPath("/home/a")


@pytest.mark.parametrize(
    ("client", "platform", "home", "environment", "path"),
    [
        ("claude-desktop", "darwin", MAC, {}, "/Users/a/Library/Application Support/Claude/claude_desktop_config.json"),
        (
            "claude-desktop",
            "win32",
            WINDOWS,
            {"APPDATA": "D:\\Data"},
            "D:\\Data\\Claude\\claude_desktop_config.json",
        ),
        ("claude-desktop", "linux", LINUX, {}, "/home/a/.config/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", LINUX, {"XDG_CONFIG_HOME": "/c"}, "/c/Claude/claude_desktop_config.json"),
        ("claude-code", "darwin", MAC, {}, "/Users/a/.claude.json"),
        ("claude-code", "linux", LINUX, {"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
        ("cursor", "win32", WINDOWS, {}, "C:\\Users\\a\\.cursor\\mcp.json"),
        ("vscode", "darwin", MAC, {}, "/Users/a/Library/Application Support/Code/User/mcp.json"),
        ("vscode", "win32", WINDOWS, {}, "C:\\Users\\a\\AppData\\Roaming\\Code\\User\\mcp.json"),
        ("vscode", "linux", LINUX, {}, "/home/a/.config/Code/User/mcp.json"),
        ("codex", "linux", LINUX, {}, "/home/a/.codex/config.toml"),
        ("codex", "win32", WINDOWS, {"CODEX_HOME": "D:\\codex"}, "D:\\codex\\config.toml"),
        ("gemini-cli", "linux", LINUX, {}, "/home/a/.gemini/settings.json"),
        ("qwen-code", "darwin", MAC, {}, "/Users/a/.qwen/settings.json"),
        ("opencode", "linux", LINUX, {"XDG_CONFIG_HOME": "/c"}, "/c/opencode/opencode.jsonc"),
        ("opencode", "win32", WINDOWS, {}, "C:\\Users\\a\\.config\\opencode\\opencode.jsonc"),
        ("copilot-cli", "linux", LINUX, {"COPILOT_HOME": "/c"}, "/c/mcp-config.json"),
        ("windsurf", "win32", WINDOWS, {}, "C:\\Users\\a\\.codeium\\windsurf\\mcp_config.json"),
        ("zed", "darwin", MAC, {}, "/Users/a/.config/zed/settings.json"),
        ("zed", "win32", WINDOWS, {"APPDATA": "D:\\Data"}, "D:\\Data\\zed\\settings.json"),
    ],
)
def test_each_client_has_a_file_on_each_system(
    client: str, platform: str, home: Any, environment: dict[str, str], path: str
) -> None:
    assert str(config_paths(CLIENTS[client], platform, home, environment)[0]) == path


@pytest.mark.parametrize("client", CLIENTS)
def test_uninstall_restores_every_byte(client: str, home: Path, run: Run) -> None:
    path = file_of(client, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = OTHERS[client].encode()
    path.write_bytes(before)
    path.chmod(0o600)
    ended = run(client, MCP_GROK_PROVIDER="sandbox", MCP_GROK_DEFAULT_MODEL="grok-3")
    assert ended.returncode == 0, ended.stderr
    assert CLIENTS[client].next_step in ended.stderr
    entry = entry_in(client, home)
    variables, command = environment_of(CLIENTS[client], entry), command_of(CLIENTS[client], entry)
    assert (variables["MCP_GROK_PROVIDER"], variables["MCP_GROK_DEFAULT_MODEL"]) == ("sandbox", "grok-3")
    assert Path(command[0]).is_absolute()
    version = subprocess.run([*command, "--version"], capture_output=True, check=True, timeout=60)
    assert version.stdout.startswith(b"mcp-grok ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [backup] = path.parent.glob("*.bak")
    assert backup.read_bytes() == before

    assert "is up to date" in run(client, MCP_GROK_PROVIDER="sandbox", MCP_GROK_DEFAULT_MODEL="grok-3").stderr
    assert run(client, "--uninstall").returncode == 0
    assert path.read_bytes() == before
    assert "nothing was changed" in run(client, "--uninstall").stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_without_a_file_gets_one_that_only_its_user_can_read(client: str, home: Path, run: Run) -> None:
    assert run(client, XAI_API_KEY=KEY).returncode == 0
    assert entry_in(client, home)
    assert stat.S_IMODE(file_of(client, home).stat().st_mode) == 0o600
    assert not list(file_of(client, home).parent.glob("*.bak"))


@pytest.mark.parametrize(
    ("client", "key", "handoff"),
    [
        ("claude-desktop", KEY, "200"),
        ("claude-code", "${XAI_API_KEY}", "600"),
        ("cursor", "${env:XAI_API_KEY}", None),
        ("vscode", "${env:XAI_API_KEY}", None),
        ("gemini-cli", "${XAI_API_KEY}", None),
        ("qwen-code", "${XAI_API_KEY}", None),
        ("opencode", "{env:XAI_API_KEY}", None),
        ("copilot-cli", "${XAI_API_KEY}", None),
        ("windsurf", "${env:XAI_API_KEY}", None),
        ("zed", KEY, None),
    ],
)
def test_a_key_is_referred_to_where_the_client_can_and_the_hand_off_suits_it(
    client: str, key: str, handoff: str | None, home: Path, run: Run
) -> None:
    run(client, XAI_API_KEY=KEY)
    environment = environment_of(CLIENTS[client], entry_in(client, home))
    assert (environment["XAI_API_KEY"], environment.get("MCP_GROK_HANDOFF_AFTER")) == (key, handoff)


def test_codex_forwards_the_key_and_waits_longer_than_the_server(home: Path, run: Run) -> None:
    run("codex", XAI_API_KEY=KEY)
    entry = entry_in("codex", home)
    assert entry["env_vars"] == ["XAI_API_KEY"]
    assert entry["tool_timeout_sec"] > float(entry["env"]["MCP_GROK_HANDOFF_AFTER"])
    assert KEY not in file_of("codex", home).read_text()


@pytest.mark.parametrize("client", CLIENTS)
def test_second_install_keeps_the_entry(client: str, home: Path, run: Run) -> None:
    run(client, XAI_API_KEY=KEY, MCP_GROK_PROVIDER="xai", MCP_GROK_STORE="disk:~/x")
    before = entry_in(client, home)
    ended = run(client, MCP_GROK_DEFAULT_MODEL="grok-3")
    assert ended.returncode == 0
    assert "no key" not in ended.stderr or CLIENTS[client].references or CLIENTS[client].forwards
    assert "updated in" in ended.stderr
    after = entry_in(client, home)
    variables = CLIENTS[client].environment
    assert after == {**before, variables: {**before[variables], "MCP_GROK_DEFAULT_MODEL": "grok-3"}}


def test_codex_entry_keeps_its_own_keys(home: Path, run: Run) -> None:
    path = file_of("codex", home)
    path.parent.mkdir(parents=True)
    path.write_text('[mcp_servers.grok]\ncommand = "x"\nenabled = true\nenv_vars = ["A", {name = "B"}]\n')
    assert run("codex", XAI_API_KEY=KEY).returncode == 0
    entry = entry_in("codex", home)
    assert entry["enabled"] is True
    assert entry["env_vars"] == ["A", {"name": "B"}, "XAI_API_KEY"]


def test_wrong_hand_off_time_is_an_error(home: Path, run: Run) -> None:
    path = file_of("codex", home)
    path.parent.mkdir(parents=True)
    path.write_text('[mcp_servers.grok.env]\nMCP_GROK_HANDOFF_AFTER = "soon"\n')
    ended = run("codex")
    assert ended.returncode == 1
    assert "MCP_GROK_HANDOFF_AFTER" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_print_excludes_uninstall(run: Run) -> None:
    assert run("cursor", "--print", "--uninstall").returncode == 2


def test_install_without_a_key_warns(home: Path, run: Run) -> None:
    ended = run("cursor")
    assert ended.returncode == 0
    assert "no key is set" in ended.stderr
    assert entry_in("cursor", home)["env"] == {"ACEDATACLOUD_API_TOKEN": "${env:ACEDATACLOUD_API_TOKEN}"}


def test_dry_run_hides_the_key_and_writes_nothing(home: Path, run: Run) -> None:
    ended = run("claude-desktop", "--dry-run", XAI_API_KEY=KEY)
    assert ended.returncode == 0
    assert '+    "grok": {' in ended.stdout
    assert KEY not in ended.stdout + ended.stderr
    assert not file_of("claude-desktop", home).exists()


def test_print_shows_the_entry(run: Run) -> None:
    ended = run("--print", XAI_API_KEY=KEY)
    entry = json.loads(ended.stdout)["mcpServers"]["grok"]
    assert entry["env"] == {"XAI_API_KEY": "your key"}
    assert Path(entry["command"]).is_absolute()
    assert tomllib.loads(run("codex", "--print").stdout)["mcp_servers"]["grok"]["env_vars"] == [
        "ACEDATACLOUD_API_TOKEN"
    ]


def test_entry_has_the_choice_of_tools(home: Path, run: Run) -> None:
    chosen = {"MCP_GROK_TOOLSETS": "all", "MCP_GROK_OUTPUT_DIR": str(home)}
    assert run("cursor", XAI_API_KEY=KEY, **chosen).returncode == 0
    assert entry_in("cursor", home)["env"].items() >= chosen.items()


@pytest.mark.parametrize("client", CLIENTS)
def test_broken_file_stays(client: str, home: Path, run: Run) -> None:
    path = file_of(client, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'{"mcpServers": {')
    ended = run(client)
    assert ended.returncode == 1
    assert f"{path} was left as it is" in ended.stderr
    assert "by hand" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert path.read_bytes() == b'{"mcpServers": {'
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_linked_file_stays_a_link(home: Path, run: Run) -> None:
    path, target = file_of("cursor", home), home / "dotfiles.json"
    path.parent.mkdir(parents=True)
    target.write_text("{}")
    path.symlink_to(target)
    run("cursor")
    assert path.is_symlink()
    assert "grok" in target.read_text()


@pytest.mark.parametrize("arguments", [[], ["emacs"], ["--uninstall"]])
def test_unknown_client_is_a_usage_error(arguments: list[str], run: Run) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert "claude-desktop" in ended.stderr


SECRETS = [f"s3cret-{number}" for number in range(9)]

SECRETIVE = {
    "command": "npx",
    "args": [
        *("-y", "server", "--api-key", SECRETS[0], f"--token={SECRETS[1]}", "--header", f"Authorization: {SECRETS[2]}"),
        *(f"https://ann:{SECRETS[3]}@p@ss@example.com/", f"https://example.com/?auth={SECRETS[4]}", "aB3" * 9),
        *("-c", f"XAI_API_KEY={SECRETS[5]} run", "sk-abcdefghijkl", "0f" * 16),
    ],
    "env": {"PIN": 1234567, "ANY": SECRETS[6], "MCP_GROK_STORE": f"redis://:{SECRETS[7]}@x/y@h"},
    "headers": {"X-Any": SECRETS[8]},
}
"""An entry with every kind of secret that an entry may hold."""

VALUES = [*SECRETS, "1234567", "aB3aB3", "abcdefghijkl", "0f0f", "p@ss", "x/y"]


@pytest.mark.parametrize("client", ["claude-desktop", "claude-code", "cursor", "vscode", "codex", "opencode"])
@pytest.mark.parametrize("options", [(), ("--uninstall",)])
@pytest.mark.parametrize("one_line", [True, False])
def test_dry_run_hides_every_secret(
    client: str, options: tuple[str, ...], one_line: bool, home: Path, run: Run
) -> None:
    path = file_of(client, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    servers = {"grok": SECRETIVE, "other": SECRETIVE}
    content = {"mySecret": SECRETS[0], CLIENTS[client].table: servers}
    if path.suffix == ".toml":
        path.write_text(tomlkit.dumps(content))
    else:
        path.write_text(f"// {SECRETS[0]}\n" + json.dumps(content, indent=None if one_line else 2))
    ended = run(client, "--dry-run", *options, MCP_GROK_API_KEY=KEY, MCP_GROK_DEFAULT_MODEL="grok-3")
    assert ended.returncode == 0, ended.stderr
    assert "-" in ended.stdout
    written = ended.stdout + ended.stderr
    assert [value for value in (*VALUES, KEY) if value in written] == []
    assert "npx" in written


def test_dry_run_says_that_only_a_hidden_value_changes(home: Path, run: Run) -> None:
    assert run("claude-desktop", XAI_API_KEY=KEY).returncode == 0
    ended = run("claude-desktop", "--dry-run", XAI_API_KEY="another")
    assert "would change only in values that are not shown" in ended.stdout
    assert "would not change" in run("claude-desktop", "--dry-run", XAI_API_KEY=KEY).stdout


def test_print_hides_the_password_of_the_store(run: Run) -> None:
    ended = run("--print", MCP_GROK_STORE="redis://ann:hunter2@p@host:6379/0")
    assert "hunter2" not in ended.stdout + ended.stderr
    assert json.loads(ended.stdout)["mcpServers"]["grok"]["env"]["MCP_GROK_STORE"] == "redis://…@host:6379/0"


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("environment", "before", "after"),
    [
        ({"MCP_GROK_PROVIDER": "sandbox"}, 0o644, 0o644),
        ({"XAI_API_KEY": KEY}, 0o644, 0o600),
        ({"MCP_GROK_PROVIDER": "sandbox", "MCP_GROK_STORE": "redis://:pw@host"}, 0o664, 0o600),
    ],
)
def test_file_with_a_key_is_for_its_owner_alone(
    environment: dict[str, str], before: int, after: int, home: Path, run: Run
) -> None:
    path = file_of("claude-desktop", home)
    path.parent.mkdir(parents=True)
    path.write_text(OTHERS["claude-desktop"])
    path.chmod(before)
    assert run("claude-desktop", **environment).returncode == 0
    [first] = path.parent.glob("*.bak")
    assert (mode(path), mode(first)) == (after, 0o600)
    first.unlink()
    # As an older version, or a person, left it.
    path.chmod(0o644)
    assert run("claude-desktop", **environment).returncode == 0
    assert mode(path) == (0o600 if after == 0o600 else 0o644)
    path.chmod(0o644)
    assert run("claude-desktop", "--uninstall").returncode == 0
    [second] = path.parent.glob("*.bak")
    assert (mode(path), mode(second)) == (0o644, 0o600)


def test_earlier_backup_with_a_key_is_closed(home: Path, run: Run) -> None:
    path = file_of("cursor", home)
    path.parent.mkdir(parents=True)
    earlier = {name: path.with_name(f"{path.name}.20260101-00000{name}.bak") for name in (0, 1)}
    earlier[0].write_text(json.dumps({"mcpServers": {"grok": {"env": {"XAI_API_KEY": KEY}}}}))
    earlier[1].write_text(OTHERS["cursor"])
    for one in earlier.values():
        one.chmod(0o644)
    assert run("cursor", MCP_GROK_PROVIDER="sandbox").returncode == 0
    assert [mode(one) for one in earlier.values()] == [0o600, 0o644]


def test_secret_of_another_server_closes_the_file(home: Path, run: Run) -> None:
    path = file_of("cursor", home)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"mcpServers": {"other": {"url": "https://x/", "headers": {"Authorization": "a"}}}}))
    path.chmod(0o644)
    assert run("cursor", MCP_GROK_PROVIDER="sandbox").returncode == 0
    assert [mode(one) for one in path.parent.iterdir()] == [0o600, 0o600]


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--uninstall",)])
def test_pipe_in_place_of_the_file_is_refused(options: tuple[str, ...], home: Path, run: Run) -> None:
    path = file_of("cursor", home)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    ended = run("cursor", *options)
    assert ended.returncode == 1
    assert "it is not a regular file" in ended.stderr


def of_another_kind(client: str) -> dict[str, Any]:
    """An entry of a server over HTTP, as the client's own command writes it, with what the user added."""
    one = CLIENTS[client]
    added = {"tool_timeout_sec": 9.5, "enabled": True} if client == "codex" else {"timeout": 9, "alwaysAllow": ["a"]}
    secret = {one.token: "OLD_TOKEN"} if one.token else {one.headers: {"Authorization": f"Bearer {KEY}"}}
    return {**(one.remote or {}), one.address: "http://127.0.0.1:9/mcp", **secret, **added}


def put(client: str, home: Path, entry: Any) -> Path:
    """Writes a file with an entry."""
    path = file_of(client, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {CLIENTS[client].table: {"grok": entry}}
    path.write_text(tomlkit.dumps(content) if path.suffix == ".toml" else json.dumps(content))
    return path


@pytest.mark.parametrize("client", ["codex", "cursor", "opencode"])
def test_entry_of_another_kind_is_replaced_as_a_whole(client: str, home: Path, run: Run) -> None:
    one, before = CLIENTS[client], of_another_kind(client)
    path = put(client, home, before)
    ended = run(client, MCP_GROK_PROVIDER="sandbox")
    entry = entry_in(client, home)
    gone = {one.address, one.token or one.headers}
    assert not gone & set(entry)
    assert command_of(one, entry)
    assert all(key in ended.stderr for key in gone)
    assert KEY not in ended.stderr
    assert {key: entry.get(key) for key in ("timeout", "alwaysAllow", "enabled") if key in before} == {
        key: before[key] for key in ("timeout", "alwaysAllow", "enabled") if key in before
    }
    assert one.address in path.with_name(f"{path.name}.mcp-grok.bak").read_text()

    ended = run(client, "--http", "http://127.0.0.1:9/mcp", MCP_GROK_TOKEN=KEY)
    entry = entry_in(client, home)
    assert entry[one.address] == "http://127.0.0.1:9/mcp"
    assert not {one.command, one.arguments, one.environment, one.forwards} & set(entry)
    assert one.command in ended.stderr
    assert KEY not in ended.stderr
    assert KEY not in path.read_text()
    assert "MCP_GROK_TOKEN" in path.read_text()


@pytest.mark.parametrize(
    "address",
    [
        *("example.com/mcp", "ftp://example.com/mcp", "https://example.com", "https://example.com/"),
        *("https://ann:pw@example.com/mcp", f"https://example.com/mcp?key={KEY}"),
    ],
)
def test_address_that_cannot_work_or_holds_a_secret_is_refused(address: str, home: Path, run: Run) -> None:
    ended = run("cursor", "--http", address)
    assert ended.returncode == 2
    assert KEY not in ended.stderr
    assert not file_of("cursor", home).exists()


def test_client_without_addresses_says_so(run: Run) -> None:
    assert "Claude Desktop does not read addresses" in run("claude-desktop", "--http", "https://a.example/mcp").stderr


def test_later_key_ends_the_sandbox(home: Path, run: Run) -> None:
    run("claude-desktop", MCP_GROK_PROVIDER="sandbox")
    ended = run("claude-desktop", XAI_API_KEY=KEY)
    assert entry_in("claude-desktop", home)["env"] == {"MCP_GROK_HANDOFF_AFTER": "200", "XAI_API_KEY": KEY}
    assert "The entry is now for xAI; it was for the sandbox. It no longer has MCP_GROK_PROVIDER." in ended.stderr
    assert KEY not in ended.stderr


def test_token_is_typed_where_no_variable_holds_it(home: Path) -> None:
    seen = answered(home, "zed", KEY, options=("--http", "https://example.com/mcp"))
    assert KEY not in seen
    assert entry_in("zed", home)["headers"] == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("client", ["codex", "claude-code", "opencode"])
def test_install_and_print_without_a_key_refer_to_the_same_variable(client: str, home: Path, run: Run) -> None:
    first = run(client)
    printed = run(client, "--print").stdout
    path = file_of(client, home)
    parsed = tomllib.loads(printed) if path.suffix == ".toml" else jsonc.read(printed)
    assert parsed[CLIENTS[client].table]["grok"] == entry_in(client, home)
    assert "ACEDATACLOUD_API_TOKEN" in path.read_text()
    second = run(client)
    assert "is up to date" in second.stderr
    for ended in (first, second):
        assert "refers to ACEDATACLOUD_API_TOKEN, which is not set in this shell" in ended.stderr
    assert "not set in this shell" not in run(client, ACEDATACLOUD_API_TOKEN=KEY).stderr


def answered(home: Path, client: str, *answers: str, options: tuple[str, ...] = ()) -> str:
    """What `install` writes to a terminal on which a user answers its questions."""
    main, terminal = os.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(FOLDERS)}
    process = subprocess.Popen(
        [*MCP_GROK, "install", client, *options],
        env={**clean, "HOME": str(home)},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    seen, waiting = "", list(answers)
    while True:
        try:
            seen += os.read(main, 4096).decode()
        except OSError:
            break
        if waiting and seen.endswith("): "):
            os.write(main, f"{waiting.pop(0)}\n".encode())
            seen += "\n"
    os.close(main)
    assert process.wait(60) == 0, seen
    return seen


@pytest.mark.skipif(os.name != "posix", reason="this system has no pseudo-terminals")
@pytest.mark.parametrize(
    ("answers", "variables"),
    [
        (["xai", KEY], {"XAI_API_KEY": KEY}),
        (["", KEY], {"ACEDATACLOUD_API_TOKEN": KEY}),
        (["llmprovider", KEY], {"LLMPROVIDER_API_KEY": KEY}),
        (["acedata", "xai-1"], {"XAI_API_KEY": "xai-1"}),
        (["sandbox"], {"MCP_GROK_PROVIDER": "sandbox"}),
    ],
)
def test_provider_is_asked_before_the_key(answers: list[str], variables: dict[str, str], home: Path, run: Run) -> None:
    seen = answered(home, "claude-desktop", *answers)
    assert seen.index("Provider of your key") < seen.find("Key for ") or answers == ["sandbox"]
    assert KEY not in seen
    entry = entry_in("claude-desktop", home)
    assert entry["env"] == {"MCP_GROK_HANDOFF_AFTER": "200", **variables}


def test_only_one_copy_is_kept_for_its_owner(home: Path, run: Run) -> None:
    path = file_of("cursor", home)
    path.parent.mkdir(parents=True)
    path.write_text(OTHERS["cursor"])
    path.chmod(0o644)
    mine = path.with_name("mcp.json.bak")
    mine.write_text("mine")
    for model in ("a", "b", "c"):
        before = path.read_bytes()
        run("cursor", MCP_GROK_DEFAULT_MODEL=model, XAI_API_KEY="xai-1")
    [backup] = path.parent.glob("*.mcp-grok.bak")
    assert backup.read_bytes() == before
    assert mode(backup) == 0o600
    assert mine.read_text() == "mine"
    assert len(list(path.parent.iterdir())) == 3


def test_opencode_has_its_entry_in_the_file_that_is_there(home: Path, run: Run) -> None:
    usual = file_of("opencode", home)
    other = usual.with_suffix(".json")
    usual.parent.mkdir(parents=True)
    other.write_text('{"mcp": {"grok": {"type": "remote", "url": "http://127.0.0.1:9/mcp"}}}')
    run("opencode", XAI_API_KEY="xai-1")
    assert not usual.exists()
    usual.write_text("{}")
    run("opencode", ACEDATACLOUD_API_TOKEN=KEY)
    assert usual.read_text() == "{}"
    entry = json.loads(other.read_text())["mcp"]["grok"]
    assert (entry["type"], "url" in entry) == ("local", False)


@pytest.mark.parametrize(
    ("client", "words"),
    [("goose", "goose/config.yaml"), ("jetbrains", "Settings, Tools"), ("cline", "Cline"), ("lm-studio", "mcp.json")],
)
def test_client_whose_file_is_not_changed_says_where_the_entry_goes(client: str, words: str, run: Run) -> None:
    ended = run(client)
    assert ended.returncode == 2
    assert f"mcp-grok install --print {client}" in ended.stderr
    assert words in ended.stderr
    assert PRINTED[client].command in run(client, "--print", MCP_GROK_PROVIDER="sandbox").stdout


def test_start_of_a_name_is_enough(home: Path, run: Run) -> None:
    assert run("gemini", XAI_API_KEY="xai-1").returncode == 0
    assert entry_in("gemini-cli", home)
    assert run("claude", XAI_API_KEY="xai-1").returncode == 2
