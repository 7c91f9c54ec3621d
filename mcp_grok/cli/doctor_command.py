"""`mcp-grok doctor`: checks the installation, and advises on each problem."""

import argparse
import email.utils
import importlib.metadata
import json
import logging
import os
import platform
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import httpx2
from pydantic import ValidationError

from mcp_grok.cli.install import entry_check
from mcp_grok.cli.install.client_file import ClientFile
from mcp_grok.cli.install.clients import CLIENTS, McpClient
from mcp_grok.cli.install.entry import keys_in, own_command, settings_in
from mcp_grok.cli.install.provider_choice import held_in
from mcp_grok.cli.shell_words import message_in_shell
from mcp_grok.cli.startup import run_async
from mcp_grok.cli.terminal import table_row
from mcp_grok.concealment import concealed
from mcp_grok.errors import GrokError, NotConfigured
from mcp_grok.models import find_model
from mcp_grok.open_upstream import open_upstream
from mcp_grok.settings import Settings, explain, unknown_variables, variable
from mcp_grok.toolsets import ALL, TOOLS, lack
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.connection_pool import ConnectionPool
from mcp_grok.upstream.cost import token_counts
from mcp_grok.upstream.live_models import live_models, no_list
from mcp_grok.upstream.request import read_request
from mcp_grok.upstream.transport_failures import free_request_error

PACKAGES = ("mcp-grok-chat", "mcp", "httpx2", "pydantic", "anyio", "uvloop")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

REACH_TIMEOUT = 10.0
"""Seconds to wait for the provider."""

SERVER_TIMEOUT = 60.0
"""Seconds to wait for the server; Claude Desktop ends a server that takes longer to start."""

MAX_SKEW = 120
"""Seconds of clock error above which certificates and tokens may fail."""

FOUND_COLUMN = 25
"""The column of a finding, after its state and its name."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check, with advice if there is a problem."""

    name: str
    state: Literal["ok", "warning", "failed", "skipped"]
    found: str
    advice: str = ""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options for a test call and for JSON output."""
    parser.add_argument("--call", action="store_true", help="also make a call of one token, which costs a little")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Checks everything; returns 1 if anything failed."""
    # The findings are printed; log lines would only repeat them.
    logging.disable(logging.CRITICAL)
    return run_async(partial(_run, call=options.call, as_json=options.json))


async def _run(*, call: bool, as_json: bool) -> int:
    """Prints each finding immediately, or all as one JSON object; returns 1 if a check failed."""
    checks: list[Check] = []
    async for check in _checks(call):
        checks.append(check)
        if not as_json:
            _print(check)
    if as_json:
        found = {"checks": [asdict(check) for check in checks]}
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return int(any(check.state == "failed" for check in checks))


def _print(check: Check) -> None:
    sys.stdout.write(table_row(f"{check.state:<8} {check.name}", check.found, FOUND_COLUMN))
    if check.advice:
        sys.stdout.write(table_row("", check.advice, FOUND_COLUMN))
    sys.stdout.flush()


async def _checks(call: bool) -> AsyncIterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Check("packages", "ok", ", ".join(_versions()))
    try:
        settings = Settings()
    except ValidationError as error:
        yield Check("settings", "failed", explain(error), "Correct it in the server's environment.")
        return
    given = [f"{name}={concealed(value)} (environment)" for name, value in settings_in(os.environ).items()]
    yield Check("settings", "ok", ", ".join([*given, "the rest by default"]))
    for name, meant in unknown_variables(os.environ).items():
        advice = f"Did you mean {meant}?" if meant else "Remove it."
        yield Check("settings", "warning", f"{name} is not a setting", advice)
    for toolset in settings.missing_toolsets:
        advice = f"Take {toolset} out of {variable('toolsets')}, or set {variable('provider')} and its key."
        yield Check("toolsets", "warning", lack(toolset, settings.active_provider), advice)
    yield _key(settings)
    async for check in _provider(settings):
        yield check
    yield await _call(settings) if call else Check("call", "skipped", "mcp-grok doctor --call makes one of one token")
    yield await _server()
    if made := _media(settings):
        yield made
    if settings.output_folder:
        yield await anyio.to_thread.run_sync(_output_folder, settings.output_folder)
    for client in CLIENTS.values():
        yield await anyio.to_thread.run_sync(_client, client)


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{package} {importlib.metadata.version(package)}")
    return found


