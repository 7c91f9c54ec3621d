"""The command line: finds the command, reads its options and runs it."""

import argparse
import gc
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mcp_grok import __version__
from mcp_grok.cli.startup import open_missing_streams, usage_error

COMMANDS = {
    "serve": "serve MCP over stdio, SSE or streamable HTTP",
    "demo": "show what it does against the sandbox, without a key",
    "sandbox": "run a local server that behaves as the documented APIs do",
    "chat": "ask one question from the shell",
    "models": "list the models of the provider, and what is known of them",
    "install": "put the server into a client's configuration",
    "token": "make, list and revoke the tokens of those who may call over HTTP",
    "doctor": "say what works, and what to do about what does not",
}
"""Each command and its line of help. The module `<name>_command` has its `add_options` and its `run`."""

DEFAULT_COMMAND = "serve"

EXTRAS = {"rich": "demo"}
"""Packages that a command imports and not every installation has, with the extra that brings each."""


class Command(argparse.ArgumentParser):
    """The parser of one command. Its module is imported only when the command is given, to keep the start short."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        name = self.prog.split()[-1]
        try:
            module = import_module(f"mcp_grok.cli.{name}_command")
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            usage_error(f"{name} needs {package}: install the extra [{EXTRAS[package]}]")
        module.add_options(self)
        self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: The command and its options; those of the process by default.

    Returns:
        The exit status: 0, 1 for a call that failed, 2 for a wrong option or setting, 128 + a signal's number.
    """
    open_missing_streams()
    # Importing allocates much and frees nothing: collecting garbage meanwhile is a tenth of the start.
    gc.disable()
    try:
        options = parser().parse_args(arguments)
        if options.command is None:
            options = parser().parse_args([DEFAULT_COMMAND])
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; `run` of what it returns is the command's function."""
    commands = argparse.ArgumentParser(
        prog="mcp-grok",
        description="MCP server for Grok. Without a command it serves stdio. Settings come from the environment.",
    )
    commands.add_argument("--version", action="version", version=f"mcp-grok {__version__}")
    named = commands.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=Command)
    for name, line in COMMANDS.items():
        named.add_parser(name, help=line)
    return commands
