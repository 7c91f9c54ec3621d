"""The entry that `install` writes: the command and settings of this server, or the address of one elsewhere."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_grok.cli.install.clients import McpClient
from mcp_grok.cli.install.entry_form import (
    ADDRESSES,
    KEY_VARIABLES,
    KIND_KEYS,
    LOCAL_KEYS,
    REMOTE_KEYS,
    address_of,
    listed,
    without_keys,
)
from mcp_grok.cli.install.references import reference
from mcp_grok.settings import KEY_FIELDS, TOKEN_VARIABLE, Settings, variable

START_TIMEOUT = 60
"""Seconds to wait for the server to start, which takes several without compiled bytecode."""

NOTHING: Mapping[str, Any] = {}

MARGIN = 60
"""Seconds by which a client's limit for a call exceeds the server's hand-off time."""


def own_command() -> list[str]:
    """A command with absolute paths that starts this server; it was tested on this machine.

    Raises:
        RuntimeError: no command starts it.
    """
    script = Path(sys.executable).with_name("mcp-grok.exe" if os.name == "nt" else "mcp-grok")
    for command in ([str(script)], [sys.executable, "-m", "mcp_grok"]):
        if starts(command):
            return command
    raise RuntimeError(f"neither {script} nor {sys.executable} -m mcp_grok starts this server")


def starts(command: list[str]) -> bool:
    """Whether a command, without its arguments, starts this server."""
    try:
        # A client starts it in a different folder.
        ended = subprocess.run(  # noqa: S603 - ours, or one that the user's client starts
            [*command, "--version"],
            capture_output=True,
            timeout=START_TIMEOUT,
            cwd=Path(sys.executable).parent,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0 and ended.stdout.startswith(b"mcp-grok ")


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment, without the keys."""
    names = [variable(field) for field in Settings.model_fields if field not in KEY_FIELDS]
    return {name: environment[name] for name in names if environment.get(name)}


def keys_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in an environment, by variable."""
    return {name: environment[name] for name in KEY_VARIABLES if environment.get(name)}


def entry(
    client: McpClient,
    command: list[str],
    settings: Mapping[str, str],
    keys: Mapping[str, str],
    *,
    existing: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """The entry of this server in a client's file.

    Args:
        client: The client.
        command: The command that starts the server.
        settings: Variables that are written with their values.
        keys: Variables that contain keys; their values are written only if the client cannot refer to variables.
        existing: The existing entry; what fits a local entry and is not replaced is kept.

    Raises:
        ValueError: the hand-off time of the settings is not a number.
    """
    environment = dict(settings)
    handoff = variable("handoff_after")
    if client.handoff_after is not None:
        environment.setdefault(handoff, str(client.handoff_after))
    if not client.forwards:
        environment |= {name: reference(client, name) or key for name, key in keys.items()}
    others = [name for name in listed(existing, client.forwards) if name not in KEY_VARIABLES]
    return {
        **client.local,
        **without_keys(existing, REMOTE_KEYS | KIND_KEYS),
        **(
            {client.command: command[0], client.arguments: command[1:]}
            if client.arguments
            else {client.command: list(command)}
        ),
        **({client.forwards: [*others, *keys]} if client.forwards else {}),
        **({client.call_limit: float(environment[handoff] or 0) + MARGIN} if client.call_limit else {}),
        client.environment: environment,
    }


def remote_entry(
    client: McpClient, address: str, token: str, *, is_typed: bool, existing: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """The entry of a server that runs elsewhere.

    Args:
        client: The client, which has remote entries.
        address: The address of the server.
        token: The bearer token; empty if the server wants none.
        is_typed: Whether the token is in no environment variable, so that its value is written.
        existing: The existing entry; what fits a remote entry and is not replaced is kept, and its headers if the
            address is the same.
    """
    dropped = LOCAL_KEYS | KIND_KEYS | ({*ADDRESSES} if address_of(existing) == address else REMOTE_KEYS)
    kept = without_keys(existing, dropped)
    written: dict[str, Any] = {**(client.remote or {}), **kept, client.address: address}
    if token and client.token and not is_typed:
        return {**written, client.token: TOKEN_VARIABLE}
    if token:
        value = token if is_typed else reference(client, TOKEN_VARIABLE) or token
        headers = kept.get(client.headers)
        written[client.headers] = {**(headers if isinstance(headers, dict) else {}), "Authorization": f"Bearer {value}"}
        written = without_keys(written, [client.token])
    return written
