"""`mcp-grok token`: creates, lists and revokes the tokens of callers over HTTP."""

import argparse
import sys
from pathlib import Path

from mcp_grok.auth.tokens import names, new_token, revoke
from mcp_grok.cli.startup import complain, usage_error
from mcp_grok.errors import NotConfigured


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the action, the name of the token's owner, and the file of tokens."""
    parser.add_argument("action", choices=("new", "list", "revoke"))
    parser.add_argument("name", nargs="?", metavar="NAME", help="the caller's name; not for list")
    parser.add_argument("--file", default="tokens", help="the file of names and token hashes (default: tokens)")


def run(options: argparse.Namespace) -> int:
    """Creates, lists or revokes tokens; returns the exit status: 1 if that fails, with one line on stderr.

    A new token and the list of names are written to stdout, everything else to stderr.
    """
    if (options.name is None) is not (options.action == "list"):
        usage_error("give a name with new and revoke, and none with list")
    path = Path(options.file).expanduser()
    try:
        if options.action == "list":
            sys.stdout.writelines(f"{name}\n" for name in names(path))
        elif options.action == "new":
            _make(path, options.name)
        else:
            revoke(path, options.name)
            complain(f"the token of {options.name} is revoked.")
    except (NotConfigured, ValueError, OSError) as error:
        complain(str(error))
        return 1
    return 0


def _make(path: Path, name: str) -> None:
    sys.stdout.write(new_token(path, name) + "\n")
    sys.stdout.flush()
    complain(f"this is the token for {name}. It is not shown again: {path} contains only its hash.")
    complain("a client sends it with every request, as the header Authorization: Bearer TOKEN")
