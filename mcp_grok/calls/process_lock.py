"""A process lock: a locked file by which processes that share a folder detect whether its owner is alive."""

import secrets
import sqlite3
from pathlib import Path

SUFFIX = ".lock"

ATTEMPTS = 20
"""Maximum attempts to lock a new file, because another process may remove it meanwhile."""


class ProcessLock:
    """A file in a shared folder that stays locked while this process lives.

    SQLite locks it: that works on every platform, and the operating system releases the lock when the process dies.

    Args:
        folder: The folder of the file.

    Raises:
        sqlite3.Error: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name, self._lock = self._locked()

    def is_alive(self, name: str) -> bool:
        """Whether the process with that name still runs. The file of a dead one is removed."""
        if name == self.name:
            return True
        path = self._path(name)
        if not path.exists():
            return False
        probe = _connect(path)
        try:
            probe.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
        finally:
            probe.close()
        path.unlink(missing_ok=True)
        return False

    def remove_dead(self) -> None:
        """Removes the files of dead processes."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            self.is_alive(path.stem)

    def close(self) -> None:
        """Releases the lock and removes the file."""
        self._lock.close()
        self._path(self.name).unlink(missing_ok=True)

    def _locked(self) -> tuple[str, sqlite3.Connection]:
        """A new file and the connection that locks it."""
        for attempts_left in reversed(range(ATTEMPTS)):
            name = secrets.token_hex(8)
            lock = _connect(self._path(name))
            try:
                # A killed process would leave a journal file behind.
                lock.execute("PRAGMA journal_mode = MEMORY")
                lock.execute("BEGIN EXCLUSIVE")
                if self._path(name).exists():
                    return name, lock
            except sqlite3.OperationalError:
                if not attempts_left:
                    lock.close()
                    raise
            # Another process found the file before it was locked, and removes it as stale.
            lock.close()
        raise sqlite3.OperationalError("other processes remove each lock before it is held")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
