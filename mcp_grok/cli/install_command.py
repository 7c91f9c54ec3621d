"""The command: reads a client's file, changes one entry, shows or writes it."""

import difflib
import getpass
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_grok.cli.install import jsonc, toml
from mcp_grok.cli.install.clients import CLIENTS, McpClient, config_path
from mcp_grok.cli.install.entry import entry, has_key, keys_in, own_command, settings_in
from mcp_grok.errors import NotConfigured
from mcp_grok.settings import Settings, variable

NAME = "grok"
"""What the server is called in the client's configuration."""

ANY_CLIENT = McpClient("any", "any client", ())

HIDDEN = "(your key)"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for.

    Attributes:
        client: The client's name; None with `print_only`, for any other.
        uninstall: Takes the entry out.
        dry_run: Shows the change and writes nothing.
        print_only: Prints the entry and touches no file.
    """

    client: str | None
    uninstall: bool = False
    dry_run: bool = False
    print_only: bool = False


def run_install(options: Options, settings: Settings) -> int:
    """Installs, uninstalls, or shows what would be done.

    Returns:
        The exit status, 0.

    Raises:
        NotConfigured: it cannot be done; nothing has been changed.
    """
    client = CLIENTS[options.client] if options.client else ANY_CLIENT
    if options.print_only:
        sys.stdout.write(_shown(client, settings))
        return 0
    path = path_of(client)
    before = _read(path)
    existing = existing_entry(client, path, before)
    described = None if options.uninstall else _described(client, settings, existing, ask=not options.dry_run)
    after = _changed(client, path, before, described)
    if options.dry_run:
        sys.stdout.write(_diff(path, before, after) or f"{path} would not change.\n")
        return 0
    if after == before:
        _say(f"{path} has no {NAME}; nothing was changed." if options.uninstall else f"{path} is as it should be.")
        return 0
    backup = _write(path, after)
    done = "taken out of" if options.uninstall else "brought up to date in" if existing else "added to"
    _say(f"{client.title}: {NAME} {done} {path}. {client.next_step}")
    if backup:
        _say(f"The file as it was, with any keys in it: {backup}")
    return 0


def path_of(client: McpClient) -> Path:
    """The client's configuration file here."""
    return Path(config_path(client, sys.platform, Path.home(), os.environ))


def _language(path: Path) -> Any:
    """The module that reads and changes a file of that name."""
    return toml if path.suffix == ".toml" else jsonc


def existing_entry(client: McpClient, path: Path, text: str) -> dict[str, Any]:
    """Our entry as it stands in a client's file; empty where there is none.

    Raises:
        NotConfigured: the file cannot be read as what it should be.
    """
    try:
        servers = _language(path).read(text).get(client.table)
    except (ValueError, RecursionError) as error:
        raise NotConfigured(f"{path} was left as it is: {error}. Correct it by hand, then try again.") from None
    found = servers.get(NAME) if isinstance(servers, dict) else None
    return found if isinstance(found, dict) else {}


def _described(client: McpClient, settings: Settings, existing: Mapping[str, Any], *, ask: bool) -> dict[str, Any]:
    keys = keys_in(os.environ)
    needed = settings.active_provider.needs_key and not keys and not has_key(existing, os.environ)
    typed = _asked_key(settings, ask=ask) if needed else ""
    try:
        return entry(client, _command(), settings_in(os.environ), keys, typed_key=typed, existing=existing)
    except ValueError as error:
        raise NotConfigured(f"The entry of {client.title} has a wrong {variable('handoff_after')}: {error}.") from None


def _asked_key(settings: Settings, *, ask: bool) -> str:
    key = ""
    if ask and sys.stdin.isatty():
        with suppress(EOFError):
            key = getpass.getpass(f"Key for {settings.active_provider.title} (empty: none yet): ").strip()
    if not key:
        _say("no key is set: the tools will be listed, and a call will say what to set")
    return key


def _changed(client: McpClient, path: Path, before: str, described: dict[str, Any] | None) -> str:
    """The file's text with the entry, or without it.

    Raises:
        NotConfigured: the file cannot be read as what it should be.
    """
    language = _language(path)
    try:
        if described is None:
            after = language.remove(before, client.table, NAME)
        else:
            after = language.put(before, client.table, NAME, described)
        if _others(language.read(before), client) != _others(language.read(after), client):
            raise ValueError("the change would touch what is not ours")
    except (ValueError, RecursionError) as error:
        raise NotConfigured(f"{path} was left as it is, since it cannot be changed safely: {error}") from None
    return str(after)


def _others(parsed: Mapping[str, Any], client: McpClient) -> dict[str, Any]:
    """Everything in a file but our entry; an empty table is as good as none."""
    others = {key: value for key, value in parsed.items() if key != client.table}
    servers = parsed.get(client.table, {})
    if not isinstance(servers, dict):
        return dict(parsed)
    rest = {name: server for name, server in servers.items() if name != NAME}
    return {**others, client.table: rest} if rest else others


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{path} cannot be read: {error}") from None


def _write(path: Path, text: str) -> Path | None:
    """Replaces the file in one step; gives the copy of what it was, where there was one."""
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        backup = None
        if target.exists():
            backup = target.with_name(f"{target.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
            shutil.copy2(target, backup)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        if backup:
            shutil.copymode(target, name)
        Path(name).replace(target)
    except OSError as error:
        raise NotConfigured(f"{path} cannot be written: {error}") from None
    return backup


def _shown(client: McpClient, settings: Settings) -> str:
    """The entry as it would stand in the file, with a place for each key."""
    own = settings.active_provider.key_variable or variable("api_key")
    keys = dict.fromkeys(keys_in(os.environ) or [own], "your key")
    described = entry(client, _command(), settings_in(os.environ), keys if settings.active_provider.needs_key else {})
    if client.name == "codex":
        return toml.put("", client.table, NAME, described)
    return json.dumps({client.table: {NAME: described}}, indent=2, ensure_ascii=False) + "\n"


def _command() -> list[str]:
    try:
        return own_command()
    except RuntimeError as error:
        raise NotConfigured(str(error)) from None


def _diff(path: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), f"{path} (new)"
    )
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    for key in keys_in(os.environ).values():
        text = text.replace(key, HIDDEN)
    return text


def _say(line: str) -> None:
    sys.stderr.write(f"mcp-grok: {line}\n")
