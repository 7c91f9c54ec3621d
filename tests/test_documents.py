"""Documents, manifest and registry entry agree with the code and with each other."""

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
from mcp_grok.settings import Settings, variable
from tests import ROOT
from tests.documents import BLOCKS, DOCUMENTS, rendered

CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def text(path: str | Path) -> str:
    """A file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


DOCUMENTATION = "".join(map(text, DOCUMENTS))
JSON_BLOCKS = re.findall(r"```json\n(.*?)```", DOCUMENTATION, re.DOTALL)
LINKS = [
    (page, link)
    for page in [*DOCUMENTS, CONTRIBUTING]
    for link in re.findall(r"\]\((?!http|cursor:)([^)]+)\)", text(page))
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tables_are_up_to_date(document: Path) -> None:
    assert text(document) == rendered(text(document)), "run: make docs"


@pytest.mark.parametrize("block", BLOCKS)
def test_each_table_is_in_one_document(block: str) -> None:
    assert DOCUMENTATION.count(f"<!-- {block}: make docs -->") == 1


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """The help of a command."""
    with pytest.raises(SystemExit):
        parser().parse_args([*command, "--help"])
    return capsys.readouterr().out


def test_every_command_and_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    names = re.findall(r"^ {4}([a-z]+) ", help_of(capsys), re.MULTILINE)
    assert names
    options = {option for name in names for option in re.findall(r"--[a-z-]+", help_of(capsys, name))} - {"--help"}
    missing = [word for word in (*options, *(f"mcp-grok {name}" for name in names)) if word not in DOCUMENTATION]
    assert missing == []


def test_readme_says_how_to_add_each_extra() -> None:
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
    assert set(re.findall(r"^\| `(\w+)` \|", text("README.md"), re.MULTILINE)) == set(extras) - {"dev"}


def test_readme_is_read_in_three_minutes() -> None:
    prose = re.sub(r"```.*?```", "", text("README.md"), flags=re.DOTALL)
    assert len(prose.split()) <= 1000


def test_nothing_is_installed_from_a_registry_that_lacks_it() -> None:
    pages = [*DOCUMENTS, CONTRIBUTING, *ROOT.glob("examples/*/README.md")]
    assert [page for page in pages if re.search(r"(install|uvx|pipx run) (-\S+ )*'?mcp-grok", text(page))] == []


@pytest.mark.parametrize("block", JSON_BLOCKS)
def test_json_block_is_json(block: str) -> None:
    json.loads(block)


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, heading = link.partition("#")
    target = page.parent / path if path else page
    assert target.exists()
    assert not heading or heading in map(anchor, re.findall(r"^#+ (.+)$", text(target), re.MULTILINE))


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|toml|md|json))`", text(CONTRIBUTING))))
)
def test_path_in_contributing_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_install_links_hold_what_install_writes() -> None:
    cursor = re.search(r"cursor://\S+?&config=([^)]+)\)", DOCUMENTATION)
    vscode = re.search(r"vscode:mcp/install%3F([^)]+)\)", DOCUMENTATION)
    assert cursor
    assert vscode
    for_cursor = json.loads(base64.b64decode(unquote(cursor[1])))
    assert for_cursor == {
        "command": "mcp-grok",
        "args": [],
        "env": {"ACEDATACLOUD_API_TOKEN": "${env:ACEDATACLOUD_API_TOKEN}"},
    }
    assert json.loads(unquote(vscode[1])) == {"name": "grok", "type": "stdio", **for_cursor}


def test_example_configuration_is_the_documented_one() -> None:
    blocks = [json.loads(block) for block in JSON_BLOCKS]
    assert json.loads(text("examples/client_configurations/claude_desktop_config.json")) in blocks


def test_manifest_agrees_with_the_code() -> None:
    manifest = json.loads(text("manifest.json"))
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert manifest["version"] == __version__
    assert (manifest["name"], manifest["description"]) == (project["name"], project["description"])
    assert [entry["name"] for entry in manifest["tools"]] == Settings(provider="xai", toolsets="all").tools
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


def test_registry_entry_agrees_with_the_code() -> None:
    entry = json.loads(text("server.json"))
    assert f"<!-- mcp-name: {entry['name']} -->" in text("README.md")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", entry["name"])
    assert 1 <= len(entry["description"]) <= 100
    assert entry["version"] == __version__


def test_registry_entry_names_no_package_that_is_not_ours() -> None:
    # Anybody may still take the name on PyPI, and this entry would install what they put there.
    assert "is not on PyPI yet" in text("README.md")
    assert not {"packages", "remotes"} & set(json.loads(text("server.json")))


def test_no_message_tells_to_install_from_a_registry() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "mcp_grok").rglob("*.py")]
    commands = re.findall(r"(?:pipx?|uv|uvx|tool) (?:install|run) [^\n]*|uvx [^\n]*", "".join(sources))
    assert [command for command in commands if "{source}" not in command] == []


def test_icon_is_a_png_of_512_pixels() -> None:
    content = (ROOT / "icon.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", content[16:24]) == (512, 512)


def test_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+?)[,\s]", text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__


@pytest.mark.parametrize("path", sorted((ROOT / "mcp_grok").rglob("*.py")), ids=lambda path: path.stem)
def test_module_has_a_docstring(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.startswith('"""')
