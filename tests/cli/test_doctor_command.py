"""`mcp-grok doctor`, as a process."""

import asyncio
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from mcp_grok.cli.install.clients import CLIENTS
from mcp_grok.providers import PROVIDERS
from tests.cli.commands import file_of, run
from tests.conftest import KEY
from tests.process import MCP_GROK
from tests.replay import Exchange, Replay


@dataclass
class Findings:
    """The result of a run.

    Attributes:
        status: The exit status.
        out: The output.
        checks: State, finding and advice of each check by its name; the last one of several with the same name.
    """

    status: int
    out: str
    checks: dict[str, dict[str, str]]


async def doctor(home: Path, *options: str, **environment: str) -> Findings:
    """Runs the doctor with a home of its own."""
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK,
        "doctor",
        "--json",
        *options,
        env={**os.environ, "HOME": str(home), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert err == b""
    assert KEY.encode() not in out
    checks = json.loads(out)["checks"]
    return Findings(process.returncode or 0, out.decode(), {check["name"]: check for check in checks})


def pointing_to(upstream: Replay, provider: str = "xai") -> dict[str, str]:
    """The environment of a server whose provider is an upstream of ours."""
    return {"MCP_GROK_PROVIDER": provider, "XAI_API_KEY": KEY, "MCP_GROK_BASE_URL": upstream.base_url}


async def test_sandbox_passes_every_check(tmp_path: Path) -> None:
    found = await doctor(tmp_path, "--call", MCP_GROK_PROVIDER="sandbox")
    assert found.status == 0
    assert {name for name, check in found.checks.items() if check["state"] == "ok"} == {
        *("python", "packages", "settings", "key", "provider", "call", "server")
    }
    assert "MCP_GROK_PROVIDER=sandbox (environment)" in found.checks["settings"]["found"]
    assert "grok_chat_completions" in found.checks["server"]["found"]
    assert found.checks["call"]["found"] == "grok-4 answered, 7 tokens"


async def test_key_is_checked_for_free(tmp_path: Path, upstream: Replay) -> None:
    upstream.answer({"data": []})
    found = await doctor(tmp_path, **pointing_to(upstream))
    assert found.status == 0
    assert found.checks["key"]["found"] == "for xAI, from XAI_API_KEY (environment)"
    assert found.checks["key accepted"]["state"] == "ok"
    assert [request.path for request in upstream.requests] == ["/", "/v1/models"]
    assert upstream.requests[1].headers["authorization"] == f"Bearer {KEY}"
    assert found.checks["call"]["state"] == "skipped"


@pytest.mark.parametrize(
    ("file", "named"), [("", "(SSL_CERT_DIR is set)"), ("ca.pem", "(SSL_CERT_FILE and SSL_CERT_DIR are set)")]
)
async def test_variables_for_the_connection_are_named(tmp_path: Path, upstream: Replay, file: str, named: str) -> None:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    given = {"SSL_CERT_DIR": str(tmp_path), "SSL_CERT_FILE": file and str(tmp_path / file)}
    found = await doctor(tmp_path, **pointing_to(upstream), **given)
    assert found.checks["provider"]["found"].endswith(f" ms {named}")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_provider_without_a_list_of_models_is_no_failure(tmp_path: Path, upstream: Replay, name: str) -> None:
    upstream.answer({"detail": "Not Found"}, status=404)
    environment = {"MCP_GROK_PROVIDER": name, "MCP_GROK_API_KEY": KEY, "MCP_GROK_BASE_URL": upstream.base_url}
    ended = await run("models", "--live", env=environment)
    documented = await run("models", env=environment)
    text = ended.err.removeprefix("mcp-grok: ").removesuffix(".\n")
    assert text.startswith(f"{PROVIDERS[name].subject} lists no models")
    assert (ended.status, ended.out, documented.status) == (0, documented.out, 0)
    found = await doctor(tmp_path, **environment)
    accepted = found.checks["key accepted"]
    assert (found.status, accepted["state"], accepted["found"]) == (0, "skipped", f"{text}; --call checks the key")


async def test_list_of_models_that_is_none_does_not_prove_the_key(tmp_path: Path, upstream: Replay) -> None:
    upstream.answer(b"<html>Sign in to the network</html>")
    found = await doctor(tmp_path, **pointing_to(upstream))
    assert found.checks["key accepted"]["state"] == "skipped"
    assert "not a list of models" in found.checks["key accepted"]["found"]


@pytest.mark.parametrize(
    ("listed", "state"), [("grok-4.7", "ok"), ("grok-4.7-latest", "warning"), ("grok-9", "warning")]
)
async def test_default_model_that_is_not_listed_is_a_warning(
    tmp_path: Path, upstream: Replay, listed: str, state: str
) -> None:
    upstream.answer({"data": [{"id": listed}]})
    found = await doctor(tmp_path, **pointing_to(upstream))
    assert (found.status, found.checks["key accepted"]["state"]) == (0, state)
    alias = await doctor(tmp_path, **pointing_to(upstream), MCP_GROK_DEFAULT_MODEL="grok-4.7-latest")
    assert alias.checks["key accepted"]["state"] == ("warning" if listed == "grok-9" else "ok")


async def test_refused_key_fails(tmp_path: Path, upstream: Replay) -> None:
    upstream.answer({"error": f"no {KEY}"}, status=401)
    found = await doctor(tmp_path, "--call", **pointing_to(upstream))
    assert found.status == 1
    assert (found.checks["key accepted"]["state"], found.checks["call"]["state"]) == ("failed", "failed")
    assert "new key" in found.checks["key accepted"]["advice"]


async def test_toolset_that_the_provider_lacks_is_a_warning(tmp_path: Path, upstream: Replay) -> None:
    found = await doctor(tmp_path, **pointing_to(upstream, "acedata"), MCP_GROK_TOOLSETS="chat,image")
    check = found.checks["toolsets"]
    assert (check["state"], check["found"]) == ("warning", "AceData has no image tools; xAI has them")
    assert check["advice"] == "Take image out of MCP_GROK_TOOLSETS, or set MCP_GROK_PROVIDER and its key."
    usual = await doctor(tmp_path, **pointing_to(upstream, "acedata"))
    assert "toolsets" not in usual.checks


@pytest.mark.parametrize(
    ("provider", "toolsets", "state", "found"),
    [
        ("xai", "all", "ok", "image: grok-imagine-image, "),
        ("xai", "chat,video", "ok", "grok-imagine-image-quality (not listed); video: grok-imagine-video, "),
        ("acedata", "chat", "skipped", "(not listed). MCP_GROK_TOOLSETS=all lists their tools"),
    ],
)
async def test_models_for_pictures_and_videos_are_named(
    tmp_path: Path, upstream: Replay, provider: str, toolsets: str, state: str, found: str
) -> None:
    checks = (await doctor(tmp_path, **pointing_to(upstream, provider), MCP_GROK_TOOLSETS=toolsets)).checks
    assert checks["media"]["state"] == state
    assert found in checks["media"]["found"]
    assert ("image:" in checks["media"]["found"]) is (provider == "xai")


async def test_output_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    made, missing, file = tmp_path / "made", tmp_path / "a" / "b", tmp_path / "file"
    made.mkdir()
    file.write_text("")
    for folder in (made, missing):
        found = await doctor(tmp_path, MCP_GROK_PROVIDER="sandbox", MCP_GROK_OUTPUT_DIR=str(folder))
        assert (found.status, found.checks["output folder"]["found"]) == (0, f"{folder} can be written")
    assert list(made.iterdir()) == []
    assert not missing.parent.exists()
    found = await doctor(tmp_path, MCP_GROK_PROVIDER="sandbox", MCP_GROK_OUTPUT_DIR=str(file))
    assert found.status == 1
    assert "it is not a folder" in found.checks["output folder"]["found"]
    assert "MCP_GROK_OUTPUT_DIR" in found.checks["output folder"]["advice"]


async def test_provider_without_pictures_and_videos_has_no_line_for_them(tmp_path: Path, upstream: Replay) -> None:
    found = await doctor(tmp_path, **pointing_to(upstream, "custom"))
    assert not {"media", "output folder"} & found.checks.keys()


async def test_wrong_clock_is_a_warning(tmp_path: Path, upstream: Replay) -> None:
    upstream.answer({}, headers="date: Sat, 01 Jan 2000 00:00:00 GMT\r\n")
    found = await doctor(tmp_path, **pointing_to(upstream))
    assert found.status == 0
    assert found.checks["clock"]["state"] == "warning"
    assert found.checks["clock"]["found"].endswith("s fast")


async def test_unreachable_provider_fails(tmp_path: Path) -> None:
    found = await doctor(tmp_path, XAI_API_KEY=KEY, MCP_GROK_BASE_URL="http://127.0.0.1:1")
    assert found.status == 1
    assert found.checks["provider"]["state"] == "failed"
    assert "MCP_GROK_BASE_URL" in found.checks["provider"]["advice"]
    assert found.checks["server"]["state"] == "ok"


async def test_untrusted_certificate_fails(tmp_path: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    async with Replay(server) as upstream:
        address = upstream.base_url.replace("http:", "https:")
        found = await doctor(tmp_path, XAI_API_KEY=KEY, MCP_GROK_BASE_URL=address)
    assert found.checks["provider"]["state"] == "failed"
    assert "SSL_CERT_FILE" in found.checks["provider"]["advice"]


async def test_provider_without_http_fails(tmp_path: Path, upstream: Replay) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.send(b"SSH-2.0-nonsense\r\n")
        exchange.hang_up()

    upstream.behave = behave
    found = await doctor(tmp_path, **pointing_to(upstream))
    assert found.checks["provider"]["state"] == "failed"


async def test_missing_key_and_wrong_settings_fail(tmp_path: Path, upstream: Replay) -> None:
    found = await doctor(tmp_path, MCP_GROK_BASE_URL=upstream.base_url, MCP_GROK_TIMEOU="5")
    assert found.status == 1
    assert "ACEDATACLOUD_API_TOKEN" in found.checks["key"]["advice"]
    assert found.checks["settings"] == {
        "name": "settings",
        "state": "warning",
        "found": "MCP_GROK_TIMEOU is not a setting",
        "advice": "Did you mean MCP_GROK_TIMEOUT?",
    }
    found = await doctor(tmp_path, MCP_GROK_TIMEOUT="soon")
    assert found.status == 1
    assert (
        "MCP_GROK_TIMEOUT must be a number of seconds above 0, at most 86400; it is 'soon'"
        in found.checks["settings"]["found"]
    )


def grok_in(**environment: str) -> dict[str, Any]:
    """Cursor's file with our entry."""
    return {"mcpServers": {"grok": {"command": MCP_GROK[0], "args": ["-m", "mcp_grok"], "env": environment}}}


@pytest.mark.parametrize(
    ("clients", "holders"),
    [
        (["cursor"], "Cursor has one of its own"),
        (["cursor", "claude-code"], "Claude Code and Cursor have keys of their own"),
    ],
)
async def test_key_of_a_client_is_enough(tmp_path: Path, upstream: Replay, clients: list[str], holders: str) -> None:
    for client in clients:
        path = file_of(client, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(grok_in(ACEDATACLOUD_API_TOKEN=KEY)))
    found = await doctor(tmp_path, MCP_GROK_BASE_URL=upstream.base_url)
    assert found.status == 0
    assert found.checks["key"]["found"].endswith(holders)


@pytest.mark.parametrize(
    ("content", "state", "advice"),
    [
        (grok_in(XAI_API_KEY="a key of its own"), "ok", ""),
        (grok_in(MCP_GROK_PROVIDER="sandbox"), "ok", ""),
        (grok_in(XAI_API_KEY="${env:NOT_SET}"), "warning", "NOT_SET"),
        (grok_in(), "warning", "with the key set"),
        ({"mcpServers": {"grok": {"command": MCP_GROK[0], "args": None, "env": []}}}, "failed", "writes it again"),
        ({"mcpServers": {"grok": {"command": "env"}}}, "warning", "mcp-grok install cursor"),
        ({"mcpServers": {"grok": {"command": "no-such-mcp-grok"}}}, "failed", "mcp-grok install cursor"),
        (
            {"mcpServers": {"grok": {"command": MCP_GROK[0], "url": "http://a/mcp"}}},
            "failed",
            "mcp-grok install cursor",
        ),
        ({"mcpServers": {"grok": []}}, "failed", "mcp-grok install cursor"),
        ({"mcpServers": {"grok": {"command": "/nowhere/mcp-grok"}}}, "failed", "mcp-grok install cursor"),
        ({"mcpServers": {}}, "skipped", "mcp-grok install cursor"),
        ("[", "failed", ""),
        ([], "failed", ""),
    ],
)
async def test_client_file_is_checked(tmp_path: Path, content: Any, state: str, advice: str) -> None:
    path = tmp_path / CLIENTS["cursor"].files[0]
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = await doctor(tmp_path, MCP_GROK_PROVIDER="sandbox")
    assert found.checks["cursor"]["state"] == state
    assert advice in found.checks["cursor"]["advice"]
    assert f"{found.checks['cursor']}".count("by hand") == (state == "failed" and not advice)
    assert found.checks["codex"]["state"] == "skipped"
    assert found.status == (state == "failed")


async def test_key_without_a_provider_fails(tmp_path: Path, upstream: Replay) -> None:
    found = await doctor(tmp_path, MCP_GROK_API_KEY=KEY, MCP_GROK_BASE_URL=upstream.base_url)
    assert found.checks["key"]["state"] == "failed"
    assert "MCP_GROK_PROVIDER" in found.checks["key"]["advice"]


async def test_text_output_has_findings_and_advice(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK, "doctor", env={**os.environ, "HOME": str(tmp_path)}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    lines = out.decode().splitlines()
    assert lines[3].startswith("failed   key             there is none for AceData")
    assert lines[4].strip() == "Set ACEDATACLOUD_API_TOKEN, or MCP_GROK_PROVIDER with MCP_GROK_API_KEY."
    assert process.returncode == 1


@pytest.mark.parametrize("password", ["hunter2", "x@hunter2", "hunter2@x@y", "%40hunter2"])
async def test_password_of_the_store_is_hidden(tmp_path: Path, password: str) -> None:
    store = {"MCP_GROK_PROVIDER": "sandbox", "MCP_GROK_STORE": f"redis://ann:{password}@127.0.0.1:1/0"}
    found = await doctor(tmp_path, **store)
    assert "redis://…@127.0.0.1:1/0" in found.out
    assert "hunter2" not in found.out
    assert found.checks["server"]["state"] == "failed"


async def test_secret_in_the_entry_of_a_client_is_hidden(tmp_path: Path) -> None:
    path = file_of("cursor", tmp_path)
    path.parent.mkdir(parents=True)
    entry = {"command": "/bin/sh", "args": ["--api-key", "hunter2", "-c", "TOKEN=hunter3"]}
    path.write_text(json.dumps({"mcpServers": {"grok": {**entry, "env": {"XAI_API_KEY": KEY}}}}))
    found = await doctor(tmp_path, MCP_GROK_PROVIDER="sandbox")
    assert found.checks["cursor"]["found"] == f"{path} starts /bin/sh --api-key … -c TOKEN=…, for xAI"


@pytest.mark.parametrize("name", ["XAI_API_KEY", "MCP_GROK_PROVIDER", "MCP_GROK_TIMEOUT"])
async def test_key_in_the_place_of_another_setting_is_hidden(tmp_path: Path, name: str) -> None:
    found = await doctor(tmp_path, **{name: f"{KEY} x" if name == "XAI_API_KEY" else KEY})
    assert found.checks["settings"]["state"] == "failed"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_pipe_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    path = file_of("cursor", tmp_path)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    found = await doctor(tmp_path, MCP_GROK_PROVIDER="sandbox")
    assert (found.checks["cursor"]["state"], "regular file" in found.checks["cursor"]["found"]) == ("failed", True)
