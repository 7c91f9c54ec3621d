"""Bearer tokens that this server makes itself, kept as a file of names and hashes."""

import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_grok.errors import NotConfigured

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

logger = logging.getLogger(__name__)

PREFIX = "mcpgrok_"
"""What every token begins with, so that one that has leaked is known for what it is."""

RANDOM_BYTES = 32

_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")

_State = tuple[int, ...]


class TokenFile:
    """Lets in whoever has a token of the file; a `TokenVerifier` of the MCP SDK.

    A line is `NAME SHA256-HEX`; empty lines and those that begin with # say nothing. The file is read again when it
    has changed, so that a token works or is refused from the next request on. While it cannot be read, or a line is
    wrong, nobody gets in; the log says so once.

    Args:
        path: The file. Only its owner may have access to it.

    Raises:
        NotConfigured: there is no such file, it cannot be read, others than its owner can, or a line is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: _State | None
        content, self._state = _read(path)
        self._hashes = _parse(content, path)

    async def verify_token(self, token: str) -> "AccessToken | None":
        """Who has the token, by the name in the file; None where nobody has."""
        # A hash alone would let the file admit a token that can be guessed.
        if not _TOKEN.fullmatch(token):
            return None
        name = _holder(self._current_hashes(), token)
        if name is None:
            return None
        # Making a token needs nothing of the SDK, which takes a second to import.
        from mcp.server.auth.provider import AccessToken

        return AccessToken(token=token, client_id=name, scopes=[])

    def _current_hashes(self) -> dict[str, str]:
        try:
            if _state_of(self._path) != self._state:
                content, state = _read(self._path)
                self._hashes, self._state = _parse(content, self._path), state
        except NotConfigured as error:
            if self._state is not None:
                logger.error("nobody gets in: %s", error.message)
            self._hashes, self._state = {}, None
        return self._hashes


def new_token(path: Path, name: str) -> str:
    """Makes a token and puts its hash into the file, which is created where there is none.

    Args:
        path: The file; every other line stays as it is.
        name: Who the token is for: 1 to 64 of A-Z, a-z, 0-9 and `._@-`.

    Returns:
        The token. It is kept nowhere.

    Raises:
        ValueError: the name will not do or has a token already, or somebody else is changing the file.
        NotConfigured: the file cannot be used as it is; see `TokenFile`.
        OSError: it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a token's name: it takes 1 to 64 of A-Z, a-z, 0-9, '.', '_', '@', '-'.")
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)

    def with_token(content: bytes) -> bytes:
        if name in _parse(content, path):
            raise ValueError(f"{path} has a token for {name} already: revoke it first.")
        gap = b"" if not content or content.endswith((b"\n", b"\r")) else b"\n"
        return content + gap + f"{name} {_hash(token)}\n".encode()

    _rewrite(path, with_token)
    return token


def revoke(path: Path, name: str) -> None:
    """Takes a token's line out of the file; every other line stays as it is.

    Raises:
        ValueError: no token has that name, or somebody else is changing the file.
        NotConfigured: the file cannot be used as it is; see `TokenFile`.
        OSError: it cannot be written.
    """

    def without_token(content: bytes) -> bytes:
        if name not in _parse(content, path):
            raise ValueError(f"{path} has no token for {name}.")
        return b"".join(line for line in content.splitlines(keepends=True) if line.split()[:1] != [name.encode()])

    _rewrite(path, without_token)


def names(path: Path) -> list[str]:
    """Whom the file has tokens for, in its order.

    Raises:
        NotConfigured: the file cannot be used as it is; see `TokenFile`.
    """
    return list(_parse(_read(path)[0], path))


def _holder(hashes: dict[str, str], token: str) -> str | None:
    given, holder = _hash(token), None
    # All are compared, so that the time this takes tells nothing.
    for name, kept in hashes.items():
        if hmac.compare_digest(given, kept):
            holder = name
    return holder


def _hash(token: str) -> str:
    # A slow hash is for what people think up; nobody tries all of 32 random bytes.
    return hashlib.sha256(token.encode()).hexdigest()


def _parse(content: bytes, path: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        words = line.decode("ascii", "replace").split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not _NAME.fullmatch(words[0]) or not _HASH.fullmatch(words[1].lower()):
            raise NotConfigured(
                f"Line {number} of {path} is not a name and the SHA-256 of a token in hex: take it out, and make "
                "the token anew."
            )
        name, kept = words[0], words[1].lower()
        if name in hashes or kept in hashes.values():
            raise NotConfigured(f"Line {number} of {path} repeats a name or a hash: take one of the two lines out.")
        hashes[name] = kept
    return hashes


def _read(path: Path) -> tuple[bytes, _State]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        raise NotConfigured(
            f"There is no token file {path}: `mcp-grok token new NAME --file {path}` makes it."
        ) from None
    except OSError as error:
        raise NotConfigured(f"The token file {path} cannot be read: {error.strerror}.") from None
    if os.name == "posix" and status.st_mode & 0o077:
        raise NotConfigured(f"Others than its owner have access to the token file {path}: run `chmod 600 {path}`.")
    return content, _state(status)


def _state_of(path: Path) -> _State | None:
    try:
        return _state(path.stat())
    except OSError:
        return None


def _state(status: os.stat_result) -> _State:
    # The change time also tells that access to the file is another.
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Replaces the file in one step. The new one beside it keeps others from doing the same meanwhile."""
    # Where the path is a link, what it leads to is replaced.
    path = path.resolve()
    fresh = path.with_name(f"{path.name}.new")
    try:
        file = open(fresh, "xb", opener=_owners_only)  # noqa: SIM115 - pathlib takes no opener
    except FileExistsError:
        raise ValueError(f"{fresh} exists, so {path} is being changed. If nobody is at it, remove {fresh}.") from None
    try:
        with file:
            file.write(change(_read(path)[0] if path.exists() else b""))
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(path, fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _owners_only(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _keep_owner(path: Path, fresh: Path) -> None:
    """Whoever changes the file as root must not take it from the server that reads it."""
    if not path.exists():
        return
    owner = path.stat()
    if owner.st_uid != fresh.stat().st_uid:
        os.chown(fresh, owner.st_uid, owner.st_gid)
