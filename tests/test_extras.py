"""A use whose packages are not installed: the message says how to add them."""

import os
import sys
import tomllib

import anyio
import pytest

from mcp_grok.extras import missing_extra
from tests import ROOT
from tests.conftest import KEY

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

SOCKS = {"ALL_PROXY": "socks5://127.0.0.1:1", "XAI_API_KEY": KEY}
HTTP = "serve --transport http --port 0"


@pytest.mark.parametrize(
    ("package", "extra", "command", "environment"),
    [
        ("redis", "team", "serve", {"MCP_GROK_STORE": "redis://127.0.0.1:1/0"}),
        ("limits", "team", f"{HTTP} --requests-per-minute 2", {}),
        ("prometheus_client", "metrics", f"{HTTP} --metrics-port 1", {}),
        ("socksio", "socks", "chat Hello", SOCKS),
        ("socksio", "socks", "models --live", SOCKS),
        ("socksio", "socks", "doctor", SOCKS),
    ],
)
async def test_missing_package_names_its_extra(
    package: str, extra: str, command: str, environment: dict[str, str]
) -> None:
    program = f"import sys\nsys.modules['{package}'] = None\nfrom mcp_grok.cli.main import main\nsys.exit(main())"
    with anyio.fail_after(30):
        ended = await anyio.run_process(
            [sys.executable, "-c", program, *command.split()], check=False, env={**os.environ, **environment}
        )
    assert ended.returncode != 0
    assert extra in EXTRAS
    message = str(missing_extra("It", extra)).removeprefix("It ")
    assert message in (ended.stderr + ended.stdout).decode()
    for installer in ("pip install", "pipx install --force", "uv tool install --force"):
        assert f"{installer} '.[{extra}]'" in message
