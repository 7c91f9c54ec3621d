"""The demo as a real process, for every provider."""

import os

import anyio
import pytest

from mcp_grok.sandbox.apis import APIS
from tests.process import MCP_GROK

ELSEWHERE = {"MCP_GROK_PROVIDER": "acedata", "MCP_GROK_BASE_URL": "https://example.invalid", "XAI_API_KEY": "other"}


@pytest.mark.parametrize("provider", APIS)
async def test_demo_ends_well_whatever_is_configured(provider: str) -> None:
    with anyio.fail_after(40):
        ended = await anyio.run_process(
            [*MCP_GROK, "demo", "--provider", provider], check=False, env={**os.environ, **ELSEWHERE}
        )
    out = ended.stdout.decode()
    assert (ended.returncode, ended.stderr) == (0, b"")
    first, *_, last = out.splitlines()
    assert f" with the sandbox that simulates {provider} " in first
    assert " done " in last
    assert f'"provider": "{provider}"' in out


async def test_unknown_provider_is_refused() -> None:
    ended = await anyio.run_process([*MCP_GROK, "demo", "--provider", "openai"], check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert all(name in ended.stderr.decode() for name in APIS)
