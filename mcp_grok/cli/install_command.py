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
from urllib.parse import urlsplit

from mcp_grok.cli.install.client_file import FORMATS, NAME, ClientFile
from mcp_grok.cli.install.clients import ANY_CLIENT, PRINTED, McpClient
from mcp_grok.cli.install.entry import NOTHING, entry, own_command, remote_entry
from mcp_grok.cli.install.entry_form import LOCAL_KEYS, REMOTE_KEYS, key_references
from mcp_grok.cli.install.provider_choice import PROVIDER, Choice, choose
from mcp_grok.cli.install.secrets import hidden
from mcp_grok.cli.install.variable_places import advice
from mcp_grok.cli.startup import complain, read_settings, usage_error
from mcp_grok.concealment import concealed
from mcp_grok.errors import NotConfigured
from mcp_grok.providers import PROVIDERS, Provider, provider_of_key
from mcp_grok.settings import TOKEN_VARIABLE, Settings, variable

ASKED = [name for name, provider in PROVIDERS.items() if provider.key_variable or name == "sandbox"]
"""The providers that a user can choose when asked."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the client, and the action for its file."""
    parser.add_argument("client", nargs="?", metavar="CLIENT", help=", ".join(PRINTED))
    parser.add_argument("--uninstall", action="store_true", help="remove the server")
    parser.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    parser.add_argument("--print", action="store_true", help="print the entry, write no file; for any other client")
    parser.add_argument("--http", metavar="URL", help="the entry of a server that runs elsewhere, at this address")


def run(options: argparse.Namespace) -> int:
    """Installs, uninstalls, or shows the change; returns the exit status."""
    client = _client(options.client, is_printed=options.print)
    if options.print and (options.uninstall or options.dry_run):
        usage_error("--print writes no file, so it cannot be used with --uninstall or --dry-run")
    if options.http:
        _check_address(client, options.http)
    settings = read_settings()
    try:
        if options.print:
            sys.stdout.write(_shown(client, settings, options.http))
        else:
            _change(client, settings, options)
    except NotConfigured as error:
        complain(error.message)
        return 1
    return 0


def _client(name: str | None, *, is_printed: bool) -> McpClient:
    """The client of that name, or of a name that starts so.

    Raises:
        SystemExit: there is none, or its file is not changed.
    """
    if name is None and is_printed:
        return ANY_CLIENT
    start = (name or "").replace("-", "")
    found = [one for one in PRINTED.values() if start and one.name.replace("-", "").startswith(start)]
    if len(found) != 1:
        usage_error(f"name one of {', '.join(PRINTED)}; for any other client: mcp-grok install --print")
    if found[0].by_hand and not is_printed:
        usage_error(
            f"mcp-grok install --print {found[0].name} prints the entry of {found[0].title}; put it into "
            f"{found[0].by_hand}"
        )
    return found[0]


def _check_address(client: McpClient, address: str) -> None:
    """Ends the command if a client cannot use an address.

    Raises:
        SystemExit: it cannot.
    """
    if client.remote is None:
        usage_error(f"{client.title} does not read addresses from its file; add the server in its settings")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path in ("", "/"):
        usage_error("--http wants the whole address of a server, such as https://grok.example.com/mcp")
    if "@" in parts.netloc or concealed(address) != address:
        usage_error(f"--http must not contain a secret; set {TOKEN_VARIABLE} instead")


def _change(client: McpClient, settings: Settings, options: argparse.Namespace) -> None:
    """Adds the entry to the client's file or removes it; with `--dry-run`, only prints the difference.

    Raises:
        NotConfigured: the change failed; the file has not changed.
    """
    file = ClientFile(client)
    before = file.read()
    existing = file.entry(before)
    described, notes = _described(client, settings, options, existing)
    after = file.changed(before, described)
    if options.dry_run:
        sys.stdout.write(_difference(client, file.path, existing, described or {}))
    elif after == before:
        for path in file.protect():
            complain(f"{path} holds a secret, so now only you can read it.")
        complain(f"{file.path} is up to date." if described else f"{file.path} has no {NAME}; nothing was changed.")
    else:
        backup = file.write(after)
        done = "updated in" if described and existing else "added to" if described else "removed from"
        complain(f"{client.title}: {NAME} {done} {file.path}. {client.next_step}")
        if backup:
            complain(f"A copy of the file before this change, which may contain keys, is in {backup}")
    for note in notes:
        complain(note)


def _described(
    client: McpClient, settings: Settings, options: argparse.Namespace, existing: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[str]]:
    """The entry after the change, None without one, and what the user should know of it."""
    if options.uninstall:
        return None, []
    if options.http:
        token, is_typed = _token(options.http, ask=not options.dry_run)
        described = remote_entry(client, options.http, token, is_typed=is_typed, existing=existing)
        uses_variable = TOKEN_VARIABLE in str(described)
        notes = [advice(client, TOKEN_VARIABLE, sys.platform)] if uses_variable else []
    else:
        choice = choose(client, settings, os.environ, existing)
        _complete(client, settings, choice, ask=not options.dry_run)
        described = _local(client, choice, existing)
        notes = [*choice.notes, *_missing(client, described, existing)]
    went = [key for key in existing if key in LOCAL_KEYS | REMOTE_KEYS and key not in described]
    if went:
        notes.insert(0, f"These keys of the old entry do not go with the new one, and are gone: {', '.join(went)}.")
    return described, notes


