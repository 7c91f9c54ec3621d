"""The configuration file of a client on this machine: one entry is changed, and the file is replaced atomically."""

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mcp_grok.cli.install import jsonc, toml, yaml
from mcp_grok.cli.install.clients import McpClient, config_paths
from mcp_grok.cli.install.secrets import holds_secret
from mcp_grok.errors import NotConfigured
from mcp_grok.regular_file import opened

NAME = "grok"
"""The name of the server in a client's configuration."""

BACKUP = ".mcp-grok.bak"
"""The end of the name of the only copy of a file, which each change replaces."""

FORMATS: dict[str, ModuleType] = {".json": jsonc, ".jsonc": jsonc, ".toml": toml, ".yaml": yaml}
"""The module that writes an entry in the format of a file, by the file's suffix."""


class ClientFile:
    """A client's configuration file, which need not exist.

    Args:
        client: The client.

    Attributes:
        path: The file.
    """

    def __init__(self, client: McpClient) -> None:
        paths = [Path(path) for path in config_paths(client, sys.platform, Path.home(), os.environ)]
        existing = [path for path in paths if path.exists()]
        # A client that reads several merges them, so there must be one entry.
        holding = [path for path in existing[1:] if path.is_file() and f'"{NAME}"'.encode() in path.read_bytes()]
        self.path = [*holding, *existing, *paths][0]
        self._table = client.table
        self._format = FORMATS[self.path.suffix]

    def read(self) -> str:
        """The text of the file; empty if there is none.

        Raises:
            NotConfigured: the file cannot be read.
        """
        try:
            with opened(self.path) as file:
                return file.read().decode("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise NotConfigured(f"{self.path} cannot be read: {error}") from None

    def entry(self, text: str) -> dict[str, Any]:
        """This server's entry in the text of the file; empty if there is none, or it is no object.

        Raises:
            NotConfigured: the text is not in the format of the file.
        """
        found = self.found(text)
        return found if isinstance(found, dict) else {}

    def found(self, text: str) -> Any:
        """What the text of the file has in the place of this server's entry; None if there is nothing.

        Raises:
            NotConfigured: the text is not in the format of the file.
        """
        try:
            servers = self._format.read(text).get(self._table)
        except (ValueError, RecursionError) as error:
            raise NotConfigured(
                f"{self.path} was left as it is, since it cannot be read: {error}. Correct it by hand, then try again."
            ) from None
        return servers.get(NAME) if isinstance(servers, dict) else None

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

        Only its owner may read the copy, and a file that holds a secret; any other file keeps its mode.

        Raises:
            NotConfigured: the file cannot be written.
        """
        target = self.path.resolve()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            backup = None
            if target.exists():
                backup = target.with_name(target.name + BACKUP)
                self._written(target.read_bytes(), target.parent).replace(backup)
            written = self._written(text.encode(), target.parent)
            if target.exists() and not self._holds_secret(written):
                shutil.copymode(target, written)
            written.replace(target)
            self.protect()
        except OSError as error:
            raise NotConfigured(f"{self.path} cannot be written: {error}") from None
        return backup

    def protect(self) -> list[Path]:
        """Lets only the owner read the file and its backups, where they hold a secret; returns those that changed.

        Raises:
            OSError: a mode cannot be changed.
        """
        target = self.path.resolve()
        open_to_others = [
            path
            # Earlier versions left copies with a time in their names.
            for path in (target, *target.parent.glob(f"{glob.escape(target.name)}.*.bak"))
            if os.name == "posix" and path.is_file() and path.stat().st_mode & 0o077 and self._holds_secret(path)
        ]
        for path in open_to_others:
            path.chmod(0o600)
        return open_to_others

    @staticmethod
    def _written(content: bytes, folder: Path) -> Path:
        """A new file in a folder, for its owner only."""
        handle, name = tempfile.mkstemp(dir=folder, prefix=".mcp-grok.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return Path(name)

    def _holds_secret(self, path: Path) -> bool:
        """Whether a file holds a secret; one that cannot be read may."""
        try:
            return holds_secret(self._format.read(path.read_bytes().decode("utf-8")))
        except (ValueError, RecursionError):
            return True

    def _others(self, text: str) -> dict[str, Any]:
        """The content of a text without this server's entry. An empty table of servers counts as none."""
        parsed: dict[str, Any] = self._format.read(text)
        servers = parsed.get(self._table, {})
        if not isinstance(servers, dict):
            return parsed
        others = {key: value for key, value in parsed.items() if key != self._table}
        rest = {name: server for name, server in servers.items() if name != NAME}
        return {**others, self._table: rest} if rest else others
