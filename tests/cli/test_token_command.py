"""`mcp-grok token`: what it writes to which stream, and how it fails."""

from pathlib import Path

import pytest

from mcp_grok.auth.tokens import TokenFile, names
from mcp_grok.cli.main import parser


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a token file that does not exist yet."""
    return tmp_path / "tokens"


def run(path: Path, *arguments: str) -> int:
    """The exit status of the command."""
    options = parser().parse_args(["token", *arguments, "--file", str(path)])
    status: int = options.run(options)
    return status


async def test_new_writes_only_the_token_to_stdout(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(path, "new", "alice") == 0
    out, err = capsys.readouterr()
    access = await TokenFile(path).verify_token(out.removesuffix("\n"))
    assert access is not None
    assert access.client_id == "alice"
    assert "Authorization: Bearer " in err
    assert "not shown again" in err
    assert out.strip() not in err


def test_list_writes_one_name_a_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bob", "alice"):
        assert run(path, "new", name) == 0
    capsys.readouterr()
    assert run(path, "list") == 0
    assert capsys.readouterr() == ("bob\nalice\n", "")


def test_revoke_removes_the_name(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(path, "new", "alice")
    capsys.readouterr()
    assert run(path, "revoke", "alice") == 0
    assert capsys.readouterr() == ("", "mcp-grok: the token of alice is revoked.\n")
    assert names(path) == []


@pytest.mark.parametrize(
    ("arguments", "file", "reason"),
    [
        (["new", "alice"], "tokens", "revoke it first"),
        (["new", "a b"], "tokens", "cannot be a token's name"),
        (["new", "bob"], "missing/tokens", "No such file or directory"),
        (["revoke", "bob"], "tokens", "has no token for bob"),
        (["list"], "others", "mcp-grok token new NAME"),
    ],
)
def test_failure_is_one_line_and_status_1(
    path: Path, arguments: list[str], file: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(path, "new", "alice")
    capsys.readouterr()
    assert run(path.parent / file, *arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mcp-grok: ")
    assert err.count("\n") == 1
    assert reason in err
    assert names(path) == ["alice"]


@pytest.mark.parametrize("arguments", [["new"], ["revoke"], ["list", "alice"]])
def test_name_that_is_missing_or_too_many_is_a_usage_error(
    path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(path, *arguments)
    assert "give a name with new and revoke" in capsys.readouterr().err
