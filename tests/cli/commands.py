"""Commands of a user: how they end, what they write, and the files of clients."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import anyio

from mcp_grok.cli.install.clients import CLIENTS, config_paths
from mcp_grok.cli.main import main
from tests import ROOT
from tests.conftest import KEY
from tests.process import MCP_GROK
from tests.replay import Replay


class Ended(NamedTuple):
    """How a process ended, and what it wrote."""

    status: int
    out: str
    err: str


async def run(
    *arguments: str,
    env: Mapping[str, str] = MappingProxyType({}),
    stdin: bytes = b"",
    command: Sequence[str] = MCP_GROK,
) -> Ended:
    """Runs the command to its end, with `env` added to the environment of the tests."""
    with anyio.fail_after(30):
        process = await anyio.run_process(
            [*command, *arguments], input=stdin, check=False, cwd=ROOT, env={**os.environ, **env}
        )
    return Ended(process.returncode, process.stdout.decode(), process.stderr.decode())


def status_of(arguments: Sequence[str]) -> int:
    """Runs the command in the process of the tests, which takes a tenth of the time; gives its exit status."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        gc.enable()


def at(upstream: Replay) -> dict[str, str]:
    """The environment that leads to an upstream."""
    return {"ACEDATACLOUD_API_TOKEN": KEY, "MCP_GROK_BASE_URL": upstream.base_url}


def read_all(descriptor: int, *, until: bytes | None = None) -> bytes:
    """Reads until the other side of the terminal is closed, or has written something; then closes this one."""
    written = b""
    try:
        while until is None or until not in written:
            written += os.read(descriptor, 65536)
    except OSError:
        # Linux says so when the other side is closed.
        pass
    finally:
        os.close(descriptor)
    return written


def file_of(client: str, home: Path) -> Path:
    """The client's file on this platform."""
    return Path(config_paths(CLIENTS[client], sys.platform, home, {"APPDATA": str(home / "AppData" / "Roaming")})[0])
