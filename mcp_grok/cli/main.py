"""The command line: finds the command, reads its options and runs it."""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mcp_grok import __version__
from mcp_grok.cli.startup import open_missing_streams
from mcp_grok.cli.terminal import guard_streams

COMMANDS = {
    "serve": "serve MCP over stdio, SSE or streamable HTTP",
    "demo": "show the tools with the sandbox, without a key",
    "sandbox": "run a local server that simulates the documented APIs",
    "chat": "ask one question from the shell",
    "models": "list the provider's models and their documented properties",
    "install": "add the server to a client's configuration",
    "token": "create, list and revoke the tokens of callers over HTTP",
    "doctor": "check the installation, and advise on each problem",
}
"""Each command and its line of help. The module `<name>_command` has its `add_options` and its `run`."""

DEFAULT_COMMAND = "serve"

CLOSED_PIPE = 141
"""The exit status of programs that SIGPIPE ends, which Python ignores."""


class Command(argparse.ArgumentParser):
    """The parser of one command. The command's module is imported only if it is used, for a fast start."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        name = self.prog.split()[-1]
        module = import_module(f"mcp_grok.cli.{name}_command")
        module.add_options(self)
        self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: The command and its options; by default those of the process.

    Returns:
        The exit status: 0 for success, 1 for a failure, 2 for a wrong option or setting, 128 + a signal's number.
    """
    open_missing_streams()
    guard_streams()
    # Imports allocate much and free nothing: garbage collection would take a tenth of the start-up time.
    gc.disable()
    try:
        options = parser().parse_args(arguments)
        if options.command is None:
            options = parser().parse_args([DEFAULT_COMMAND])
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whatever read the output, such as head, has ended. Python would write the rest at the exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return CLOSED_PIPE


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; in its result, `run` is the command's function."""
    commands = argparse.ArgumentParser(
        prog="mcp-grok",
        description="MCP server for Grok. Without a command it serves stdio. Settings come from the environment.",
    )
    commands.add_argument("--version", action="version", version=f"mcp-grok {__version__}")
    named = commands.add_subparsers(title="commands", dest="command", metavar="COMMAND", parser_class=Command)
    for name, line in COMMANDS.items():
        named.add_parser(name, help=line)
    return commands