def _local(client: McpClient, choice: Choice, existing: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    try:
        return entry(client, own_command(), choice.settings, choice.keys, existing=existing)
    except ValueError as error:
        raise NotConfigured(f"The entry of {client.title} has a wrong {variable('handoff_after')}: {error}.") from None
    except RuntimeError as error:
        raise NotConfigured(str(error)) from None


def _complete(client: McpClient, settings: Settings, choice: Choice, *, ask: bool) -> None:
    """Adds a key to a choice without one: what the user types, or a reference to the variable of the provider."""
    provider = choice.provider or settings.active_provider
    if choice.has_key or not provider.needs_key:
        return
    typed = ""
    if ask and sys.stdin.isatty():
        provider, typed = _asked(choice.provider)
    if not provider.needs_key:
        choice.settings[PROVIDER] = provider.name
        return
    own = provider.key_variable or ""
    if typed:
        choice.settings[own] = typed
        choice.notes.append(f"The entry holds the key that you typed, for {provider.title}.")
    elif client.references or client.forwards:
        choice.keys[own] = ""
    if not typed:
        choice.notes.append("no key is set: clients will list the tools, and a call will fail with the setting's name")
    if not typed and choice.provider is None:
        choice.notes.append(
            f"The entry is for {provider.title}. For another provider, set its key, or {PROVIDER}, and run this again."
        )


def _asked(provider: Provider | None) -> tuple[Provider, str]:
    """The provider that the user chooses, and the key that the user types; empty without one.

    Raises:
        NotConfigured: the answer is no provider.
    """
    with suppress(EOFError):
        if provider is None:
            first = ASKED[0]
            sys.stderr.write(f"Provider of your key ({', '.join(ASKED)}; empty: {first}): ")
            sys.stderr.flush()
            name = sys.stdin.readline().strip() or first
            if name not in ASKED:
                raise NotConfigured(f"No such provider; it must be one of {', '.join(ASKED)}.")
            provider = PROVIDERS[name]
        if not provider.needs_key:
            return provider, ""
        key = getpass.getpass(f"Key for {provider.title} (empty: none yet): ").strip()
        maker = provider_of_key(key)
        if maker is not None and maker is not provider:
            complain(f"A key that starts with {maker.key_prefix} is one of {maker.title}.")
        return maker or provider, key
    return provider or PROVIDERS[ASKED[0]], ""


def _token(address: str, *, ask: bool) -> tuple[str, bool]:
    """The token for a server elsewhere, and whether it was typed."""
    if token := os.environ.get(TOKEN_VARIABLE, ""):
        return token, False
    if ask and sys.stdin.isatty():
        with suppress(EOFError):
            token = getpass.getpass(f"Token for {address} (empty: it wants none): ").strip()
    if not token:
        complain(f"the entry has no token; if the server wants one, set {TOKEN_VARIABLE} and run this again")
    return token, True


def _missing(client: McpClient, described: Mapping[str, Any], existing: Mapping[str, Any]) -> list[str]:
    """What to do for the variables that an entry refers to: those that are not set here, and all of a new entry."""
    notes = []
    for name in dict.fromkeys(key_references(client, described)):
        is_set = bool(os.environ.get(name))
        if not is_set or described != existing:
            unset = "" if is_set else ", which is not set in this shell"
            notes.append(f"The entry refers to {name}{unset}. {advice(client, name, sys.platform)}")
    return notes


def _shown(client: McpClient, settings: Settings, address: str | None) -> str:
    """A file with only the entry, and a placeholder for each key."""
    if address:
        token = "your token" if os.environ.get(TOKEN_VARIABLE) else ""
        return _rendered(client, remote_entry(client, address, token, is_typed=False))
    choice = choose(client, settings, os.environ)
    choice.settings = {name: concealed(value) for name, value in choice.settings.items()}
    provider = choice.provider or settings.active_provider
    names = list(choice.keys) or ([provider.key_variable] if provider.needs_key and provider.key_variable else [])
    choice.keys = dict.fromkeys(names, "your key")
    return _rendered(client, _local(client, choice))


def _rendered(client: McpClient, described: Mapping[str, Any]) -> str:
    """A file of a client with only this server's entry; empty without one."""
    text: str = FORMATS[Path(client.files[0]).suffix].put("", client.table, NAME, described) if described else ""
    return text


def _difference(client: McpClient, path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The change of the entry as a unified diff without secrets. Nothing else in the file changes, or is shown."""
    if before == after:
        return f"{path} would not change.\n"
    old, new = (_rendered(client, hidden(described)).splitlines(keepends=True) for described in (before, after))
    text = "".join(difflib.unified_diff(old, new, str(path), f"{path} (new)"))
    return text or f"{path} would change only in values that are not shown.\n"
