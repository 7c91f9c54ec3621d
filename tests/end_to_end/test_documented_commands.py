"""Every command of the documents: run, or checked as far as possible where it cannot be run.

A test is one block of shell lines. The lines run one after another in a scratch copy of the checkout, with a home
folder of its own and the sandbox as the provider. TREATMENTS says what is done with each kind of line.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.cli.main import parser
from mcp_grok.settings import Settings, variable
from tests import ROOT
from tests.documents import DOCUMENTS
from tests.process import INITIALIZE
from tests.valkey import Valkey

PAGES = [*DOCUMENTS, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("examples/*/README.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:mcp-grok|pipx?|python3?|uv|make|docker) [^`]+)`")
ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")

MOVED_FOLDERS = ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME")
"""Variables that lead clients' files out of the home folder."""

DOCUMENTED_REDIS = "redis://localhost:6379/0"
TIME_LIMIT = 90
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


@dataclass
class Shell:
    """Where the lines of a block run.

    Attributes:
        folder: The current folder.
        environment: The environment variables.
    """

    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Command:
    """A line of a block.

    Attributes:
        words: The command and its arguments.
        assigned: The variables that are set before it, for it alone.
    """

    words: list[str]
    assigned: dict[str, str]


Treatment = Callable[[Shell, Command], None]
"""Runs or checks a command; fails if it is wrong."""


def runs(shell: Shell, command: Command) -> None:
    """Runs it to its end."""
    ended = run(shell, command)
    assert "Traceback" not in ended.stderr


