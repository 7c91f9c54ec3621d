"""What is written into a client's configuration: how to start this server there, and with which settings."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_grok.cli.install.clients import McpClient
from mcp_grok.settings import KEY_FIELDS, Settings, variable

START_TIMEOUT = 60
"""Seconds that starting may take; without compiled bytecode it takes several."""

KEY_VARIABLES = [variable(field) for field in KEY_FIELDS]

NOTHING: Mapping[str, Any] = {}

CODEX_MARGIN = 60
"""Seconds that Codex waits longer than this server, so that it is this server that ends the wait."""


def own_command() -> list[str]:
    """A command with absolute paths that starts this server on this machine; it was tried.

    Raises:
        RuntimeError: none does.
    """
    script = Path(sys.executable).with_name("mcp-grok.exe" if os.name == "nt" else "mcp-grok")
    for command in ([str(script)], [sys.executable, "-m", "mcp_grok"]):
        try:
            # From a folder of its own, since a client's is not this one.
            ended = subprocess.run(  # noqa: S603 - our own interpreter
                [*command, "--version"], capture_output=True, timeout=START_TIMEOUT, cwd=script.parent, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if ended.returncode == 0 and ended.stdout.startswith(b"mcp-grok "):
            return command
    raise RuntimeError(f"neither {script} nor {sys.executable} -m mcp_grok starts this server")


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of this server that are set, keys excepted."""
    names = [variable(field) for field in Settings.model_fields if field not in KEY_FIELDS]
    return {name: environment[name] for name in names if environment.get(name)}


def keys_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys that are set."""
    return {name: environment[name] for name in KEY_VARIABLES if environment.get(name)}


def has_key(existing: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether an entry comes with a key: its own, or one of the environment that it refers to."""
    if any(name in environment for name in listed(existing, "env_vars") if name in KEY_VARIABLES):
        return True
    for name, value in environment_of(existing).items():
        if name in KEY_VARIABLES and value:
            referred = re.fullmatch(r"\$\{(?:env:)?(\w+)\}", value)
            if referred is None or environment.get(referred[1]):
                return True
    return False


def environment_of(existing: Mapping[str, Any]) -> dict[str, str]:
    """The variables that an entry sets."""
    environment = existing.get("env")
    return {name: str(value) for name, value in environment.items()} if isinstance(environment, dict) else {}


def listed(existing: Mapping[str, Any], key: str) -> list[Any]:
    """A list in an entry; an empty one where none stands there."""
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
    """The server as a client's file describes it.

    Args:
        client: Whose file.
        command: Starts the server.
        settings: Variables whose values are written down.
        keys: Keys of the environment, by variable; referred to where the client can, else written down.
        typed_key: A key that stands in no variable; written down.
        existing: The entry that is there; what is not said anew, it keeps.

    Raises:
        ValueError: the hand-off time that it keeps is no number.
    """
    environment = {**environment_of(existing), **settings}
    handoff = variable("handoff_after")
    if client.handoff_after is not None:
        environment.setdefault(handoff, str(client.handoff_after))
    if typed_key:
        environment[variable("api_key")] = typed_key
    described: dict[str, Any] = {**existing, **({"type": "stdio"} if client.typed else {})}
    described |= {"command": command[0], "args": command[1:]}
    if client.name == "codex":
        # It forwards a variable by its name, and has a limit of its own for calls.
        patience = float(environment[handoff] or 0) + CODEX_MARGIN
        forwarded = listed(existing, "env_vars")
        forwarded = [*forwarded, *(name for name in keys if name not in forwarded)]
        described |= {"env_vars": forwarded, "tool_timeout_sec": patience, "env": environment}
        return described
    for name, key in keys.items():
        environment[name] = client.reference % name if client.reference else key
    return {**described, "env": environment}
