"""What is written down in several places says the same."""

import base64
import json
import re
import struct
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

from mcp_grok import __version__
from mcp_grok.cli.main import parser
from mcp_grok.prompts import TEMPLATES
from mcp_grok.server import tools_in_force
from mcp_grok.settings import KEY_FIELDS, Settings, variable
from tests import ROOT
from tests.documents import rendered


def text(name: str) -> str:
    """A file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readmes_tables_are_those_of_the_code() -> None:
    assert text("README.md") == rendered(text("README.md")), "run: make docs"


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command says of itself."""
    with pytest.raises(SystemExit):
        parser().parse_args([*command, "--help"])
    return capsys.readouterr().out


def test_every_command_and_option_stands_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    names = re.findall(r"^ {4}([a-z]+) ", help_of(capsys), re.MULTILINE)
    assert names
    options = {option for name in names for option in re.findall(r"--[a-z]+", help_of(capsys, name))} - {"--help"}
    for word in [*options, *(f"mcp-grok {name}" for name in names)]:
        assert word in text("README.md"), word


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", text("README.md"), re.DOTALL))
def test_json_in_the_readme_is_json(block: str) -> None:
    json.loads(block)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http|cursor:)([^)#]+)\)", text("README.md")))
def test_links_in_the_readme_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_install_links_hold_what_install_writes() -> None:
    readme = text("README.md")
    cursor = re.search(r"cursor://\S+?&config=([^)]+)\)", readme)
    vscode = re.search(r"vscode:mcp/install%3F([^)]+)\)", readme)
    assert cursor
    assert vscode
    for_cursor = json.loads(base64.b64decode(unquote(cursor[1])))
    assert for_cursor == {
        "command": "mcp-grok",
        "args": [],
        "env": {"ACEDATACLOUD_API_TOKEN": "${env:ACEDATACLOUD_API_TOKEN}"},
    }
    assert json.loads(unquote(vscode[1])) == {"name": "grok", "type": "stdio", **for_cursor}


def test_the_example_configuration_is_the_readmes() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text("README.md"), re.DOTALL)]
    assert json.loads(text("examples/client_configurations/claude_desktop_config.json")) in blocks


def test_the_manifest_says_what_the_code_says() -> None:
    manifest = json.loads(text("manifest.json"))
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert manifest["version"] == __version__
    assert (manifest["name"], manifest["description"]) == (project["name"], project["description"])
    assert [entry["name"] for entry in manifest["tools"]] == list(tools_in_force(Settings()))
    assert [
        (entry["name"], entry["description"], entry["arguments"], entry["text"]) for entry in manifest["prompts"]
    ] == [
        (
            template.name,
            template.description,
            list(template.arguments),
            template.text.replace("{", "${arguments."),
        )
        for template in TEMPLATES.values()
    ]
    assert set(manifest["server"]["mcp_config"]["env"]) <= {variable(name) for name in Settings.model_fields}
    assert (ROOT / manifest["server"]["entry_point"]).exists()
    asked = re.findall(r"\$\{user_config\.(\w+)\}", json.dumps(manifest["server"]["mcp_config"]))
    assert set(asked) == set(manifest["user_config"])


def test_the_registry_entry_says_what_the_code_says() -> None:
    entry = json.loads(text("server.json"))
    project = tomllib.loads(text("pyproject.toml"))["project"]
    [package] = entry["packages"]
    assert f"<!-- mcp-name: {entry['name']} -->" in text("README.md")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["description"]) <= 100
    assert (entry["version"], package["version"], package["identifier"]) == (__version__, __version__, project["name"])
    variables = {one["name"]: one for one in package["environmentVariables"]}
    assert set(variables) <= {variable(name) for name in Settings.model_fields}
    assert {name for name, one in variables.items() if one["isSecret"]} == {variable(name) for name in KEY_FIELDS}
    assert float(variables["MCP_GROK_HANDOFF_AFTER"]["default"]) == Settings().handoff_after


def test_the_icon_is_what_clients_ask_for() -> None:
    content = (ROOT / "icon.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", content[16:24]) == (512, 512)


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+?)[,\s]", text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__


@pytest.mark.parametrize("path", sorted((ROOT / "mcp_grok").rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_has_a_docstring(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.startswith('"""')
