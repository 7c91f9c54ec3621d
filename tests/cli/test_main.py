"""The command line as real processes: what goes to stdout, what to stderr, and with which status each ends."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import tomllib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx2
import pytest

import mcp_grok
from mcp_grok.cli import main as cli
from mcp_grok.providers import ACEDATA_PATH, SANDBOX_KEY
from mcp_grok.sandbox.answers import NOTICE
from tests import ROOT
from tests.cli.commands import at, run
from tests.conftest import KEY
from tests.process import MCP_GROK, free_port
from tests.replay import COMPLETION, REST, TEXT, Replay, hold

NO_KEY = "no key is set: set ACEDATACLOUD_API_TOKEN, LLMPROVIDER_API_KEY or XAI_API_KEY"
BRING = "callers send theirs for AceData in the header X-Grok-Api-Key"
CUSTOM = {"MCP_GROK_PROVIDER": "custom", "MCP_GROK_BASE_URL": "http://127.0.0.1:1"}
UNKNOWN = "MCP_GROK_API_KEY is set, but not the provider that it is for"
SANDBOX = {"MCP_GROK_PROVIDER": "sandbox"}
NO_OUTPUT = "MCP_GROK_OUTPUT_DIR has no effect over SSE and HTTP: results have addresses in place of files"


@asynccontextmanager
async def running(*arguments: str, env: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Process]:
    """The command under way, on pipes; killed at the latest when left."""
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, *arguments, stdout=PIPE, stderr=PIPE, cwd=ROOT, env={**os.environ, **env}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_version() -> None:
    assert await run("--version") == (0, f"mcp-grok {mcp_grok.__version__}\n", "")


async def test_no_command_serves_stdio() -> None:
    assert await run() == (0, "", "")


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("", "MCP_GROK_TIMEOUT", "0"),
        ("", "MCP_GROK_MAX_RESULT_BYTES", "1999"),
        ("", "MCP_GROK_STORE", "redis:"),
        ("", "MCP_GROK_STORE", "disk:"),
        ("", "MCP_GROK_STORE", "disk:~nobody-of-that-name/x"),
        ("", "MCP_GROK_STORE", "disk:/dev/null"),
        ("serve --transport http --port 0", "MCP_GROK_ON_DISCONNECT", "wait"),
        ("", "MCP_GROK_BASE_URL", "https://999.1.1.1"),
        ("serve --transport http --port 0", "MCP_GROK_PROVIDER", "nobody"),
        ("chat Hello", "MCP_GROK_API_KEY", f"{KEY} {KEY}"),
    ],
)
async def test_wrong_setting_is_a_usage_error(command: str, name: str, value: str) -> None:
    ended = await run(*command.split(), env={name: value})
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(f"mcp-grok: {name}")
    assert KEY not in ended.err


@pytest.mark.parametrize(
    "store", ["valkey://:hunter2@host", "REDIS://ann:hunter2@host", "redis+sentinel://:hunter2@x@h"]
)
@pytest.mark.parametrize("command", ["", "doctor", "serve --transport http --port 0"])
async def test_password_of_a_store_of_another_kind_is_not_shown(command: str, store: str) -> None:
    ended = await run(*command.split(), env={**SANDBOX, "MCP_GROK_STORE": store})
    assert ended.status != 0
    assert "MCP_GROK_STORE" in ended.out + ended.err
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_pipe_as_token_file_ends_the_server_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokens", 0o600)
    options = ("--transport", "http", "--port", "0", "--token-file", str(tmp_path / "tokens"))
    ended = await run("serve", *options, env=SANDBOX)
    assert ended.status == 2
    assert "it is not a regular file" in ended.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
async def test_store_in_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    ended = await run(env={**SANDBOX, "MCP_GROK_STORE": f"disk:{folder}"})
    assert ended.status == 2
    assert "belongs to another user" in ended.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--colour"], ["sing"], ["chat"], ["serve", "--transport", "pigeon"]])
async def test_wrong_option_is_a_usage_error(arguments: list[str]) -> None:
    ended = await run(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("usage: mcp-grok")
    assert arguments[-1] in ended.err


@pytest.mark.parametrize(
    ("command", "host", "message"),
    [
        ("serve --transport http", "0.0.0.0", "everyone who reaches the server could spend your key"),
        ("serve --transport sse", "example.com", "everyone who reaches the server could spend your key"),
        ("sandbox", "::", "only 127.0.0.1, localhost and ::1 can be served"),
    ],
)
async def test_other_hosts_need_authentication(command: str, host: str, message: str) -> None:
    ended = await run(*command.split(), "--host", host, "--port", "0")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert f"--host {host}: {message}" in ended.err


@pytest.mark.parametrize(("command", "port"), [("serve --transport http", 0), ("sandbox", 99_999)])
async def test_unavailable_port_is_a_usage_error(command: str, port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = port or taken.getsockname()[1]
        ended = await run(*command.split(), "--port", str(port))
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith(f"mcp-grok: cannot listen on port {port}: ")


@pytest.mark.parametrize("option", ["--port=9000", "--host=0.0.0.0"])
async def test_address_needs_a_transport(option: str) -> None:
    ended = await run("serve", option)
    name = option.partition("=")[0]
    assert ended == (2, "", f"mcp-grok: {name} needs --transport http or --transport sse\n")


async def test_misspelt_variable_warns(upstream: Replay) -> None:
    ended = await run("chat", "Hello", env={**at(upstream), "MCP_GROK_TIMOUT": "3", "MCP_GROK_COLOUR": "red"})
    assert (ended.status, ended.out) == (0, "Yo!\n")
    assert "MCP_GROK_TIMOUT is not a setting; did you mean MCP_GROK_TIMEOUT?\n" in ended.err
    assert "MCP_GROK_COLOUR is not a setting\n" in ended.err


async def test_chat_writes_the_answer_as_it_comes(upstream: Replay) -> None:
    upstream.behave = hold
    async with running("chat", "Hello", env=at(upstream)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        exchange = await asyncio.wait_for(upstream.exchanges.get(), 10)
        assert await asyncio.wait_for(process.stdout.readexactly(6), 10) == b"so far"
        exchange.chunk(REST)
        exchange.end()
        assert await asyncio.wait_for(process.stdout.read(), 10) == b", done\n"
        assert await process.stderr.read() == b""
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_chat_says_that_an_answer_may_be_incomplete(upstream: Replay) -> None:
    upstream.stream(TEXT, b"data: [DONE]\n\n")
    ended = await run("chat", "Hello", env=at(upstream))
    assert (ended.status, ended.out) == (0, "so far\n")
    assert "may be incomplete. The stream ended with [DONE] but without a finish_reason." in ended.err


async def test_chat_sends_its_options(upstream: Replay) -> None:
    image = "https://example.com/a.png"
    options = (
        "--system",
        "Be brief.",
        "--image",
        image,
        "--image",
        "data:image/png;base64,iVBORw0KGgo=",
        "--model",
        "grok-3",
    )
    ended = await run("chat", "-", *options, stdin="Ümlaut?\n".encode(), env=at(upstream))
    assert ended == (0, "Yo!\n", "")
    [request] = upstream.requests
    assert (request.path, request.headers["authorization"]) == (ACEDATA_PATH, f"Bearer {KEY}")
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in (image, "data:image/png;base64,iVBORw0KGgo=")]
    assert request.json == {
        "model": "grok-3",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Ümlaut?\n"}, *parts]},
        ],
        "stream": True,
    }


async def test_chat_json_is_the_whole_completion(upstream: Replay) -> None:
    ended = await run("chat", "--json", "Hello", env=at(upstream))
    assert (ended.status, json.loads(ended.out), ended.err) == (0, COMPLETION, "")
    body = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}], "stream": False}
    assert upstream.requests[0].json == body


async def test_chat_with_the_sandbox_needs_no_key() -> None:
    ended = await run("chat", "--json", "--model", "grok-3", "Hello", env=SANDBOX)
    completion = json.loads(ended.out)
    assert completion["choices"][0]["message"]["content"].startswith(NOTICE)
    assert (ended.status, completion["model"], ended.err) == (0, "grok-3", "")


async def test_chat_writes_what_came_of_a_cut_answer() -> None:
    ended = await run("chat", "--model", "sandbox-cut", "Hello", env=SANDBOX)
    assert ended.status == 1
    assert ended.out.startswith(NOTICE)
    assert ended.out.endswith("\n")
    assert "mcp-grok: The answer of the sandbox ended before it was complete" in ended.err
    assert "What came is above.\n" in ended.err
    assert "partial" not in ended.err
    assert "  retryable: yes\n" in ended.err
    assert "  code: stream_truncated\n" in ended.err


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["Hello"], {}, f"There is no key for AceData: {NO_KEY.removeprefix('no key is set: ')} in your shell, or"),
        (["Hello"], {"MCP_GROK_PROVIDER": "xai"}, "There is no key for xAI: set XAI_API_KEY in your shell, or"),
        (["Hello"], CUSTOM, "Name a model with --model, or set MCP_GROK_DEFAULT_MODEL."),
        (["--model", "sandbox-no_api", "Hello"], SANDBOX, "check --model and MCP_GROK_BASE_URL."),
        (["--model", "sandbox-bad_request", "Hello"], SANDBOX, "The sandbox refused the request; its reason is below."),
        (["--image", "http://a/b.png", "Hello"], SANDBOX, "http://a/b.png must be an https URL"),
        (["--image", "/no.png", "Hello"], SANDBOX, "mcp-grok: /no.png cannot be read: no such file or directory."),
        (["--image", "no.png", "Hello", "--system", "?"], SANDBOX, "mcp-grok: no.png cannot be read: no such file"),
        (["--image", "~/no.png", "Hello"], SANDBOX, "mcp-grok: ~/no.png cannot be read: no such file"),
        (
            ["--image", "file:///no%20.png", "Hello"],
            SANDBOX,
            "mcp-grok: file:///no%20.png cannot be read: no such file",
        ),
        (["--image", "icon.png", "--image", __file__, "Hello"], SANDBOX, f"mcp-grok: {__file__} is not an image"),
        (["--image", f"data:image/png;base64,{'aGFs' * 90}", "Hello"], SANDBOX, "base64,aGFsaGFsaGFsaGFsaG… is not an"),
        (["--json", "--model", "sandbox-used_up", "Hello"], SANDBOX, "The balance or quota at the sandbox is used up"),
    ],
)
async def test_failed_chat_writes_nothing_to_stdout(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    ended = await run("chat", *arguments, env=environment)
    assert (ended.status, ended.out) == (1, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert "messages[" not in ended.err
    assert "retryable: no\n" in ended.err


@pytest.mark.parametrize("words", [[""], [" ", "\n"], ["-"], ["", "--image", "icon.png"]])
async def test_empty_question_is_refused_before_it_costs(upstream: Replay, words: list[str]) -> None:
    ended = await run("chat", *words, stdin=b" \n", env=at(upstream))
    assert ended == (2, "", "mcp-grok: the question is empty; nothing was sent\n")
    assert upstream.requests == []


async def test_question_needs_no_quotes(upstream: Replay) -> None:
    ended = await run("chat", "why", "is", "the", "sky", "blue", "--model", "grok-3", env=at(upstream))
    assert ended == (0, "Yo!\n", "")
    assert upstream.requests[0].json["messages"] == [{"role": "user", "content": "why is the sky blue"}]


@pytest.mark.parametrize("path", ["icon.png", f"file://{ROOT}/icon.png"])
async def test_image_of_a_question_is_a_file_or_its_url(upstream: Replay, path: str) -> None:
    assert await run("chat", "Hello", "--image", path, env=at(upstream)) == (0, "Yo!\n", "")
    [_, part] = upstream.requests[0].json["messages"][0]["content"]
    assert part["image_url"]["url"].startswith("data:image/png;base64,")


async def test_api_that_wants_a_key_says_which_variable_to_set(upstream: Replay) -> None:
    upstream.answer({"error": {"message": "Incorrect API key", "type": "invalid_request_error"}}, status=401)
    environment = {**CUSTOM, "MCP_GROK_BASE_URL": upstream.base_url}
    without = await run("chat", "Hello", "--model", "m", env=environment)
    assert "mcp-grok: The custom API wants a key: set MCP_GROK_API_KEY in your shell.\n" in without.err
    wrong = await run("chat", "Hello", "--model", "m", env={**environment, "MCP_GROK_API_KEY": KEY})
    assert "mcp-grok: The custom API refused the key; check MCP_GROK_API_KEY and" in wrong.err


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_chat_replaces_unprintable_characters(upstream: Replay, options: tuple[str, ...]) -> None:
    upstream.answer({"choices": [{"index": 0, "message": {"content": "naïve"}, "finish_reason": "stop"}]})
    ended = await run("chat", *options, "Hello", env={**at(upstream), "PYTHONIOENCODING": "ascii"})
    assert (ended.status, ended.err) == (0, "")
    assert "na" in ended.out


async def test_chat_replaces_bytes_that_are_not_utf8(upstream: Replay) -> None:
    environment = {**at(upstream), "PYTHONIOENCODING": "utf-8:strict"}
    ended = await run("chat", "-", stdin=b"caf\xe9", env=environment)
    assert ended == (0, "Yo!\n", "")
    assert upstream.requests[0].json["messages"][0]["content"] == "caf\ufffd"


async def test_closed_stdout_ends_the_call(upstream: Replay) -> None:
    upstream.behave = hold
    async with running("chat", "Hello", env=at(upstream)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        exchange = await asyncio.wait_for(upstream.exchanges.get(), 10)
        await asyncio.wait_for(process.stdout.readexactly(6), 10)
        process.stdout._transport.close()  # type: ignore[attr-defined]
        # The pipe is closed a moment later: what comes before is still written to it.
        async with asyncio.timeout(10):
            while not exchange.closed.is_set():
                exchange.chunk(TEXT)
                await asyncio.wait([asyncio.create_task(exchange.closed.wait())], timeout=0.05)
        assert b"Traceback" not in await asyncio.wait_for(process.stderr.read(), 10)
        await asyncio.wait_for(process.wait(), 10)


@pytest.mark.parametrize("command", [("models",), ("doctor",)])
async def test_output_that_nothing_reads_ends_the_command(command: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(*MCP_GROK, *command, stdout=writing, stderr=PIPE, cwd=ROOT)
    os.close(writing)
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, errors) == (141, b"")


async def test_interrupt_ends_the_call(upstream: Replay) -> None:
    upstream.behave = hold
    async with running("chat", "Hello", env=at(upstream)) as process:
        exchange = await asyncio.wait_for(upstream.exchanges.get(), 10)
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(exchange.closed.wait(), 10)
        assert process.stderr is not None
        assert b"Traceback" not in await asyncio.wait_for(process.stderr.read(), 10)
        assert await asyncio.wait_for(process.wait(), 10) == 128 + signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_sandbox_serves_until_a_signal(number: signal.Signals) -> None:
    async with running("sandbox", "--port", "0") as process:
        assert process.stderr is not None
        line = (await asyncio.wait_for(process.stderr.readline(), 10)).decode()
        assert line.startswith("mcp-grok: listening on http://127.0.0.1:")
        headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
        body = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}
        async with httpx2.AsyncClient(headers=headers, verify=False) as client:
            response = await client.post(line.split()[3] + ACEDATA_PATH, json=body)
        assert response.json()["choices"][0]["message"]["content"].startswith(NOTICE)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 10) == 128 + number
        assert await process.stderr.read() == b""


@pytest.mark.parametrize(
    ("options", "noticed"), [((), True), (("--behind-proxy",), False), (("--host", "127.0.0.1"), False)]
)
async def test_server_for_other_machines_says_that_it_has_no_tls(options: Sequence[str], noticed: bool) -> None:
    reachable = ("--host", "0.0.0.0", "--allowed-host", "grok.example.com", "--caller-keys", "require")
    async with running("serve", "--transport", "http", "--port", "0", *reachable, *options, env=SANDBOX) as process:
        assert process.stderr is not None
        first = (await asyncio.wait_for(process.stderr.readline(), 10)).decode()
        port = urlsplit(first.split()[3]).port
        # Once it answers, it has written what it has to say.
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
        process.terminate()
        rest = await asyncio.wait_for(process.stderr.read(), 10)
    assert "listening on" in first
    assert (b"has no TLS" in rest) is noticed


@pytest.mark.parametrize(
    ("options", "environment", "lines"),
    [
        ("--transport http", SANDBOX, ["/mcp", "/sse", "/healthz /readyz"]),
        ("--transport http --no-sse", SANDBOX, ["/mcp", "/healthz /readyz"]),
        ("--transport sse", SANDBOX, ["/sse", "/healthz /readyz"]),
        (
            "--transport http",
            {},
            [
                *("/mcp", "/sse", "/healthz /readyz"),
                f"{NO_KEY}, or let {BRING} with --caller-keys allow",
            ],
        ),
        (
            "--transport sse --caller-keys require",
            {"MCP_GROK_PROVIDER": "xai"},
            ["/sse", "/healthz /readyz", f"no key is set: {BRING.replace('AceData', 'xAI')}"],
        ),
        ("--transport sse", {"XAI_API_KEY": KEY}, ["/sse", "/healthz /readyz"]),
        (
            "--transport sse",
            {"MCP_GROK_API_KEY": KEY},
            ["/sse", "/healthz /readyz", f"{UNKNOWN}: set MCP_GROK_PROVIDER too"],
        ),
        ("--transport http", {"MCP_GROK_LOG_FORMAT": "json"}, ["/mcp"]),
        (
            "--transport http --no-sse",
            {**SANDBOX, "MCP_GROK_OUTPUT_DIR": str(Path("/pictures").absolute())},
            [NO_OUTPUT, "/mcp", "/healthz /readyz"],
        ),
    ],
)
async def test_server_names_its_addresses_and_a_missing_key(
    options: str, environment: dict[str, str], lines: list[str]
) -> None:
    async with running("serve", *options.split(), "--port", "0", env=environment) as process:
        assert process.stderr is not None
        said = [(await asyncio.wait_for(process.stderr.readline(), 20)).decode() for _ in lines]
        for line, expected in zip(said, lines, strict=True):
            addresses = re.findall(r"http://127\.0\.0\.1:\d+(/\w+)", line)
            assert expected in (" ".join(addresses), line.removeprefix("mcp-grok: ").rstrip())
        process.terminate()
        assert await asyncio.wait_for(process.stderr.read(), 20) == b""


async def test_server_names_the_address_of_its_metrics() -> None:
    port = free_port()
    async with running(
        "serve", "--transport", "sse", "--port", "0", "--metrics-port", str(port), env=SANDBOX
    ) as served:
        assert served.stderr is not None
        said = [(await asyncio.wait_for(served.stderr.readline(), 20)).decode() for _ in range(3)]
        assert said[2] == f"mcp-grok: metrics are at http://127.0.0.1:{port}/metrics\n"
        # Once it answers, it serves its metrics, too.
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
            for line in said[1:]:
                assert (await client.get(line.split()[-1])).status_code == 200
        served.terminate()


def test_console_scripts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == dict.fromkeys(("mcp-grok", "mcp-grok-chat"), "mcp_grok.cli.main:main")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])


def test_package_exports() -> None:
    assert sorted(mcp_grok.__all__) == ["Settings", "__version__", "create_server"]
    assert all(hasattr(mcp_grok, name) for name in mcp_grok.__all__)
    assert mcp_grok.Settings.__module__ == "mcp_grok.settings"
    assert mcp_grok.create_server.__module__ == "mcp_grok.server"
    with pytest.raises(AttributeError, match="'mcp_grok' has no attribute 'creat_server'"):
        _ = mcp_grok.creat_server


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
async def test_version_and_help_import_no_command(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom mcp_grok.cli.main import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name in ('mcp', 'pydantic', 'anyio') or name.endswith('_command')])"
    )
    ended = await run("-c", program, command=[sys.executable])
    assert ended.out.endswith("\n[]\n")


async def test_import_of_the_package_is_light() -> None:
    program = "import sys, mcp_grok; print([name for name in ('mcp', 'pydantic', 'anyio') if name in sys.modules])"
    assert await run("-c", program, command=[sys.executable]) == (0, "[]\n", "")
