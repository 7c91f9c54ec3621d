"""The entry of this server in a client's configuration: its command and its settings."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mcp_grok.cli.install.clients import McpClient
from mcp_grok.settings import KEY_FIELDS, Settings, variable

START_TIMEOUT = 60
"""Seconds to wait for the server to start, which takes several without compiled bytecode."""

KEY_VARIABLES = [variable(field) for field in KEY_FIELDS]

REFERENCE = re.compile(r"\$\{(?:env:)?(\w+)\}")
"""A value that refers to an environment variable, in any client's form."""

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
        try:
            # A client starts it in a different folder.
            ended = subprocess.run(  # noqa: S603 - our own interpreter
                [*command, "--version"], capture_output=True, timeout=START_TIMEOUT, cwd=script.parent, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0 and ended.stdout.startswith(b"mcp-grok "):
            return command
    raise RuntimeError(f"neither {script} nor {sys.executable} -m mcp_grok starts this server")


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment, without the keys."""
    names = [variable(field) for field in Settings.model_fields if field not in KEY_FIELDS]
    return {name: environment[name] for name in names if environment.get(name)}


def keys_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in an environment, by variable."""
    return {name: environment[name] for name in KEY_VARIABLES if environment.get(name)}


def has_key(client: McpClient, existing: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether an entry contains a key, or refers to an environment variable that is set."""
    if any(name in environment for name in listed(existing, client.forwards) if name in KEY_VARIABLES):
        return True
    values = [value for name, value in environment_of(existing).items() if name in KEY_VARIABLES and value]
    references = [REFERENCE.fullmatch(value) for value in values]
    return any(reference is None or environment.get(reference[1]) for reference in references)


def environment_of(existing: Mapping[str, Any]) -> dict[str, str]:
    """The variables that an entry sets."""
    environment = existing.get("env")
    return {name: str(value) for name, value in environment.items()} if isinstance(environment, dict) else {}


def listed(existing: Mapping[str, Any], key: str) -> list[Any]:
    """A list in an entry; empty if there is none."""
    value = existing.get(key)
    return value if isinstance(value, list) else []


def entry(
    client: McpClient,
    command: list[str],
    settings: Mapping[str, str],
    keys: Mapping[str, str],
    *,
    typed_key: str = "",
    existing: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """The entry of this server in a client's file.

    Args:
        client: The client.
        command: The command that starts the server.
        settings: Variables that are written with their values.
        keys: Variables that contain keys; their values are written only if the client cannot refer to variables.
        typed_key: A key that the user typed; it is written.
        existing: The existing entry; fields that are not replaced are kept.

    Raises:
        ValueError: the hand-off time of the existing entry is not a number.
    """
    environment = {**environment_of(existing), **settings}
    handoff = variable("handoff_after")
    if client.handoff_after is not None:
        environment.setdefault(handoff, str(client.handoff_after))
    if typed_key:
        environment[variable("api_key")] = typed_key
    if not client.forwards:
        environment |= {name: client.reference % name if client.reference else key for name, key in keys.items()}
    return {
        **existing,
        **({"type": "stdio"} if client.typed else {}),
        "command": command[0],
        "args": command[1:],
        **({client.forwards: _joined(listed(existing, client.forwards), keys)} if client.forwards else {}),
        **({client.call_limit: float(environment[handoff] or 0) + MARGIN} if client.call_limit else {}),
        "env": environment,
    }


def _joined(first: list[Any], second: Iterable[str]) -> list[Any]:
    return [*first, *(name for name in second if name not in first)]
