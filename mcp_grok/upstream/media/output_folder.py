"""The folder that pictures and videos are saved in."""

import errno
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO

import anyio
import anyio.to_thread

from mcp_grok.upstream.media.download_failed import DownloadFailed

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What systems say where a file cannot have a second name (https://man7.org/linux/man-pages/man2/link.2.html)."""

MAX_SAME_NAME = 99
"""Files of one name, told apart by a number."""


class OutputFolder:
    """A folder of the user that runs the server. Nothing in it is overwritten.

    Args:
        folder: Its path; it is made when the first file is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def new_file(self) -> AsyncIterator["NewFile"]:
        """A file that has no name yet; it is gone at the end, unless it was kept."""
        file = NewFile(self._folder)
        try:
            yield file
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(file.discard)

    def check(self) -> None:
        """Saves an empty file and removes it, with the folders that were made for it. This blocks.

        Raises:
            DownloadFailed: nothing can be saved.
        """
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        try:
            NewFile(self._folder).try_out()
        finally:
            for made in missing:
                with suppress(OSError):
                    made.rmdir()


class NewFile:
    """A file under a temporary name, for its owner only.

    Its methods block, so they run in threads. One that was begun goes on when its call is cancelled, so `discard` waits
    for it.

    Args:
        folder: The folder of the file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._file: IO[bytes] | None = None
        self._is_discarded = False

    async def write(self, content: bytes) -> None:
        """Adds some content.

        Raises:
            DownloadFailed: it cannot be written.
        """
        await anyio.to_thread.run_sync(self._write, content)

    async def keep(self, name: str, extension: str) -> Path:
        """Gives the file its name, or the name with a number where the name is in use; returns the whole path.

        Raises:
            DownloadFailed: it cannot be written.
        """
        if NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name for a file")
        return await anyio.to_thread.run_sync(self._keep, name, extension)

    def try_out(self) -> None:
        """Keeps the empty file under a name, and removes it.

        Raises:
            DownloadFailed: it cannot be written.
        """
        try:
            path = self._keep("mcp-grok-check", "tmp")
            with _explained():
                path.unlink()
        finally:
            self.discard()

    def discard(self) -> None:
        """Removes what was written under the temporary name."""
        with self._lock, suppress(OSError):
            self._is_discarded = True
            if self._file is not None:
                try:
                    self._file.close()
                finally:
                    Path(self._file.name).unlink()

    def _write(self, content: bytes) -> None:
        with self._lock, _explained():
            self._opened().write(content)

    def _keep(self, name: str, extension: str) -> Path:
        with self._lock, _explained():
            file = self._opened()
            file.flush()
            os.fsync(file.fileno())
            file.close()
            temporary = Path(file.name)
            for number in range(1, MAX_SAME_NAME + 1):
                path = temporary.with_name(f"{name}{f'-{number}' if number > 1 else ''}.{extension}")
                with suppress(FileExistsError):
                    _rename(temporary, path)
                    return path
            raise OSError(errno.EEXIST, f"it has {MAX_SAME_NAME} files of this name")

    def _opened(self) -> IO[bytes]:
        if self._is_discarded:
            raise OSError(errno.ECANCELED, "the call was cancelled")
        if self._file is None:
            # A new file for its owner only, which `discard` closes; no link is followed.
            self._file = tempfile.NamedTemporaryFile(dir=_prepared(self._folder), prefix=".mcp-grok.", delete=False)  # noqa: SIM115
        return self._file


def _prepared(folder: Path) -> Path:
    """The folder without links, made if it is missing."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    if not folder.is_dir():
        raise OSError(errno.ENOTDIR, "it is not a folder")
    if os.name == "posix" and folder.stat().st_uid != os.geteuid():
        raise OSError(errno.EACCES, "it belongs to another user")
    return folder.resolve()


def _rename(temporary: Path, path: Path) -> None:
    """Gives a file its name in one step, and replaces nothing.

    Raises:
        FileExistsError: something has the name, be it a link that leads nowhere.
    """
    if os.name == "nt":
        temporary.rename(path)  # replaces nothing on Windows
        return
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno in NO_LINKS:
            raise OSError(error.errno, "its file system has no hard links") from None
        raise


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "the system gives no reason"
        raise DownloadFailed(f"the output folder cannot be used ({reason[0].lower()}{reason[1:]})") from None
