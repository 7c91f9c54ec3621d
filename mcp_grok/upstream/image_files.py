"""Images in files → data URIs. Only what lies in the folders that the settings allow is ever opened."""

import base64
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from mcp_grok.errors import InvalidRequest

MAX_BYTES = 20 * 1024 * 1024
"""Of one image; xAI takes no larger one (https://docs.x.ai/docs/guides/image-understanding)."""

MAX_IMAGES = 20
MAX_TOTAL_BYTES = 50 * 1024 * 1024
"""Of all the files of one call: a third more is sent, since they go as base64."""

FILE = re.compile(r"file:|[/~\\]|[a-z]:[/\\]", re.IGNORECASE)

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
HEAD = 12
"""Bytes that tell what an image is."""

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
READ = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def names_file(url: str) -> bool:
    """Whether an image's address is that of a file: a `file:` URL, or a path from the root or the home folder on."""
    return FILE.match(url) is not None


class ImageFiles:
    """Reads the image files of one call.

    Args:
        folders: Where they may lie.
        types: The kinds that may be sent, like `image/png`.
    """

    def __init__(self, folders: Sequence[Path], types: Sequence[str]) -> None:
        self._folders = folders
        self._types = types
        self._count = 0
        self._bytes = 0

    def data_uri(self, name: str, url: str) -> str:
        """The image as a `data:` URI.

        Args:
            name: The parameter, for errors.
            url: A path or a `file:` URL.

        Raises:
            InvalidRequest: it lies outside of the folders, is none of the kinds, is too large, or cannot be read.
                Of what lies outside, the error does not say whether it is there.
        """
        self._count += 1
        if self._count > MAX_IMAGES:
            raise InvalidRequest(f"{name}: at most {MAX_IMAGES} image files go into one call.", param=name)
        if not self._folders:
            raise InvalidRequest(
                f"{name} names a file, and no folder is open to this server: set MCP_GROK_ALLOWED_DIRS to those whose "
                "images it may send, or give an https URL or a data:image/…;base64,… URI.",
                param=name,
            )
        try:
            with _opened(_path(url), self._folders) as file:
                return self._read(name, file)
        except _OutsideError:
            raise InvalidRequest(
                f"{name} is not inside the folders of MCP_GROK_ALLOWED_DIRS, so it is not looked at.", param=name
            ) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidRequest(f"{name} cannot be read: {reason or 'the system says no more'}.", param=name) from None

    def _read(self, name: str, file: BinaryIO) -> str:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_BYTES:
            raise InvalidRequest(
                f"{name} has {size} bytes, and an image may have {MAX_BYTES}; shrink it first.", param=name
            )
        kind = _kind(file.read(HEAD))
        if kind not in self._types:
            wanted = ", ".join(self._types)
            found = f"is {kind}, which is not taken here" if kind else "holds no image, whatever its name says"
            raise InvalidRequest(f"{name} {found}; send one of {wanted}.", param=name)
        file.seek(0)
        content = file.read(MAX_BYTES)
        self._bytes += len(content)
        if self._bytes > MAX_TOTAL_BYTES:
            raise InvalidRequest(
                f"{name}: the image files of one call may have {MAX_TOTAL_BYTES} bytes together.", param=name
            )
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def with_image_files(messages: list[dict[str, Any]], files: ImageFiles) -> list[dict[str, Any]]:
    """The messages with each image that names a file as a data URI; the list itself where there is none.

    Raises:
        InvalidRequest: one cannot be sent; `param` names its place.
    """
    if not any(names_file(part["image_url"]["url"]) for message in messages for part in _images(message)):
        return messages
    return [_with_image_files(f"messages[{place}]", message, files) for place, message in enumerate(messages)]


def _with_image_files(name: str, message: dict[str, Any], files: ImageFiles) -> dict[str, Any]:
    if not any(_images(message)):
        return message
    parts = []
    for place, part in enumerate(message["content"]):
        image = part.get("image_url") if part["type"] == "image_url" else None
        if image and names_file(image["url"]):
            url = files.data_uri(f"{name}.content[{place}].image_url.url", image["url"])
            parts.append({**part, "image_url": {**image, "url": url}})
        else:
            parts.append(part)
    return {**message, "content": parts}


def _images(message: dict[str, Any]) -> Iterable[dict[str, Any]]:
    content = message.get("content")
    return (part for part in content if part["type"] == "image_url") if isinstance(content, list) else ()


class _OutsideError(Exception):
    """A path that leads out of the allowed folders."""


def _path(url: str) -> str:
    if not url.lower().startswith("file:"):
        return os.path.expanduser(url)  # noqa: PTH111 - pathlib raises where nobody knows the home folder
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise _OutsideError
    path = unquote(parts.path)
    return path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path


@contextmanager
def _opened(path: str, folders: Sequence[Path]) -> Iterator[BinaryIO]:
    """The regular file at a path, opened without ever leaving the folders, whatever links are swapped meanwhile."""
    resolved = Path(os.path.realpath(path))
    folder = next((real for real in map(_real, folders) if resolved.is_relative_to(real)), None)
    if folder is None:
        raise _OutsideError
    *above, name = resolved.relative_to(folder).parts or (".",)
    with _descending(folder, above) as place:
        target = resolved if place is None else name
        # A device is looked at first, since opening one may do something.
        _check_regular(os.stat(target, dir_fd=place, follow_symlinks=False))
        with open(os.open(target, READ, dir_fd=place), "rb") as file:  # noqa: PTH123 - a descriptor
            _check_regular(os.fstat(file.fileno()))
            yield file


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


@contextmanager
def _descending(folder: Path, names: Sequence[str]) -> Iterator[int | None]:
    """A descriptor of the folder that so many steps lead to, none of them a link; None where the system has none."""
    if os.open not in os.supports_dir_fd:
        yield None
        return
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | NO_FOLLOW
    place = os.open(folder, flags)
    try:
        for name in names:
            above, place = place, os.open(name, flags, dir_fd=place)
            os.close(above)
        yield place
    finally:
        os.close(place)


def _kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in SIGNATURES.items() if head.startswith(signature)), None)
