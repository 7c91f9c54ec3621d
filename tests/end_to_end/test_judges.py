"""What the official tools for checking servers say: the Inspector, and the conformance suite."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_grok.server import tools_in_force
from mcp_grok.settings import Settings
from tests.chat import CANCEL, CHAT, GET, HELLO, LIMIT, body_of, completion
from tests.conftest import KEY
from tests.end_to_end.suite_tools import do_what_is_asked, in_front_of
from tests.external import external
from tests.process import environment, serving
from tests.replay import COMPLETION, Replay

INSPECTOR = ("mcp-inspector", "npm install --global @modelcontextprotocol/inspector")
CONFORMANCE = ("conformance", "npm install --global @modelcontextprotocol/conformance@0.2.0-alpha.12")
SCRIPT = Path(sysconfig.get_path("scripts"), "mcp-grok")


@pytest.fixture
def inspector() -> None:
    """Skips where there is no Inspector, before anything is started."""
    external(*INSPECTOR)


@pytest.fixture
def conformance() -> str:
    """The conformance suite's command."""
    return external(*CONFORMANCE)


def inspect(*arguments: str) -> Any:
    """What the Inspector's command line prints as JSON."""
    command = [INSPECTOR[0], "--cli", *arguments, "--format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)["result"]


def over_stdio(given: dict[str, str], *arguments: str) -> Any:
    """The same with a server of its own."""
    settings = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
    return inspect(str(SCRIPT), *settings, *arguments)


def call(tool: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    """The options that call a tool."""
    return ("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))


@pytest.mark.usefixtures("inspector")
@pytest.mark.timeout(120)
async def test_inspector_lists_and_calls_every_tool(upstream: Replay, tmp_path: Path) -> None:
    upstream.answer(completion("word " * 2000))
    given = environment(upstream, store=f"disk:{tmp_path / 'store'}", max_result_bytes=str(LIMIT))
    thread = anyio.to_thread.run_sync
    tools = await thread(lambda: over_stdio(given, "--method", "tools/list", "--strict"))
    assert [tool["name"] for tool in tools["tools"]] == list(tools_in_force(Settings()))
    result = await thread(lambda: over_stdio(given, *call(CHAT, HELLO)))
    call_id = result["content"][1]["name"]
    part = await thread(lambda: over_stdio(given, *call(GET, {"id": call_id, "offset": 5})))
    assert body_of(part)["object"] == "chat.completion.part"
    ended = await thread(lambda: over_stdio(given, *call(CANCEL, {"id": call_id})))
    assert body_of(ended)["status"] == "ended"
    assert len(upstream.requests) == 1


@pytest.mark.usefixtures("inspector")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", ["http", "http modern", "sse"])
async def test_inspector_calls_the_tool_over_http_and_sse(upstream: Replay, way: str) -> None:
    thread = anyio.to_thread.run_sync
    transport, _, era = way.partition(" ")
    options = ("--transport", transport, *(("--protocol-era", era) if era else ()))
    async with serving(upstream, transport) as (url, _):
        result = await thread(lambda: inspect(url, *options, *call(CHAT, HELLO)))
    assert body_of(result) == COMPLETION


BOTH_ERAS = (
    "tools-list",
    "resources-list",
    "prompts-list",
    "dns-rebinding-protection",
)
SCENARIOS = [
    *((name, version) for name in BOTH_ERAS for version in ("2025-11-25", "2026-07-28")),
    ("server-initialize", "2025-11-25"),
    ("ping", "2025-11-25"),
    ("server-sse-multiple-streams", "2025-11-25"),
    ("caching", "2026-07-28"),
    ("http-header-validation", "2026-07-28"),
    ("sep-2164-resource-not-found", "2026-07-28"),
]
"""Those for servers with tools of their own, in the protocol versions that know them."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("scenario", "version"), SCENARIOS)
async def test_conformance_scenario_passes(
    conformance: str, upstream: Replay, scenario: str, version: str, tmp_path: Path
) -> None:
    async with serving(upstream, "http") as (url, _):
        command = [conformance, "server", "--url", url, "--scenario", scenario, "--spec-version", version]
        ended = await anyio.run_process(command, cwd=tmp_path, check=False)
    assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
    assert KEY not in ended.stdout.decode()


@pytest.mark.timeout(120)
async def test_stateless_scenario_misses_only_the_suites_own_tools(
    conformance: str, upstream: Replay, tmp_path: Path
) -> None:
    async with serving(upstream, "http") as (url, _):
        scenario = ("--scenario", "server-stateless", "--spec-version", "2026-07-28")
        command = [conformance, "server", "--url", url, *scenario]
        ended = await anyio.run_process(command, cwd=tmp_path, check=False)
    errors = re.findall(r"Error: (.*)", ended.stdout.decode())
    assert re.search(r"Passed: [1-9]", ended.stdout.decode())
    assert errors
    assert all("does not list the diagnostic tool" in error for error in errors), errors


NEEDS_INPUT = "needs a tool that asks its user for input; the tools of this server never do"
TASK_SCENARIOS: dict[str, dict[str, str]] = {
    "tasks-lifecycle": {
        "sep-2663-tasks-get-status-failed": "needs a tool that fails with an error of the protocol; every error of a "
        "call is a result here, so that the model can read it"
    },
    "tasks-capability-negotiation": {},
    "tasks-wire-fields": {},
    "tasks-request-state-removal": {},
    "tasks-request-headers": {
        "tasks-headers-tolerate-mcp-method-on-tools-call": "needs a tool whose text is a greeting alone; the text of "
        "this server is the whole completion"
    },
    "tasks-dispatch-and-envelope": {},
}
"""The scenarios for tasks that apply, each with the checks that do not, and why."""

OTHER_TASK_SCENARIOS = {
    "tasks-mrtr-input": NEEDS_INPUT,
    "tasks-mrtr-composition": NEEDS_INPUT,
    "tasks-required-task-error": "needs a tool that can only run as a task; without tasks a call is handed off here",
    "tasks-status-notifications": "the suite itself skips it; this server sends none, which the specification allows",
}
"""Those that do not apply, and why."""


async def test_every_task_scenario_has_been_looked_at(conformance: str) -> None:
    listed = await anyio.run_process([conformance, "list", "--server"])
    assert set(re.findall(r"\btasks-\S+", listed.stdout.decode())) == {*TASK_SCENARIOS, *OTHER_TASK_SCENARIOS}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("scenario", TASK_SCENARIOS)
async def test_task_scenario_passes_but_for_the_suites_own_tools(
    conformance: str, upstream: Replay, scenario: str, tmp_path: Path
) -> None:
    upstream.behave = do_what_is_asked
    async with serving(upstream, "http", task_after="0.5") as (url, _), Replay() as front:
        front.behave = in_front_of(url)
        command = [conformance, "server", "--url", f"{front.base_url}/mcp", "--scenario", scenario]
        ended = await anyio.run_process([*command, "--output-dir", str(tmp_path)], check=False)
    [checks] = [json.loads(path.read_bytes()) for path in tmp_path.glob("*/checks.json")]
    assert len(checks) > 1
    failed = {check["id"] for check in checks if check["status"] != "SUCCESS"}
    assert failed == TASK_SCENARIOS[scenario].keys(), ended.stdout.decode()
