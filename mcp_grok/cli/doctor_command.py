"""`mcp-grok doctor`: one screen of what works, and what to do about what does not."""

import email.utils
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
from pydantic import ValidationError

from mcp_grok.address import is_loopback
from mcp_grok.cli.install.clients import CLIENTS, McpClient
from mcp_grok.cli.install.entry import environment_of, has_key, keys_in, listed, own_command, settings_in
from mcp_grok.cli.install_command import NAME, existing_entry, path_of
from mcp_grok.errors import GrokError, NotConfigured
from mcp_grok.server import open_upstream
from mcp_grok.settings import Settings, explain, unknown_variables, variable
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.failures import http_error
from mcp_grok.upstream.request import read_request

PACKAGES = ("mcp-grok-chat", "mcp", "httpx2", "pydantic", "anyio", "uvloop")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

REACH_TIMEOUT = 10.0
SERVER_TIMEOUT = 60.0
"""Claude Desktop ends a server that takes longer to start."""

MAX_SKEW = 120
"""Seconds that the clock may be off before certificates and tokens give trouble."""

PASSWORD = re.compile(r"//[^/@]*@")
"""Stands in addresses, such as that of a store."""

State = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what to do about it if anything."""

    name: str
    state: State
    found: str
    advice: str = ""


async def run_doctor(*, call: bool, as_json: bool) -> int:
    """Looks at everything, and prints each finding as it comes, or all as JSON.

    Args:
        call: Also makes a call of one token, which costs a little.
        as_json: Prints one JSON object instead of lines.

    Returns:
        The exit status: 1 if anything failed.
    """
    checks: list[Check] = []
    async for check in _checks(call):
        checks.append(check)
        if not as_json:
            _print(check)
    if as_json:
        sys.stdout.write(
            json.dumps({"checks": [asdict(check) for check in checks]}, indent=2, ensure_ascii=False) + "\n"
        )
    return int(any(check.state == "failed" for check in checks))


async def _checks(call: bool) -> AsyncIterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Check("packages", "ok", ", ".join(_versions()))
    try:
        settings = Settings()
    except ValidationError as error:
        yield Check("settings", "failed", explain(error), "Correct it where the server's environment is set.")
        return
    yield _settings()
    for name, meant in unknown_variables(os.environ).items():
        yield Check(
            "settings", "warning", f"{name} is not a setting", f"Did you mean {meant}?" if meant else "Remove it."
        )
    yield _key(settings)
    async for check in _provider(settings):
        yield check
    yield (
        await _one_call(settings) if call else Check("call", "skipped", "mcp-grok doctor --call makes one of one token")
    )
    yield await _server()
    for client in CLIENTS.values():
        yield _client(client)


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{package} {importlib.metadata.version(package)}")
    return found


def _settings() -> Check:
    given = [f"{name}={PASSWORD.sub('//…@', value)} (environment)" for name, value in settings_in(os.environ).items()]
    return Check("settings", "ok", ", ".join([*given, "the rest by default"]))


def _key(settings: Settings) -> Check:
    title, name = settings.active_provider.title, settings.active_provider.name
    if not settings.active_provider.needs_key:
        return Check("key", "ok", f"{name} needs none of yours")
    if settings.key is None:
        holders = [client.title for client in CLIENTS.values() if _comes_with_key(client)]
        if holders:
            return Check("key", "skipped", f"none for {title} in this shell; {', '.join(holders)} has one of its own")
        own = settings.active_provider.key_variable
        return Check("key", "failed", f"there is none for {title}", f"Set {own} or {variable('api_key')}.")
    return Check("key", "ok", f"for {title}, from {' and '.join(keys_in(os.environ))} (environment)")


async def _provider(settings: Settings) -> AsyncIterator[Check]:
    """Whether the provider is reached and takes the key, by requests that cost nothing."""
    if not settings.url:
        yield Check("provider", "ok", "the sandbox, inside the server")
        return
    proxies = [name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    through = f", with {', '.join(proxies)}" if proxies else ""
    began = time.perf_counter()
    try:
        async with httpx2.AsyncClient(timeout=REACH_TIMEOUT, trust_env=not is_loopback(settings.url)) as client:
            response = await client.get(str(httpx2.URL(settings.url).join("/")))
            took = time.perf_counter() - began
            yield Check("provider", "ok", f"{settings.url} answers in {took * 1000:.0f} ms{through}")
            yield _clock(response.headers.get("date"))
            yield await _key_accepted(client, settings)
    except (httpx2.HTTPError, httpx2.InvalidURL, ImportError, ValueError, OSError) as error:
        # A proxy's address may hold a password, and stands in some messages.
        reason = type(error).__name__ if any(name.endswith("_PROXY") for name in proxies) else str(error)
        yield Check(
            "provider", "failed", f"{settings.url} cannot be reached{through}: {reason}", _reach_advice(str(error))
        )


def _reach_advice(reason: str) -> str:
    if "CERTIFICATE" in reason.upper():
        return "Something on the way replaces certificates: set SSL_CERT_FILE to your organisation's bundle."
    if "getaddrinfo" in reason or "Name or service" in reason or "nodename" in reason:
        return "The name is not known to DNS: check the network and MCP_GROK_BASE_URL."
    return "Check the network, MCP_GROK_BASE_URL, and HTTPS_PROXY where there is a proxy."


def _clock(date: str | None) -> Check:
    try:
        skew = time.time() - email.utils.parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return Check("clock", "skipped", "the provider does not tell the time")
    if abs(skew) <= MAX_SKEW:
        return Check("clock", "ok", "right")
    return Check("clock", "warning", f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'}", "Set the clock.")


async def _key_accepted(client: httpx2.AsyncClient, settings: Settings) -> Check:
    url = settings.active_provider.models_url(settings.url)
    if not url or settings.key is None:
        return Check("key accepted", "skipped", "nothing free asks that here; --call does")
    response = await client.get(url, headers={"authorization": f"Bearer {settings.key.get_secret_value()}"})
    if response.is_success:
        return Check("key accepted", "ok", "yes")
    refusal = http_error(settings.endpoint, response.status_code, response.headers, response.content).as_dict()
    if refusal["type"] in ("authentication_error", "permission_error"):
        advice = f"Make a new key at {settings.active_provider.title}, and set it in the server's environment."
        return Check("key accepted", "failed", f"no: HTTP {response.status_code}", advice)
    return Check("key accepted", "skipped", f"{url} answers HTTP {response.status_code}; --call asks")


async def _one_call(settings: Settings) -> Check:
    arguments = {"messages": [{"role": "user", "content": "Say OK."}], "max_tokens": 1}
    try:
        request = read_request(arguments, settings.endpoint)
    except GrokError as error:
        return Check("call", "failed", error.message)
    async with open_upstream(settings.model_copy(update={"store": "memory"})) as calls:
        outcome = await (await calls.start(request, calls.request())).wait()
    if isinstance(outcome, Completion):
        return Check("call", "ok", f"{request.model} answered; usage {json.dumps(outcome.body.get('usage'))}")
    return Check("call", "failed", f"{outcome.as_dict()['code']}: {outcome.message}")


async def _server() -> Check:
    """Whether this server starts as a client would start it, and answers."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    began = time.perf_counter()
    try:
        command, *arguments = await anyio.to_thread.run_sync(own_command)
        started = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        with Path(os.devnull).open("w") as nowhere, anyio.fail_after(SERVER_TIMEOUT):  # noqa: ASYNC230
            async with Client(stdio_client(started, errlog=nowhere), mode="legacy") as client:
                tools = (await client.list_tools()).tools
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the finding
        return Check("server", "failed", f"does not start over stdio: {error}", "Install it again.")
    names = ", ".join(tool.name for tool in tools)
    return Check(
        "server", "ok", f"{' '.join([command, *arguments])} starts in {time.perf_counter() - began:.1f} s: {names}"
    )