def serves_stdio(shell: Shell, command: Command) -> None:
    """Starts it as a client does, gets an answer to `initialize`, and closes its stdin."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
    ended = run(shell, command, json.dumps(hello) + "\n")
    assert json.loads(ended.stdout)["result"]["serverInfo"]["name"] == "mcp-grok"


def serves_http(shell: Shell, command: Command) -> None:
    """Starts it on a free port, reaches it, and stops it."""
    with subprocess.Popen(
        [*command.words, "--port", "0"],
        cwd=shell.folder,
        env={**shell.environment, **command.assigned},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            line = next((line for line in process.stderr if "listening on" in line), "")
            address = re.search(r"http://\S+", line)
            assert address
            reached = httpx2.get(f"http://127.0.0.1:{urlsplit(address[0]).port}/healthz", trust_env=False, timeout=30)
            assert reached.status_code == (404 if "sandbox" in command.words else 200)
        finally:
            process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM


def exports(shell: Shell, command: Command) -> None:
    """Sets variables for the lines that follow; each must be a setting."""
    for name, value in (word.split("=", 1) for word in command.words[1:]):
        assert name in {variable(field) for field in Settings.model_fields}
        shell.environment[name] = value


def enters(shell: Shell, command: Command) -> None:
    """Changes the folder."""
    shell.folder /= command.words[1]
    assert shell.folder.is_dir()


def parses(shell: Shell, command: Command) -> None:
    """Parses its options."""
    words = command.words
    parser().parse_args(words[words.index("mcp-grok") + 1 :])


def installs(shell: Shell, command: Command) -> None:
    """Checks that it installs this checkout, with extras that exist, and files that exist."""
    assert any(re.match(r"\.(\[|$)", word) for word in command.words)
    for extras in re.findall(r"\[(.+)\]", " ".join(command.words)):
        assert set(extras.split(",")) <= set(EXTRAS)
    names_files(shell, command)


def names_files(shell: Shell, command: Command) -> None:
    """Checks that the files that it names exist."""
    for word in command.words[1:]:
        if re.fullmatch(r"[\w./-]+\.(py|mjs|txt|png|yaml|toml)", word):
            assert (shell.folder / word).exists(), word


def names_module(shell: Shell, command: Command) -> None:
    """Checks that the module that it runs exists."""
    assert find_spec(command.words[-1]) is not None, command.words[-1]


def is_target(shell: Shell, command: Command) -> None:
    """Has make list what it would do."""
    run(shell, Command(["make", "--dry-run", *command.words[1:]], command.assigned))


def composes(shell: Shell, command: Command) -> None:
    """Checks that the file of variables beside it names every one that the compose file asks for."""
    asked = re.findall(r"\$\{(\w+):\?", (ROOT / "examples/deploy/compose.yaml").read_text(encoding="utf-8"))
    assert set(asked) <= set(re.findall(r"^(\w+)=", (shell.folder / ".env").read_text(), re.MULTILINE))


def is_known(shell: Shell, command: Command) -> None:
    """Checks nothing more."""


REGISTRY = "it installs from a registry"
EXAMPLE = "test_examples.py runs it, with what it installs"

TREATMENTS: list[tuple[str, Treatment, str]] = [
    # How a line begins, what is done with it, and the reason if it is not run. The first row that matches counts.
    (r"mcp-grok (serve --transport|sandbox)\b", serves_http, ""),
    (r"(python -m mcp_grok|mcp-grok)$", serves_stdio, ""),
    (r"mcp-grok models --live", parses, "the sandbox has no list of models"),
    (r"(\.venv/bin/)?mcp-grok ", runs, ""),
    (r"(cp|chmod) ", runs, ""),
    (r"export ", exports, ""),
    (r"cd ", enters, ""),
    (r"opentelemetry-instrument mcp-grok ", parses, "the program is another project's"),
    (r"(\.venv/bin/)?pip install |pipx install |uv tool install |python3 -m pip ", installs, REGISTRY),
    (r"python3 -m venv \.venv$", is_known, "the environment of the tests stands in for the one that it makes"),
    (r"make ", is_target, "it fills .venv from a registry; CI runs make lint and make test"),
    (r"\.venv/bin/python -m pytest ", names_files, "these are the tests"),
    (r"python -m tests\.[\w.]+$", names_module, "it takes minutes, and measures the machine or installs clients"),
    (r"python examples/|node |npm install$", names_files, EXAMPLE),
    (r"docker compose up", composes, "it needs a container engine; test_deploy.py runs its parts"),
    (r"docker buildx ", is_known, "it asks a registry of images"),
    (r"sudo chown ", is_known, "it needs root"),
]


def run(shell: Shell, command: Command, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs a command, which must succeed."""
    environment = {**shell.environment, **command.assigned}
    ended = subprocess.run(
        command.words,
        cwd=shell.folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert ended.returncode == 0, f"{command.words}: {ended.stdout}{ended.stderr}"
    return ended


def read(line: str) -> Command:
    """Reads a line as a command; replaces its placeholders by values."""
    words = shlex.split(line.replace("…", "example").replace("CLIENT", next(iter(CLIENTS))), comments=True)
    assigned = {}
    while words and ASSIGNMENT.match(words[0]):
        name, assigned[name] = words.pop(0).split("=", 1)
    if words[-1] == "&":
        words.pop()
    assert not set(words) & {"|", ">", "<", "&&", ";"}, "the test has no shell; write a line for each command"
    return Command(words, assigned)


def treatment(command: Command) -> Treatment:
    """The treatment of a command; fails if there is none."""
    line = " ".join(command.words)
    for pattern, treat, _ in TREATMENTS:
        if re.match(pattern, line):
            return treat
    pytest.fail(f"say in TREATMENTS how this is run or checked: {line}")


def lines(block: str) -> list[str]:
    """The commands of a block: continued lines joined, comments left out."""
    joined = block.replace("\\\n", " ").splitlines()
    return [line for line in joined if line.strip() and not line.startswith("#")]


def blocks() -> list[object]:
    """Every block of the pages, with its page as the name of the test."""
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    ]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A scratch copy of the checkout, with the sandbox as the provider."""
    folder, home = tmp_path / "checkout", tmp_path / "home"
    home.mkdir()
    folder.mkdir()
    for path in ROOT.iterdir():
        if not path.name.startswith((".", "examples")):
            (folder / path.name).symlink_to(path)
    # Some commands write there.
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("node_modules"))
    (folder / ".venv").symlink_to(sys.prefix)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in MOVED_FOLDERS},
        "HOME": str(home),
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "MCP_GROK_PROVIDER": "sandbox",
    }
    return Shell(folder, environment)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", blocks())
def test_commands_of_a_block(block: str, shell: Shell, request: pytest.FixtureRequest) -> None:
    if DOCUMENTED_REDIS in block:
        valkey: Valkey = request.getfixturevalue("session_valkey")
        block = block.replace(DOCUMENTED_REDIS, valkey.url)
    for line in lines(block):
        command = read(line)
        treatment(command)(shell, command)


@pytest.mark.parametrize(
    "line", sorted({line for page in PAGES for line in INLINE.findall(page.read_text(encoding="utf-8"))})
)
def test_command_within_a_sentence_is_valid(line: str, shell: Shell) -> None:
    command = read(line)
    check = parses if line.startswith("mcp-grok ") else treatment(command)
    check(shell, command)


def test_commands_are_in_sh_blocks() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        languages = re.findall(r"^ *```(.*)$", text, re.MULTILINE)[::2]
        assert set(languages) <= {"sh", "json", "text"}, page
        assert languages.count("sh") == len(BLOCK.findall(text)), page


def test_what_is_not_run_has_a_reason() -> None:
    for pattern, treat, reason in TREATMENTS:
        assert bool(reason) == (treat not in (runs, serves_stdio, serves_http, exports, enters)), pattern
