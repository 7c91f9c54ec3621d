"""The deployment: its files checked as far as they can be without an engine, and run for real without containers."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import compose_spec
import httpx2
import pytest
import yaml

from mcp_grok.cli.main import parser
from mcp_grok.http.options import ServiceOptions
from mcp_grok.settings import Settings
from tests import DEPLOY, ROOT
from tests.end_to_end.test_many_servers import nginx
from tests.external import NGINX, external
from tests.replay import Replay


def compose() -> Any:
    """The compose file, with its merges applied."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def dockerfile() -> list[tuple[str, str]]:
    """The instructions, with lines that go on joined."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    # The names of the servers are known only in the network of the composition.
    config = tmp_path / "nginx.conf"
    config.write_text(re.sub(r"server\d:8000", "127.0.0.1:8000", text).replace("/tmp/nginx", f"{tmp_path}/nginx"))
    ended = subprocess.run([external(*NGINX), "-t", "-c", config], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "warn" not in ended.stderr


def test_composition_fits_the_specification() -> None:
    composition = compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose()))
    for check in ("networks", "secrets", "volumes", "configs"):
        getattr(composition, f"validate_{check}")()
    assert set(composition.service_names()) == {"nginx", "server1", "server2", "server3", "valkey"}


def test_nginx_names_the_servers_of_the_composition() -> None:
    asked = set(re.findall(r"server (\w+):8000", (DEPLOY / "nginx.conf").read_text(encoding="utf-8")))
    assert asked == {name for name in compose()["services"] if name.startswith("server")}


def test_commands_of_the_composition_are_valid() -> None:
    for name, service in compose()["services"].items():
        if name.startswith("server"):
            command = [part.replace("${GROK_HOST:-localhost}", "localhost") for part in service["command"]]
            store = re.sub(r"\$\{\w+:\?[^}]+\}", "a1b2", service["environment"]["MCP_GROK_STORE"])
            options = ServiceOptions.read(parser().parse_args(command), Settings(store=store))
            assert options.authenticates
            grace = int(service["stop_grace_period"].removesuffix("s"))
            assert options.drain < grace


def test_only_the_servers_reach_the_store() -> None:
    services = compose()["services"]
    networks = {name: set(service["networks"]) for name, service in services.items()}
    assert "ports" not in services["valkey"]
    assert not networks["nginx"] & networks["valkey"]
    for name in ("server1", "server2", "server3"):
        assert networks[name] == networks["nginx"] | networks["valkey"]


def test_store_needs_a_password_and_evicts_nothing() -> None:
    services = compose()["services"]
    command = " ".join(services["valkey"]["command"])
    for option in ("--requirepass $", "--maxmemory-policy noeviction", "--appendonly yes"):
        assert option in command
    assert ":${VALKEY_PASSWORD" in services["server1"]["environment"]["MCP_GROK_STORE"]


def test_every_container_is_confined() -> None:
    for name, service in compose()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["tmpfs"] == ["/tmp"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "cap_add" not in service, name
        assert "build" in service or not service["user"].startswith(("0", "root")), name


def test_images_have_exact_tags_and_packages_exact_versions() -> None:
    images = [service["image"] for service in compose()["services"].values() if "image" in service]
    images += [value.split()[0] for name, value in dockerfile() if name == "FROM"]
    assert [image for image in images if not re.search(r":\d+\.\d+\.\d+-", image)] == []
    assert "PIP_CONSTRAINT=/src/constraints.txt" in dict(dockerfile()[::-1])["ENV"]


def test_ports_are_for_this_machine() -> None:
    assert [port for service in compose()["services"].values() for port in service.get("ports", ())] == [
        "127.0.0.1:8080:8080"
    ]


PATHS = ["/metrics", "/healthz", "//metrics", "/%6detrics", "/mcp/../metrics", "/mcp/..%2fmetrics", "/metrics/", "/x"]


async def test_nginx_passes_on_only_what_clients_use(tmp_path: Path, upstream: Replay) -> None:
    upstream.answer({"status": "ready"})
    port = int(upstream.base_url.rpartition(":")[2])
    async with nginx([port] * 3, tmp_path) as url:
        address = urlsplit(url)
        upstream.requests.clear()
        for path in PATHS:
            assert await status_of(address.netloc, path) == 404, path
        assert upstream.requests == []
        passed = ["/mcp", "/sse", "/messages/?session_id=1", "/.well-known/oauth-protected-resource/mcp", "/readyz"]
        for path in passed:
            assert await status_of(address.netloc, path) == 200, path
        assert [request.path for request in upstream.requests] == passed


async def status_of(server: str, path: str) -> int:
    """The status of a GET, whose path goes over the wire as it is."""
    reader, writer = await asyncio.open_connection(*server.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    status = int((await asyncio.wait_for(reader.readline(), 20)).split()[1])
    writer.close()
    return status


def test_image_has_its_own_user_and_holds_no_key() -> None:
    instructions = dockerfile()
    user = [value for name, value in instructions if name == "USER"]
    assert user == ["10001:10001"]
    assert "KEY" not in str([value for name, value in instructions if name in ("ENV", "ARG")])
    assert instructions[-1][0] == "CMD"


@pytest.mark.timeout(300)
async def test_commands_of_the_dockerfile_give_a_healthy_server(tmp_path: Path) -> None:
    image, source = tmp_path / "image", tmp_path / "src"
    source.mkdir()
    command: list[str] = []
    check: list[str] = []
    environment: dict[str, str] = {}
    for name, value in dockerfile():
        value = value.replace("/opt/mcp-grok", str(image))
        if name == "COPY" and not value.startswith("--from"):
            *sources, target = value.split()
            for item in sources:
                if (ROOT / item).is_dir():
                    shutil.copytree(ROOT / item, source / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / item, source / target)
        if name == "RUN":
            words = [sys.executable if word == "python" else word for word in shlex.split(value)]
            ended = await asyncio.to_thread(
                subprocess.run, words, cwd=source, capture_output=True, text=True, check=False
            )
            assert ended.returncode == 0, ended.stdout + ended.stderr
        if name == "ENV":
            environment |= dict(part.split("=", 1) for part in value.split() if not part.startswith("PATH="))
        if name in ("ENTRYPOINT", "CMD"):
            command += json.loads(value)
        if name == "HEALTHCHECK":
            check = json.loads(value.partition("CMD ")[2])
    assert not list((image / "lib").rglob("mcp_grok/**/*.py")) or list((image / "lib").rglob("mcp_grok/**/*.pyc"))
    process = await asyncio.create_subprocess_exec(
        image / "bin" / command[0],
        *command[1:],
        "--port=0",
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment, "MCP_GROK_PROVIDER": "sandbox"},
        cwd=tmp_path,
    )
    assert process.stderr is not None
    try:
        url = (await process.stderr.readline()).decode().split()[-1]
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(url.replace("/mcp", "/readyz"))).json() == {"status": "ready"}
        words = [part.replace("http://127.0.0.1:8000", url.removesuffix("/mcp")) for part in check]
        healthy = await asyncio.create_subprocess_exec(image / "bin" / words[0], *words[1:])
        assert await healthy.wait() == 0
    finally:
        process.terminate()
        await process.communicate()
