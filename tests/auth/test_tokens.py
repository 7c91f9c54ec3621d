"""Bearer tokens in a file: which are accepted, which files are refused, and how the file is changed."""

import asyncio
import hashlib
import os
import secrets
import sys
from pathlib import Path

import anyio
import pytest

from mcp_grok.auth.tokens import PREFIX, TokenFile, names, new_token, revoke
from mcp_grok.errors import NotConfigured
from tests.process import MCP_GROK

NEEDS_MODES = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a token file that does not exist yet."""
    return tmp_path / "tokens"


def write(path: Path, text: str) -> None:
    """Writes the file as a person would, for its owner alone."""
    path.write_bytes(text.encode())
    path.chmod(0o600)


def line(name: str, token: str) -> str:
    """A line as a person could write it."""
    return f"{name} {hashlib.sha256(token.encode()).hexdigest()}\n"


def made_up() -> str:
    """A well-formed token that no file has."""
    return PREFIX + secrets.token_urlsafe(32)


async def holder(file: TokenFile, token: str) -> str | None:
    """The name that a token is accepted for."""
    access = await file.verify_token(token)
    return access.client_id if access else None


async def test_token_is_accepted_for_its_name(path: Path) -> None:
    tokens = {name: new_token(path, name) for name in ("alice@example.org", "ci-bot", "bob")}
    file = TokenFile(path)
    for name, token in tokens.items():
        access = await file.verify_token(token)
        assert access is not None
        assert (access.client_id, access.scopes, access.token, access.expires_at) == (name, [], token, None)


async def test_unknown_token_is_refused(path: Path) -> None:
    token = new_token(path, "alice")
    file = TokenFile(path)
    assert await holder(file, made_up()) is None
    assert await holder(file, token[:-1] + ("A" if token[-1] != "A" else "B")) is None


@pytest.mark.parametrize(
    "token",
    ["", "hunter2", "mcpgrok_short", f"{PREFIX}{'a' * 44}", f"{PREFIX}{'a' * 42}!", f"{PREFIX}{'ä' * 43}", "a" * 43],
)
async def test_malformed_token_is_refused_even_if_its_hash_is_in_the_file(path: Path, token: str) -> None:
    write(path, line("alice", token))
    assert await holder(TokenFile(path), token) is None


@pytest.mark.parametrize("ending", ["\n", "\ud800", " ", "\0"])
async def test_token_with_a_suffix_is_refused(path: Path, ending: str) -> None:
    token = new_token(path, "alice")
    assert await holder(TokenFile(path), token + ending) is None


async def test_file_holds_no_token_and_only_its_owner_can_read_it(path: Path) -> None:
    token = new_token(path, "alice")
    assert path.read_text() == line("alice", token)
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


async def test_change_takes_effect_with_the_next_request(path: Path) -> None:
    alice = new_token(path, "alice")
    file = TokenFile(path)
    bob = new_token(path, "bob")
    assert await holder(file, bob) == "bob"
    revoke(path, "alice")
    assert (await holder(file, alice), await holder(file, bob)) == (None, "bob")
    again = new_token(path, "alice")
    assert (await holder(file, alice), await holder(file, again)) == (None, "alice")


async def test_revoking_the_last_token_leaves_a_usable_file(path: Path) -> None:
    token = new_token(path, "alice")
    file = TokenFile(path)
    revoke(path, "alice")
    assert names(path) == []
    assert await holder(file, token) is None


@pytest.mark.parametrize("broken", ["alice\n", None])
async def test_broken_or_missing_file_refuses_every_token_and_is_logged_once(
    path: Path, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    token = new_token(path, "alice")
    right = path.read_text()
    file = TokenFile(path)
    if broken is None:
        path.unlink()
    else:
        write(path, right + broken)
    for _ in range(3):
        assert await holder(file, token) is None
    [record] = caplog.records
    assert (record.levelname, str(path) in record.getMessage()) == ("ERROR", True)
    assert not any(secret in caplog.text for secret in (token, right.split()[1]))
    write(path, right)
    assert await holder(file, token) == "alice"
    assert len(caplog.records) == 1


@NEEDS_MODES
async def test_token_is_refused_while_other_users_can_read_the_file(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = new_token(path, "alice")
    file = TokenFile(path)
    path.chmod(0o644)
    assert await holder(file, token) is None
    assert f"chmod 600 {path}" in caplog.text
    path.chmod(0o600)
    assert await holder(file, token) == "alice"


@NEEDS_MODES
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_file_that_other_users_can_access_is_refused(path: Path, mode: int) -> None:
    new_token(path, "alice")
    path.chmod(mode)
    with pytest.raises(NotConfigured, match=f"chmod 600 {path}"):
        TokenFile(path)
    with pytest.raises(NotConfigured, match="chmod 600"):
        new_token(path, "bob")


def test_missing_file_names_the_command_that_creates_it(path: Path) -> None:
    with pytest.raises(NotConfigured, match=f"mcp-grok token new NAME --file {path}"):
        TokenFile(path)


def test_folder_is_not_a_token_file(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="cannot be read"):
        TokenFile(tmp_path)


@NEEDS_MODES
@pytest.mark.parametrize(
    "command", [["serve", "--transport", "http", "--port", "0", "--token-file"], ["token", "list", "--file"]]
)
async def test_pipe_or_device_is_not_a_token_file(path: Path, command: list[str]) -> None:
    os.mkfifo(path, 0o600)
    for file in (path, Path("/dev/zero")):
        ended = await asyncio.wait_for(anyio.run_process([*MCP_GROK, *command, str(file)], check=False), 30)
        assert ended.returncode in (1, 2)
        assert b"cannot be read: it is not a regular file" in ended.stderr


@NEEDS_MODES
async def test_pipe_that_replaces_the_file_refuses_every_token(path: Path) -> None:
    token = new_token(path, "alice")
    file = TokenFile(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert await holder(file, token) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "alice",
        f"alice {'a' * 63}",
        f"alice {'a' * 65}",
        f"alice {'g' * 64}",
        f"al/ice {'a' * 64}",
        f"{'n' * 65} {'a' * 64}",
        f"älice {'a' * 64}",
        f"alice {'a' * 64} admin",
        f"bob {'a' * 64}",
        f"alice {'b' * 64}",
        f"alice {'B' * 64}",
        "\x00",
    ],
)
def test_wrong_line_is_reported_by_number_without_its_content(path: Path, wrong: str) -> None:
    write(path, f"# who may come in\n\nbob {'b' * 64}\n{wrong}\n")
    with pytest.raises(NotConfigured, match=f"^Line 4 of {path} ") as caught:
        TokenFile(path)
    assert "a" * 32 not in caught.value.message
    with pytest.raises(NotConfigured, match="Line 4"):
        new_token(path, "carol")


async def test_comments_blank_lines_and_capital_hashes_are_read(path: Path) -> None:
    token = made_up()
    name, kept = line("alice", token).split()
    write(path, f"  # ünser Team\r\n\r\n\t{name}\t{kept.upper()}  \r\n#bob {kept}")
    assert await holder(TokenFile(path), token) == "alice"


def test_other_lines_stay_byte_for_byte(path: Path) -> None:
    before = f"# ünser Team\r\n\r\n  bob   {'B' * 64}\t\n#alice was here"
    write(path, before)
    token = new_token(path, "alice")
    assert path.read_bytes().decode() == f"{before}\n{line('alice', token)}"
    revoke(path, "bob")
    assert path.read_bytes().decode() == f"# ünser Team\r\n\r\n#alice was here\n{line('alice', token)}"


def test_names_are_in_the_order_of_the_file(path: Path) -> None:
    for name in ("carol", "alice", "a" * 64, "B.o_b-2@example.org"):
        new_token(path, name)
    assert names(path) == ["carol", "alice", "a" * 64, "B.o_b-2@example.org"]


@pytest.mark.parametrize("name", ["", "a" * 65, "al ice", "#alice", "älice", "alice\n", "a/b"])
def test_wrong_name_is_refused_and_creates_no_file(path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a token's name"):
        new_token(path, name)
    assert not path.exists()


def test_name_has_one_token(path: Path) -> None:
    new_token(path, "alice")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="revoke it first"):
        new_token(path, "alice")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["bob", "", "alic", "# alice"])
def test_name_without_a_token_cannot_be_revoked(path: Path, name: str) -> None:
    new_token(path, "alice")
    with pytest.raises(ValueError, match="has no token for"):
        revoke(path, name)
    assert names(path) == ["alice"]


def test_file_has_one_writer_at_a_time_and_nothing_is_left_behind(path: Path) -> None:
    new_token(path, "alice")
    busy = path.with_name("tokens.new")
    busy.touch()
    with pytest.raises(ValueError, match=f"remove {busy}"):
        revoke(path, "alice")
    busy.unlink()
    with pytest.raises(ValueError, match="no token"):
        revoke(path, "bob")
    revoke(path, "alice")
    assert list(path.parent.iterdir()) == [path]


@NEEDS_MODES
def test_link_stays_a_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    new_token(target, "alice")
    path.symlink_to(target)
    new_token(path, "bob")
    assert path.is_symlink()
    assert names(target) == ["alice", "bob"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
def test_file_that_root_changes_keeps_its_owner(path: Path) -> None:
    new_token(path, "alice")
    os.chown(path, 12345, 12345)
    new_token(path, "bob")
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (12345, 0o600)
