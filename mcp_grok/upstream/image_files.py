"""Image files → data URIs. Only files in the allowed folders are opened."""

import base64
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InvalidRequest
from mcp_grok.limits import MAX_IMAGES
from mcp_grok.regular_file import check
from mcp_grok.upstream.image_check import ImageCheck
from mcp_grok.upstream.image_types import HEAD_BYTES

FILE = re.compile(r"file:|[/~\\]|[a-z]:[/\\]", re.IGNORECASE)

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def names_file(url: str) -> bool:
    """Whether an image's address is a file: a `file:` URL, an absolute path, or a path in the home folder."""
    return FILE.match(url) is not None


class ImageFiles:
    """Reads the image files of one call.

    Args:
        endpoint: The allowed folders.
        check: The accepted media types, and the limits of size.
    """

    def __init__(self, endpoint: Endpoint, check: ImageCheck) -> None:
        self._folders = endpoint.image_folders
        self._setting = endpoint.names.allowed_dirs
        self._check = check
        self._count = 0

    def data_uri(self, param: str, url: str) -> str:
        """The image as a `data:` URI.

        Args:
            param: The path of the address among the arguments, for errors.
            url: A file path or a `file:` URL.

        Raises:
            InvalidRequest: the file is outside the folders, is not an image of these types, is too large, or cannot
                be read. For a file outside, the error does not reveal whether it exists.
        """
        self._count += 1
        if self._count > MAX_IMAGES:
            raise InvalidRequest(f"{param}: a call may have at most {MAX_IMAGES} image files.", param=param)
        if not self._folders:
            raise InvalidRequest(
                f"{param} names a file, and this server may open no folder: set {self._setting} to the folders "
                "of your images, or give an https URL or a data:image/…;base64,… URI.",
                param=param,
            )
        try:
            with _opened(_file_path(url), self._folders) as file:
                return self._read(param, file)
        except _OutsideError:
            raise InvalidRequest(
                f"{param} is not inside the folders of {self._setting}, so it was not opened.", param=param
            ) from None
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else str(error)) or "the system gives no reason"
            raise InvalidRequest(f"{param} cannot be read: {reason[0].lower()}{reason[1:]}.", param=param) from None

    def _read(self, param: str, file: BinaryIO) -> str:
        size = os.fstat(file.fileno()).st_size
        self._check.count(param, size)
        found = self._check.type_of(param, file.read(HEAD_BYTES))
        file.seek(0)
        return f"data:{found};base64,{base64.b64encode(file.read(size)).decode()}"


class _OutsideError(Exception):
    """A path outside the allowed folders."""


def _file_path(url: str) -> str:
    if not url.lower().startswith("file:"):
        return os.path.expanduser(url)  # noqa: PTH111 - pathlib raises if the home folder is unknown
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise _OutsideError
    path = unquote(parts.path)
    return path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path


@contextmanager
def _opened(path: str, folders: Sequence[Path]) -> Iterator[BinaryIO]:
    """The regular file at a path; it cannot be outside the folders, even if links are changed meanwhile."""
    resolved = Path(os.path.realpath(path))
    real_folders = (Path(os.path.realpath(folder)) for folder in folders)
    folder = next((folder for folder in real_folders if resolved.is_relative_to(folder)), None)
    if folder is None:
        raise _OutsideError
    *parents, name = resolved.relative_to(folder).parts or (".",)
    with _opened_folder(folder, parents) as descriptor:
        target = resolved if descriptor is None else name
        # Opening a device may have side effects, so the type is checked first.
        check(os.stat(target, dir_fd=descriptor, follow_symlinks=False))
        with open(os.open(target, READ, dir_fd=descriptor), "rb") as file:  # noqa: PTH123 - a descriptor
            check(os.fstat(file.fileno()))
            yield file


@contextmanager
def _opened_folder(folder: Path, names: Sequence[str]) -> Iterator[int | None]:
    """A descriptor of a nested folder, opened without following links; None on systems without such descriptors."""
    if os.open not in os.supports_dir_fd:
        yield None
        return
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NO_FOLLOW
    descriptor = os.open(folder, flags)
    try:
        for name in names:
            parent, descriptor = descriptor, os.open(name, flags, dir_fd=descriptor)
            os.close(parent)
        yield descriptor
    finally:
        os.close(descriptor)
