"""`mcp-grok token`: makes, lists and revokes the tokens that clients of a served team come in with."""

import argparse
import sys
from pathlib import Path

from mcp_grok.auth.tokens import names, new_token, revoke
from mcp_grok.cli.startup import usage_error
from mcp_grok.errors import NotConfigured


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what to do, for whom, and the file of tokens."""
    parser.add_argument("action", choices=("new", "list", "revoke"))
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose; not for list")
    parser.add_argument("--file", default="tokens", help="where names and hashes stand (default: tokens)")


def run(options: argparse.Namespace) -> int:
    """Makes, lists or revokes tokens; returns the exit status."""
    if (options.name is None) is not (options.action == "list"):
        usage_error("give a name with new and revoke, and none with list")
    return run_token(options.action, options.name, Path(options.file).expanduser())


def run_token(action: str, name: str | None, path: Path) -> int:
    """Makes, lists or revokes tokens. A new token goes to stdout alone, and all that is said of it to stderr.

    Args:
        action: `new`, `list` or `revoke`.
        name: Whom the token is for; `list` needs none.
        path: The file of tokens.

    Returns:
        The exit status: 1 where it cannot be done, and one line on stderr says why.
    """
    try:
        if action == "list":
            sys.stdout.writelines(f"{known}\n" for known in names(path))
        elif not name:
            raise ValueError(f"token {action} needs the name of whom the token is for.")
        elif action == "new":
            _make(path, name)
        elif action == "revoke":
            revoke(path, name)
            _say(f"{name} is let in no more.")
        else:
            raise ValueError(f"token can do new, list and revoke, not {action}.")
    except (NotConfigured, ValueError, OSError) as error:
        _say(str(error))
        return 1
    return 0


def _make(path: Path, name: str) -> None:
    sys.stdout.write(new_token(path, name) + "\n")
    sys.stdout.flush()
    _say(
        f"this is the token for {name}. It is shown this once; {path} keeps only its hash.\n"
        "A client sends it with every request, as the header\n"
        "    Authorization: Bearer TOKEN"
    )


def _say(text: str) -> None:
    sys.stderr.write(f"mcp-grok: {text}\n")
