"""Clients and frameworks from PyPI and npm; `python -m tests.end_to_end.clients` runs those that take longer, too."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.clients.catalog import CLIENTS, Client
from tests.end_to_end.clients.installation import Installation, install
from tests.end_to_end.clients.scenario import expected, report, seen
from tests.external import NPM, external
from tests.process import serving
from tests.replay import COMPLETION, Replay, slow_down

pytestmark = pytest.mark.timeout(200)

BY_NAME = {client.name: client for client in CLIENTS}
QUICK = [client for client in CLIENTS if client.quick]

PATIENCE = 1.0
WORK = 4.0
"""Seconds that the client waits, and that the upstream works."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the clients are installed."""
    return tmp_path_factory.mktemp("clients")


def installed(client: Client, folder: Path) -> Installation:
    """A client; skips the test where npm is needed and not there."""
    if client.registry == "npm":
        external(*NPM)
    return install(client, folder)


@pytest.mark.parametrize("client", QUICK, ids=[client.name for client in QUICK])
async def test_client_lists_and_makes_every_kind_of_call(upstream: Replay, folder: Path, client: Client) -> None:
    told = await report(installed(client, folder), upstream)
    assert seen(told, upstream.requests) == expected(client)


@pytest.mark.parametrize("name", ["TypeScript SDK 1", "TypeScript SDK 2", "Python SDK 1"])
async def test_repeat_after_a_timeout_makes_no_second_request(upstream: Replay, folder: Path, name: str) -> None:
    installation = installed(BY_NAME[name], folder)
    slow_down(upstream, WORK)
    driver = "repeat.py" if name.startswith("Python") else "repeat.mjs"
    async with serving(upstream, "http") as (url, _process):
        told = json.loads(await installation.run(driver, url, str(PATIENCE)))
    assert "timed out" in told["timedOut"].lower()
    assert json.loads(told["text"]) == COMPLETION
    assert told["meta"]["mcp-grok/picked_up"] >= PATIENCE
    assert len(upstream.requests) == 1
