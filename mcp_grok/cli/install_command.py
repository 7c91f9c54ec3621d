"""`mcp-grok install`: adds this server to a client's configuration, or removes it."""

import argparse
import difflib
import getpass
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp_grok.cli.install.client_file import FORMATS, NAME, ClientFile
from mcp_grok.cli.install.clients import ANY_CLIENT, CLIENTS, McpClient
from mcp_grok.cli.install.entry import entry, has_key, keys_in, own_command, settings_in
from mcp_grok.cli.install.secrets import hidden
from mcp_grok.cli.startup import complain, read_settings, usage_error
from mcp_grok.concealment import concealed
from mcp_grok.errors import NotConfigured
from mcp_grok.settings import Settings, variable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the client, and the action for its file."""
    parser.add_argument("client", nargs="?", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--uninstall", action="store_true", help="remove the server")
    parser.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    parser.add_argument("--print", action="store_true", help="print the entry, write no file; for any other client")


def run(options: argparse.Namespace) -> int:
    """Installs, uninstalls, or shows the change; returns the exit status."""
    if options.client not in CLIENTS and not (options.print and options.client is None):
        usage_error(f"name one of {', '.join(CLIENTS)}; for any other client: mcp-grok install --print")
    if options.print and (options.uninstall or options.dry_run):
        usage_error("--print writes no file, so it cannot be used with --uninstall or --dry-run")
    settings = read_settings()
    client = CLIENTS.get(options.client, ANY_CLIENT)
    try:
        if options.print:
            sys.stdout.write(_shown(client, settings))
        else:
            _change(client, settings, uninstall=options.uninstall, dry_run=options.dry_run)
    except NotConfigured as error:
        complain(error.message)
        return 1
    return 0


def _change(client: McpClient, settings: Settings, *, uninstall: bool, dry_run: bool) -> None:
    """Adds the entry to the client's file or removes it; with `dry_run`, only prints the difference.

    Raises:
        NotConfigured: the change failed; the file has not changed.
    """
    file = ClientFile(client)
    before = file.read()
    existing = file.entry(before)
    described = None if uninstall else _described(client, settings, existing, ask=not dry_run)
    after = file.changed(before, described)
    if dry_run:
        sys.stdout.write(_difference(client, file.path, existing, described or {}))
    elif after == before:
        for path in file.protect():
            complain(f"{path} holds a secret, so now only you can read it.")
        complain(f"{file.path} has no {NAME}; nothing was changed." if uninstall else f"{file.path} is up to date.")
    else:
        backup = file.write(after)
        done = "removed from" if uninstall else "updated in" if existing else "added to"
        complain(f"{client.title}: {NAME} {done} {file.path}. {client.next_step}")
        if backup:
            complain(f"A copy of the previous file, which may contain keys, is in {backup}")


def _described(client: McpClient, settings: Settings, existing: Mapping[str, Any], *, ask: bool) -> dict[str, Any]:
    keys = keys_in(os.environ)
    needed = settings.active_provider.needs_key and not keys and not has_key(client, existing, os.environ)
    typed = _typed_key(settings, ask=ask) if needed else ""
    try:
        return entry(client, _command(), settings_in(os.environ), keys, typed_key=typed, existing=existing)
    except ValueError as error:
        raise NotConfigured(f"The entry of {client.title} has a wrong {variable('handoff_after')}: {error}.") from None


def _typed_key(settings: Settings, *, ask: bool) -> str:
    """The key that the user types at a terminal; empty without a key or a terminal."""
    key = ""
    if ask and sys.stdin.isatty():
        with suppress(EOFError):
            key = getpass.getpass(f"Key for {settings.active_provider.title} (empty: none yet): ").strip()
    if not key:
        complain("no key is set: clients will list the tools, and a call will fail with the name of the setting")
    return key


def _shown(client: McpClient, settings: Settings) -> str:
    """A file with only the entry, and a placeholder for each key."""
    own = settings.active_provider.key_variable or variable("api_key")
    keys = dict.fromkeys(keys_in(os.environ) or [own], "your key") if settings.active_provider.needs_key else {}
    shown = {name: concealed(value) for name, value in settings_in(os.environ).items()}
    return _rendered(client, entry(client, _command(), shown, keys))


def _rendered(client: McpClient, described: Mapping[str, Any]) -> str:
    """A file of a client with only this server's entry; empty without one."""
    text: str = FORMATS[Path(client.file).suffix].put("", client.table, NAME, described) if described else ""
    return text


def _command() -> list[str]:
    try:
        return own_command()
    except RuntimeError as error:
        raise NotConfigured(str(error)) from None


def _difference(client: McpClient, path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The change of the entry as a unified diff without secrets. Nothing else in the file changes, or is shown."""
    if before == after:
        return f"{path} would not change.\n"
    old, new = (_rendered(client, hidden(described)).splitlines(keepends=True) for described in (before, after))
    text = "".join(difflib.unified_diff(old, new, str(path), f"{path} (new)"))
    return text or f"{path} would change only in values that are not shown.\n"
