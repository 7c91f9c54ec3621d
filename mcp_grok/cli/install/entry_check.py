"""The check of an entry, read as its client reads it."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mcp_grok.cli.install.client_file import NAME
from mcp_grok.cli.install.clients import McpClient
from mcp_grok.cli.install.entry import starts
from mcp_grok.cli.install.entry_form import (
    KIND_KEYS,
    LOCAL_KEYS,
    REMOTE_KEYS,
    address_of,
    command_of,
    environment_of,
    key_references,
)
from mcp_grok.cli.install.provider_choice import API_KEY, PROVIDER, held_in, is_ambiguous
from mcp_grok.cli.install.references import is_foreign
from mcp_grok.cli.install.secrets import hidden
from mcp_grok.cli.install.variable_places import advice
from mcp_grok.providers import PROVIDERS

TYPES = {
    "local": {"stdio", "local"},
    "remote": {"http", "sse", "remote", "streamableHttp", "streamable-http", "streamable_http"},
}
"""The values of `type` by the kind of entry, in any client."""


class Finding(NamedTuple):
    """The state of an entry, with advice if there is a problem."""

    state: Literal["ok", "warning", "failed", "skipped"]
    found: str
    advice: str = ""


def check(client: McpClient, entry: Any, environment: Mapping[str, str]) -> Finding:
    """The first problem of an entry, or what it starts and for which provider.

    Args:
        client: The client.
        entry: What the file has in the place of the entry; None if there is nothing.
        environment: The environment variables of this shell.
    """
    again = f"mcp-grok install {client.name} writes it again."
    if entry is None:
        return Finding("skipped", f"has no {NAME}", f"mcp-grok install {client.name} adds it.")
    if not isinstance(entry, dict):
        return Finding("failed", f"has a {NAME} that is not an object", again)
    problem = next(_problems_of_kind(client, entry), "")
    if problem:
        return Finding("failed", problem, again)
    if entry.get("disabled") is True or entry.get("enabled") is False:
        return Finding("warning", f"has {NAME} switched off", f"Switch it on in {client.title}.")
    if address_of(entry):
        return Finding("ok", f"uses the server at {hidden(address_of(entry))}")
    return _check_command(client, entry) or _check_variables(client, entry, environment)


def _problems_of_kind(client: McpClient, entry: Mapping[str, Any]) -> Iterator[str]:
    """The reasons for which the client does not know how to reach the server."""
    kinds = {"local": client.command in entry, "remote": bool(address_of(entry))}
    address = next((key for key in entry if key in REMOTE_KEYS), "")
    if all(kinds.values()):
        yield f"has both {client.command} and {address}"
    if not any(kinds.values()):
        yield f"has neither {client.command} nor {client.address}"
    kind = "local" if kinds["local"] else "remote"
    if kind == "remote" and client.remote is None:
        yield f"has the address of a server, but {client.title} only starts servers from this file"
    if client.strict and (strange := [key for key in entry if key in (REMOTE_KEYS, LOCAL_KEYS)[kind == "remote"]]):
        yield f"has {', '.join(strange)}, which do not go with {client.command if kind == 'local' else client.address}"
    yield from _problems_of_type(client, entry, kind)
    if kind == "local":
        yield from _problems_of_values(client, entry)


def _problems_of_type(client: McpClient, entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    types = [entry[key] for key in KIND_KEYS if key in entry]
    if not all(isinstance(one, str) and one in TYPES[kind] for one in types):
        yield f"has the type {', '.join(map(str, types))}, which does not go with the rest of the entry"
    if not types and client.needs_type not in ("", kind):
        yield "has no type, which this client needs"


def _problems_of_values(client: McpClient, entry: Mapping[str, Any]) -> Iterator[str]:
    if not command_of(client, entry):
        yield f"has a {client.command} of the wrong form"
    arguments = entry.get(client.arguments or client.command, [])
    if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
        yield f"has {client.arguments or client.command} that are not a list of texts"
    variables = entry.get(client.environment, {})
    if not isinstance(variables, dict) or not all(isinstance(one, str) for one in variables.values()):
        yield f"has {client.environment} with something else than texts"


def _check_command(client: McpClient, entry: Mapping[str, Any]) -> Finding | None:
    words = command_of(client, entry)
    path, again = Path(words[0]), f"mcp-grok install {client.name}"
    if shutil.which(words[0]) is None:
        why = "which is not a program that can run" if path.exists() else "which does not exist"
        return Finding("failed", f"starts {hidden(words[0])}, {why}", f"{again} corrects it.")
    own = words[:3] if words[1:3] == ["-m", "mcp_grok"] else words[:1] if path.stem.startswith("mcp-grok") else []
    if own and not starts(own):
        return Finding("failed", f"starts {hidden(words[0])}, which does not run", f"{again} corrects it.")
    if not path.is_absolute():
        return Finding("warning", f"starts {hidden(words[0])!r}", f"{again} writes the whole path.")
    return None


def _check_variables(client: McpClient, entry: Mapping[str, Any], environment: Mapping[str, str]) -> Finding:
    again, held = f"mcp-grok install {client.name}", held_in(client, entry)
    provider = held.provider(client, environment)
    name = held.settings.get(PROVIDER)
    if name is not None and name not in PROVIDERS:
        return Finding("failed", f"has {PROVIDER}={hidden(name)}, which is none of {', '.join(PROVIDERS)}", again)
    foreign = [key for key, value in environment_of(client, entry).items() if is_foreign(client, value)]
    if foreign:
        found = f"has a reference in {', '.join(foreign)} that {client.title} does not replace"
        return Finding("failed", found, f"{again} with the key set corrects it.")
    if provider is None and is_ambiguous(held):
        found = f"has {API_KEY}, but not the provider that it is for, so that each call is refused"
        return Finding("failed", found, f"{again} takes it for AceData's; or set {PROVIDER} first.")
    if provider is not None and not provider.needs_key:
        return _started(client, entry, provider.title)
    if provider is None or not held.keys:
        return Finding("warning", "has no key that this shell can find", f"{again} with the key set adds it.")
    if not any(held.key(client, key, environment) for key in held.keys):
        missing = key_references(client, entry)[0]
        found = f"is for {provider.title}, and refers to {missing}, which is not set in this shell"
        return Finding("warning", found, advice(client, missing, sys.platform))
    return _started(client, entry, provider.title)


def _started(client: McpClient, entry: Mapping[str, Any], provider: str) -> Finding:
    words = " ".join(map(str, hidden(command_of(client, entry))))
    return Finding("ok", f"starts {words}, for {provider}")