def _client(client: McpClient) -> Check:
    path = path_of(client)
    install = f"mcp-grok install {client.name}"
    if not path.exists():
        return Check(client.name, "skipped", f"no {path}")
    try:
        entry = _entry(client)
    except (OSError, ValueError, NotConfigured) as error:
        return Check(client.name, "failed", f"{path} cannot be read: {error}", "Correct it by hand.")
    if not entry:
        return Check(client.name, "skipped", f"{path} has no {NAME}", f"{install} adds it.")
    command = str(entry.get("command", ""))
    if not Path(command).is_absolute():
        return Check(client.name, "warning", f"{path} starts {command!r}", f"{install} writes the whole path.")
    if not Path(command).exists():
        return Check(client.name, "failed", f"{path} starts {command}, which is not there", f"{install} corrects it.")
    sandboxed = environment_of(entry).get(variable("provider")) in ("sandbox", "custom")
    if not sandboxed and not has_key(entry, os.environ):
        found = f"{path} comes with no key, or refers to one that this shell does not have"
        return Check(client.name, "warning", found, f"{install} with the key set puts it there.")
    return Check(client.name, "ok", f"{path} starts {' '.join([command, *map(str, listed(entry, 'args'))])}")


def _entry(client: McpClient) -> dict[str, Any]:
    """Our entry in a client's file; raises `OSError`, `ValueError` or `NotConfigured` where it cannot be read."""
    path = path_of(client)
    return existing_entry(client, path, path.read_bytes().decode())


def _comes_with_key(client: McpClient) -> bool:
    with suppress(OSError, ValueError, NotConfigured):
        return has_key(_entry(client), os.environ)
    return False


def _print(check: Check) -> None:
    sys.stdout.write(f"{check.state:<8} {check.name:<15} {check.found}\n")
    if check.advice:
        sys.stdout.write(f"{'':<24} {check.advice}\n")
    sys.stdout.flush()