def _media(settings: Settings) -> Check | None:
    """The pictures and videos that the provider makes; None if it makes none."""
    from mcp_grok.upstream.media.media_models import IMAGE_MODELS, video_models

    provider = settings.active_provider
    videos = video_models(provider.video_api) if provider.video_api else ()
    models = {"image": IMAGE_MODELS if provider.images_path else (), "video": [model.name for model in videos]}
    listed = {TOOLS[name].toolset for name in settings.tools}
    found = [
        f"{toolset}: {', '.join(names)}{'' if toolset in listed else ' (not listed)'}"
        for toolset, names in models.items()
        if names
    ]
    if not found:
        return None
    if listed.isdisjoint(models):
        return Check("media", "skipped", f"{'; '.join(found)}. {variable('toolsets')}={ALL} lists their tools")
    return Check("media", "ok", "; ".join(found))


def _output_folder(folder: Path) -> Check:
    """Checks whether pictures and videos can be saved. This blocks."""
    from mcp_grok.upstream.media.download_failed import DownloadFailed
    from mcp_grok.upstream.media.output_folder import OutputFolder

    try:
        OutputFolder(folder).check()
    except DownloadFailed as error:
        advice = f"Set {variable('output_dir')} to a folder that is yours, on a disk that has hard links."
        return Check("output folder", "failed", f"{folder}: {error.reason}", advice)
    return Check("output folder", "ok", f"{folder} can be written")


def _key(settings: Settings) -> Check:
    provider = settings.active_provider
    if not provider.needs_key:
        return Check("key", "ok", f"{provider.title} needs none of yours")
    if settings.provider_unknown:
        found = f"{variable('api_key')} is set, but not the provider that it is for"
        return Check("key", "failed", found, f"Set {variable('provider')} too.")
    if settings.key is not None:
        return Check("key", "ok", f"for {provider.title}, from {' and '.join(keys_in(os.environ))} (environment)")
    holders = [client.title for client in CLIENTS.values() if _client_has_key(client)]
    if holders:
        have = "has one of its own" if len(holders) == 1 else "have keys of their own"
        found = f"none for {provider.title} in this shell; {' and '.join(holders)} {have}"
        return Check("key", "skipped", found)
    advice = f"Set {provider.key_variable}, or {variable('provider')} with {variable('api_key')}."
    return Check("key", "failed", f"there is none for {provider.title}", advice)


def _client_has_key(client: McpClient) -> bool:
    with suppress(NotConfigured):
        file = ClientFile(client)
        held = held_in(client, file.entry(file.read()))
        return any(held.key(client, name, os.environ) for name in held.keys)
    return False


