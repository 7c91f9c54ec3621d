"""`mcp-grok sandbox`: serves the sandbox until a signal arrives."""

import argparse
from functools import partial

from mcp_grok.cli.serve_command import add_address, listen
from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.apis import APIS
from mcp_grok.sandbox.serve_sandbox import serve_sandbox

PORT = 8080


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the address to listen on."""
    add_address(parser, PORT)
    parser.set_defaults(default_port=PORT)


def run(options: argparse.Namespace) -> int:
    """Serves the sandbox; returns the exit status."""
    paths = ", ".join(f"{api.path} as {name}" for name, api in APIS.items())
    note = f" (POST {paths}; the key is {SANDBOX_KEY})"
    return listen(options, lambda listener: partial(serve_sandbox, listener), note)
