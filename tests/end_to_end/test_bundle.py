"""The MCPB bundle: packed by the official tool, unpacked, and started as its manifest says."""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mcp_grok import __version__
from tests import ROOT
from tests.external import UV, external
from tests.process import server_process

MCPB = ("mcpb", "npm install --global @anthropic-ai/mcpb")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, packed."""
    path = tmp_path_factory.mktemp("bundle") / "mcp-grok.mcpb"
    subprocess.run([external(*MCPB), "pack", str(ROOT), str(path)], check=True, capture_output=True, timeout=60)
    return path


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    """The bundle's files, as a client unpacks them."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def filled(value: Any, folder: Path, answers: dict[str, str]) -> Any:
    """What a client makes of the manifest's placeholders; an optional one without an answer stays as it is."""
    if isinstance(value, list):
        return [filled(item, folder, answers) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, folder, answers) for key, item in value.items()}
    text = str(value).replace("${__dirname}", str(folder))
    return re.sub(r"\$\{user_config\.(\w+)\}", lambda match: answers.get(match[1], match[0]), text)


def as_the_manifest_says(folder: Path, **answers: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment, with the manifest's defaults and what the user has answered."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    defaults = {name: str(asked["default"]) for name, asked in manifest["user_config"].items() if "default" in asked}
    config = filled(manifest["server"]["mcp_config"], folder, {**defaults, **answers})
    assert config["command"] == "uv"
    return [external(*UV), *config["args"]], config["env"]


def test_bundle_holds_the_package_alone(bundle: Path) -> None:
    package = [path.relative_to(ROOT) for path in (ROOT / "mcp_grok").rglob("*") if path.suffix in (".py", ".typed")]
    expected = {str(path) for path in package} | {
        *("manifest.json", "icon.png", "pyproject.toml", "README.md", "LICENSE")
    }
    with zipfile.ZipFile(bundle) as archive:
        assert set(archive.namelist()) == expected


@pytest.mark.timeout(180)
async def test_bundle_starts_by_its_manifest_and_answers(unpacked: Path) -> None:
    command, environment = as_the_manifest_says(unpacked, provider="sandbox", toolsets="all")
    async with server_process({**environment, "UV_NO_PROGRESS": "1"}, command, cwd=os.sep) as server:
        result = await server.grok()
        tools = await server.request("tools/list", {})
    assert "sandbox" in result["content"][0]["text"]
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    assert [tool["name"] for tool in tools["tools"]] == [tool["name"] for tool in manifest["tools"]]
    assert manifest["version"] == __version__


@pytest.mark.timeout(180)
async def test_bundle_without_a_key_says_what_is_missing(unpacked: Path) -> None:
    command, environment = as_the_manifest_says(unpacked)
    assert "${user_config" in environment["MCP_GROK_API_KEY"]
    async with server_process({**environment, "UV_NO_PROGRESS": "1"}, command, cwd=os.sep) as server:
        result = await server.grok()
    error = json.loads(result["content"][0]["text"])["error"]
    assert (error["code"], result["isError"]) == ("not_configured", True)
