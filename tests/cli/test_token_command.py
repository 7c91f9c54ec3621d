"""`mcp-grok token`: what it prints where, and how it fails."""

from pathlib import Path

import pytest

from mcp_grok.auth.tokens import TokenFile, names
from mcp_grok.cli.token_command import run_token


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file of tokens goes; there is none yet."""
    return tmp_path / "tokens"


async def test_a_new_token_is_all_that_stdout_gets(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_token("new", "alice", path) == 0
    out, err = capsys.readouterr()
    access = await TokenFile(path).verify_token(out.removesuffix("\n"))
    assert access is not None
    assert access.client_id == "alice"
    assert "Authorization: Bearer " in err
    assert "shown this once" in err
    assert out.strip() not in err


def test_the_list_is_a_name_a_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bob", "alice"):
        assert run_token("new", name, path) == 0
    capsys.readouterr()
    assert run_token("list", None, path) == 0
    assert capsys.readouterr() == ("bob\nalice\n", "")


def test_a_revoked_name_is_gone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_token("new", "alice", path)
    capsys.readouterr()
    assert run_token("revoke", "alice", path) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "mcp-grok: alice is let in no more.\n")
    assert names(path) == []


@pytest.mark.parametrize(
    ("action", "name", "file", "reason"),
    [
        ("new", "alice", "tokens", "revoke it first"),
        ("new", "a b", "tokens", "cannot be a token's name"),
        ("new", None, "tokens", "needs the name"),
        ("new", "bob", "missing/tokens", "No such file or directory"),
        ("revoke", "bob", "tokens", "has no token for bob"),
        ("revoke", None, "tokens", "needs the name"),
        ("list", None, "others", "mcp-grok token new NAME"),
        ("show", "alice", "tokens", "not show"),
    ],
)
def test_a_failure_is_one_line_and_status_1(
    path: Path, action: str, name: str | None, file: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_token("new", "alice", path)
    capsys.readouterr()
    assert run_token(action, name, path.parent / file) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mcp-grok: ")
    assert err.count("\n") == 1
    assert reason in err
    assert names(path) == ["alice"]
