"""Bearer tokens that this server makes, and the file of their holders' names and hashes.

A line of the file is `NAME SHA256-HEX`; empty lines and lines that begin with # are ignored.
"""

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_grok.errors import NotConfigured
from mcp_grok.regular_file import opened

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

logger = logging.getLogger(__name__)

PREFIX = "mcpgrok_"
"""The beginning of every token, by which secret scanners recognise a leaked one."""

_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


class TokenFile:
    """A `TokenVerifier` of the MCP SDK that accepts the tokens of a file.

    The file is read again when it changes, so a token is accepted or refused from the next request on. While the file
    cannot be used, every token is refused; the log says so once.

    Args:
        path: The file. Only its owner may have access to it.

    Raises:
        NotConfigured: the file is missing, cannot be read, is accessible to others, or has a wrong line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Before the content: if the file changes in between, it is read again.
        self._version = _version(path)
        self._names = _parse(_read(path), path)

    async def verify_token(self, token: str) -> "AccessToken | None":
        """The access of a token, with the name in the file as the client; None if the token is refused."""
        # A person may have written the hash of a guessable token into the file.
        if not _TOKEN.fullmatch(token):
            return None
        name = self._current_names().get(_hash(token))
        if name is None:
            return None
        # `mcp-grok token` needs nothing of the SDK, which takes a second to import.
        from mcp.server.auth.provider import AccessToken

        return AccessToken(token=token, client_id=name, scopes=[])

    def _current_names(self) -> dict[str, str]:
        version = _version(self._path)
        if version == self._version:
            return self._names
        try:
            self._names, self._version = _parse(_read(self._path), self._path), version
        except NotConfigured as error:
            if self._version is not None:
                logger.error("every token is refused: %s", error.message)
            self._names, self._version = {}, None
        return self._names


def new_token(path: Path, name: str) -> str:
    """Makes a token and adds its hash to the file, which is created if it is missing.

    Args:
        path: The file; its other lines stay as they are.
        name: The holder of the token: 1 to 64 of A-Z, a-z, 0-9 and `._@-`.

    Returns:
        The token. It is stored nowhere.

    Raises:
        ValueError: the name is not allowed or has a token, or the file is being changed.
        NotConfigured: the file cannot be used; see `TokenFile`.
        OSError: the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a token's name: it takes 1 to 64 of A-Z, a-z, 0-9, '.', '_', '@', '-'.")
    token = PREFIX + secrets.token_urlsafe(32)

    def with_token(content: bytes) -> bytes:
        if name in _parse(content, path).values():
            raise ValueError(f"{path} has a token for {name} already: revoke it first.")
        gap = b"" if not content or content.endswith((b"\n", b"\r")) else b"\n"
        return content + gap + f"{name} {_hash(token)}\n".encode()

    _rewrite(path, with_token)
    return token


def revoke(path: Path, name: str) -> None:
    """Removes the token of a name from the file; its other lines stay as they are.

    Raises:
        ValueError: the name has no token, or the file is being changed.
        NotConfigured: the file cannot be used; see `TokenFile`.
        OSError: the file cannot be written.
    """

    def without_token(content: bytes) -> bytes:
        if name not in _parse(content, path).values():
            raise ValueError(f"{path} has no token for {name}.")
        return b"".join(line for line in content.splitlines(keepends=True) if line.split()[:1] != [name.encode()])

    _rewrite(path, without_token)


def names(path: Path) -> list[str]:
    """The names that have a token, in the order of the file.

    Raises:
        NotConfigured: the file cannot be used; see `TokenFile`.
    """
    return list(_parse(_read(path), path).values())


def _hash(token: str) -> str:
    # A slow hash is for passwords; 32 random bytes cannot be guessed. How long the look-up of a hash takes reveals
    # nothing of the token.
    return hashlib.sha256(token.encode()).hexdigest()


def _parse(content: bytes, path: Path) -> dict[str, str]:
    """The name of each hash."""
    found: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        words = line.decode("ascii", "replace").split()
        if not words or words[0].startswith("#"):
            continue
        name, stored = words[0], words[-1].lower()
        if len(words) != 2 or not _NAME.fullmatch(name) or not _HASH.fullmatch(stored):
            raise NotConfigured(f"Line {number} of {path} is not a name and a SHA-256 in hex: remove it.")
        if stored in found or name in found.values():
            raise NotConfigured(f"Line {number} of {path} repeats a name or a hash: remove one of the two lines.")
        found[stored] = name
    return found


def _read(path: Path) -> bytes:
    try:
        with opened(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except FileNotFoundError:
        raise NotConfigured(
            f"There is no token file {path}: create it with `mcp-grok token new NAME --file {path}`."
        ) from None
    except OSError as error:
        raise NotConfigured(f"The token file {path} cannot be read: {error.strerror}.") from None
    if os.name == "posix" and mode & 0o077:
        raise NotConfigured(f"Other users have access to the token file {path}: run `chmod 600 {path}`.")
    return content


def _version(path: Path) -> tuple[int, ...] | None:
    """Changes with the content, mode or owner of the file; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Replaces the file in one step. The new one is beside it meanwhile, and locks out other writers."""
    path = path.resolve()  # a link stays a link
    new = path.with_name(f"{path.name}.new")
    try:
        new.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise ValueError(f"{path} is being changed. If that is not so, remove {new}.") from None
    try:
        with new.open("wb") as file:
            file.write(change(_read(path) if path.exists() else b""))
            file.flush()
            os.fsync(file.fileno())
        _copy_owner(path, new)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _copy_owner(path: Path, new: Path) -> None:
    """Lets the server that owns the file read it after root has changed it."""
    if path.exists() and (owner := path.stat()).st_uid != new.stat().st_uid:
        os.chown(new, owner.st_uid, owner.st_gid)
