"""The configuration file of a client on this machine: one entry is changed, and the file is replaced atomically."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mcp_grok.cli.install import jsonc, toml
from mcp_grok.cli.install.clients import McpClient, config_path
from mcp_grok.errors import NotConfigured

NAME = "grok"
"""The name of the server in a client's configuration."""

FORMATS: dict[str, ModuleType] = {".json": jsonc, ".toml": toml}
"""The module that reads and changes a file, by the file's suffix."""


class ClientFile:
    """A client's configuration file, which need not exist.

    Args:
        client: The client.

    Attributes:
        path: The file.
    """

    def __init__(self, client: McpClient) -> None:
        self.path = Path(config_path(client, sys.platform, Path.home(), os.environ))
        self._table = client.table
        self._format = FORMATS[self.path.suffix]

    def read(self) -> str:
        """The text of the file; empty if there is none.

        Raises:
            NotConfigured: the file cannot be read.
        """
        try:
            return self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise NotConfigured(f"{self.path} cannot be read: {error}") from None

    def entry(self, text: str) -> dict[str, Any]:
        """This server's entry in the text of the file; empty if there is none.

        Raises:
            NotConfigured: the text is not in the format of the file.
        """
        try:
            servers = self._format.read(text).get(self._table)
        except (ValueError, RecursionError) as error:
            raise NotConfigured(
                f"{self.path} was left as it is, since it cannot be read: {error}. Correct it by hand, then try again."
            ) from None
        found = servers.get(NAME) if isinstance(servers, dict) else None
        return found if isinstance(found, dict) else {}

    def changed(self, text: str, entry: Mapping[str, Any] | None) -> str:
        """The text of the file with this server's entry; without the entry for None.

        Raises:
            NotConfigured: the entry cannot be changed without changing something else.
        """
        try:
            if entry is None:
                after: str = self._format.remove(text, self._table, NAME)
            else:
                after = self._format.put(text, self._table, NAME, entry)
            if self._others(text) != self._others(after) or self.entry(after) != (entry or {}):
                raise ValueError("the change would affect other entries")
        except (ValueError, RecursionError) as error:
            raise NotConfigured(f"{self.path} was left as it is, since it cannot be changed safely: {error}") from None
        return after

    def write(self, text: str) -> Path | None:
        """Replaces the file atomically; returns the path of the backup copy, if there was a file before.

        Raises:
            NotConfigured: the file cannot be written.
        """
        target = self.path.resolve()
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
            raise NotConfigured(f"{self.path} cannot be written: {error}") from None
        return backup

    def _others(self, text: str) -> dict[str, Any]:
        """The content of a text without this server's entry. An empty table of servers counts as none."""
        parsed: dict[str, Any] = self._format.read(text)
        servers = parsed.get(self._table, {})
        if not isinstance(servers, dict):
            return parsed
        others = {key: value for key, value in parsed.items() if key != self._table}
        rest = {name: server for name, server in servers.items() if name != NAME}
        return {**others, self._table: rest} if rest else others