async def _provider(settings: Settings) -> AsyncIterator[Check]:
    """Checks by free requests whether the provider answers and accepts the key."""
    if not settings.url:
        yield Check("provider", "ok", "the sandbox, inside the server")
        yield await _key_accepted(settings)
        return
    names = [name for name in PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    given = f" ({' and '.join(names)} {'is' if len(names) == 1 else 'are'} set)" if names else ""
    began = time.perf_counter()
    try:
        async with aclosing(ConnectionPool(settings.endpoint)) as pool, pool.client() as client:
            response = await client.get(str(httpx2.URL(settings.url).join("/")), timeout=REACH_TIMEOUT)
        took = time.perf_counter() - began
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        advice = free_request_error(settings.endpoint, error).message
        yield Check("provider", "failed", f"{settings.url} cannot be reached{given}", advice)
    except NotConfigured as error:
        yield Check("provider", "failed", f"{settings.url} cannot be reached{given}", error.message)
    else:
        yield Check("provider", "ok", f"{settings.url} answers in {took * 1000:.0f} ms{given}")
        yield _clock(response.headers.get("date"))
        yield await _key_accepted(settings)


def _clock(date: str | None) -> Check:
    try:
        skew = time.time() - email.utils.parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return Check("clock", "skipped", "the provider does not send the time")
    if abs(skew) <= MAX_SKEW:
        return Check("clock", "ok", "right")
    return Check("clock", "warning", f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'}", "Set the clock.")


async def _key_accepted(settings: Settings) -> Check:
    """Checks by the list of models, which is free, whether the provider accepts the key."""
    provider = settings.active_provider
    if provider.needs_key and settings.key is None:
        return Check("key accepted", "skipped", "there is no key to check")
    try:
        names = await live_models(settings.endpoint)
    except GrokError as error:
        if error.type in ("authentication_error", "permission_error"):
            new_key = f"Make a new key at {provider.title}, and set it in the server's environment."
            advice = new_key if settings.key else message_in_shell(error)
            return Check("key accepted", "failed", f"no: HTTP {error.status}", advice)
        return Check("key accepted", "skipped", f"{message_in_shell(error)} --call checks the key.")
    if names is None:
        return Check("key accepted", "skipped", f"{no_list(settings.endpoint)}; --call checks the key")
    known = find_model(provider.name, settings.model or "")
    if names and settings.model and not {settings.model, known and known.name} & set(names):
        found = f"yes, but {provider.title} does not list {settings.model}, the default model"
        advice = f"Set {variable('default_model')} to a model of: mcp-grok models --live."
        return Check("key accepted", "warning", found, advice)
    return Check("key accepted", "ok", "yes")


async def _call(settings: Settings) -> Check:
    arguments = {"messages": [{"role": "user", "content": "Say OK."}], "max_tokens": 1}
    try:
        request = read_request(arguments, settings.endpoint)
    except GrokError as error:
        return Check("call", "failed", message_in_shell(error))
    async with open_upstream(settings.model_copy(update={"store": "memory"})) as calls:
        outcome = await (await calls.start(request, calls.request())).wait()
    if isinstance(outcome, Completion):
        tokens = token_counts(outcome.body.get("usage"))["total_tokens"]
        return Check("call", "ok", f"{request.model} answered{f', {tokens} tokens' if tokens else ''}")
    return Check("call", "failed", f"{outcome.code}: {message_in_shell(outcome)}")


async def _server() -> Check:
    """Checks whether this server starts and answers when a client starts it."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    began = time.perf_counter()
    try:
        command, *arguments = await anyio.to_thread.run_sync(own_command)
        started = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        with Path(os.devnull).open("w") as nowhere, anyio.fail_after(SERVER_TIMEOUT):  # noqa: ASYNC230
            async with Client(stdio_client(started, errlog=nowhere), mode="legacy") as client:
                tools = (await client.list_tools()).tools
    except Exception as error:  # noqa: BLE001 - any failure to start is a finding
        return Check("server", "failed", f"does not start over stdio: {error}", "Install it again.")
    took, names = time.perf_counter() - began, ", ".join(tool.name for tool in tools)
    return Check("server", "ok", f"{' '.join([command, *arguments])} starts in {took:.1f} s: {names}")


def _client(client: McpClient) -> Check:
    file = ClientFile(client)
    if not file.path.exists():
        return Check(client.name, "skipped", f"no {file.path}")
    try:
        entry = file.found(file.read())
    except NotConfigured as error:
        return Check(client.name, "failed", error.message)
    state, found, advice = entry_check.check(client, entry, os.environ)
    return Check(client.name, state, f"{file.path} {found}", advice)
