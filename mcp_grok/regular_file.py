"""Reading a file that a setting or an option names, which may be something else than a file."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The regular file at a path, open for reading.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device or a folder; opening a pipe would wait for its writer.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        check(os.fstat(file.fileno()))
        yield file


def check(status: os.stat_result) -> None:
    """Checks that something is a regular file.

    Raises:
        OSError: it is not.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
