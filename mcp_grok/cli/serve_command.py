"""`mcp-grok serve`: its options, and what they start."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp_grok.cli.startup import USAGE_ERROR, complain, read_settings, run_async
from mcp_grok.limits import DRAIN_SECONDS, SHARED_CALLS_AT_ONCE

if TYPE_CHECKING:
    from mcp_grok.http.options import ServiceOptions
    from mcp_grok.settings import Settings

HOST = "127.0.0.1"
PORT = 8000


def add_options(serve: argparse.ArgumentParser) -> None:
    """Adds the transport, and the options of a server that listens; those are kept as `http_only`."""
    serve.add_argument("--transport", choices=("stdio", "sse", "http"), default="stdio", help="(default: stdio)")
    serve.add_argument("--toolsets", metavar="NAMES", help="in place of MCP_GROK_TOOLSETS")
    serve.add_argument("--exclude-tools", metavar="NAMES", help="in place of MCP_GROK_EXCLUDE_TOOLS")
    serve.add_argument("--read-only", action="store_true", default=None, help="list only tools that only read")
    serve.add_argument("--allowed-dirs", nargs="*", metavar="DIR", help="in place of MCP_GROK_ALLOWED_DIRS")
    http = serve.add_argument_group("over SSE and HTTP")
    add, per_caller = http.add_argument, partial(http.add_argument, type=_positive, metavar="N", help="of one caller")
    flag, repeated = partial(add, action="store_true"), partial(add, action="append")
    http_only = [
        *add_address(http, PORT),
        flag("--no-sse", help="serve no SSE beside streamable HTTP"),
        repeated("--allowed-host", metavar="NAME", help="a host name that clients use; repeatable"),
        repeated(
            "--allowed-origin",
            metavar="ORIGIN",
            help="a web page that may call, like https://app.example.com; repeatable",
        ),
        add("--token-file", metavar="FILE", help="who may call: the tokens of `mcp-grok token`"),
        add("--oidc-issuer", metavar="URL", help="who may call: the users of an OpenID provider"),
        add("--oidc-audience", metavar="NAME", help="the audience of the provider's tokens"),
        repeated("--oidc-scope", metavar="SCOPE", help="a scope that the provider's tokens must have; repeatable"),
        add("--public-url", metavar="URL", help="the server's address as clients know it, for OAuth"),
        add(
            "--caller-keys",
            choices=("off", "allow", "require"),
            help="whether callers may, or must, use their own provider key: the header X-Grok-Api-Key",
        ),
        per_caller("--requests-per-minute"),
        per_caller(
            "--calls-at-once",
            help=f"of one caller (default: {SHARED_CALLS_AT_ONCE} with tokens, OpenID or callers' keys, else no limit)",
        ),
        per_caller("--tokens-per-day"),
        add(
            "--drain",
            type=float,
            metavar="SECONDS",
            help=f"for running calls after a signal (default: {DRAIN_SECONDS:g})",
        ),
        flag("--behind-proxy", help="a proxy with TLS stands before the server, so leave out the notice"),
        add("--metrics-port", type=_positive, metavar="PORT", help="serve metrics for Prometheus on this port"),
        add("--metrics-host", metavar="HOST", help=f"the address of that port (default: {HOST})"),
        add("--workers", type=_positive, metavar="N", help="server processes on this address"),
        flag("--allow-local-files", help="let calls name images in the folders of MCP_GROK_ALLOWED_DIRS"),
    ]
    serve.set_defaults(http_only=http_only, default_port=PORT)


def add_address(options: Any, port: int) -> list[argparse.Action]:
    """Adds the options `--host` and `--port` to a parser or a group."""
    return [
        options.add_argument("--host", help=f"the address to listen on (default: {HOST})"),
        options.add_argument("--port", type=int, help=f"0 picks a free one (default: {port})"),
    ]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Serves; returns the exit status."""
    from mcp_grok.toolsets import lack

    if options.transport == "stdio" and (given := _first_given(options, options.http_only)):
        complain(f"{given} needs --transport http or --transport sse")
        return USAGE_ERROR
    settings = read_settings(**_given(options))
    for toolset in settings.missing_toolsets:
        complain(lack(toolset, settings.active_provider))
    if options.transport == "stdio":
        if sys.stdin.isatty():
            complain("waiting for an MCP client on stdin; see mcp-grok --help, mcp-grok demo")
        from mcp_grok.serve_stdio import serve_stdio
        from mcp_grok.stdio import suits_uvloop

        return run_async(partial(serve_stdio, settings), uvloop_suits=suits_uvloop())
    return _serve_http(without_files(settings, images=options.allow_local_files), options)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that are on the command line."""
    folders = options.allowed_dirs
    given = {name: getattr(options, name) for name in ("toolsets", "exclude_tools", "read_only")}
    given["allowed_dirs"] = None if folders is None else os.pathsep.join(folders)
    return {name: value for name, value in given.items() if value is not None}


def without_files(settings: "Settings", *, images: bool) -> "Settings":
    """The settings without folders: callers on other machines must not read or write the files of this one.

    Args:
        settings: The settings.
        images: Whether callers may name images in the allowed folders nevertheless.
    """
    from mcp_grok.settings import variable

    if settings.output_dir:
        complain(f"{variable('output_dir')} has no effect over SSE and HTTP: results have addresses in place of files")
    return settings.model_copy(update={"output_dir": ""} if images else {"output_dir": "", "allowed_dirs": ""})


def _first_given(options: argparse.Namespace, actions: list[argparse.Action]) -> str | None:
    """The first of some options that is on the command line."""
    return next((a.option_strings[0] for a in actions if getattr(options, a.dest) != a.default), None)


def _serve_http(settings: "Settings", options: argparse.Namespace) -> int:
    from mcp_grok.http.options import HTTP_PATH, SSE_PATH, ServiceOptions
    from mcp_grok.http.serve_http import serve_http

    try:
        service = ServiceOptions.read(options, settings)
    except ValueError as error:
        complain(str(error))
        return USAGE_ERROR
    path = SSE_PATH if options.transport == "sse" else HTTP_PATH
    return listen(
        options,
        lambda listener: partial(serve_http, settings, service, listener),
        path,
        notes=partial(_notes, settings, service),
        anywhere=True,
    )


def _notes(settings: "Settings", service: "ServiceOptions", address: str) -> Iterator[str]:
    """What an operator should know at the start: the other addresses, and that no key is set.

    None with JSON logs: programs read those, line by line.
    """
    from mcp_grok.http.health import ALIVE_PATH, READY_PATH
    from mcp_grok.http.options import SSE_PATH
    from mcp_grok.listener import url_of
    from mcp_grok.request_principal import KEY_HEADER
    from mcp_grok.settings import variable

    if settings.log_format == "json":
        return
    if service.transport == "http" and service.sse:
        yield f"SSE is at {address}{SSE_PATH}"
    yield f"health is at {address}{ALIVE_PATH} and {address}{READY_PATH}"
    if service.metrics_port is not None:
        yield f"metrics are at {url_of(service.metrics_host, service.metrics_port)}/metrics"
    if settings.provider_unknown:
        yield f"{settings.key_names} is set, but not the provider that it is for: set {variable('provider')} too"
    elif settings.active_provider.needs_key and settings.key is None:
        bring = f"callers send theirs for {settings.active_provider.title} in the header {KEY_HEADER}"
        advice = f"set {settings.key_names}, or let {bring} with --caller-keys allow"
        yield f"no key is set: {advice if service.caller_keys == 'off' else bring}"


def listen(
    options: argparse.Namespace,
    serving: Callable[[Any], Callable[[], Any]],
    path: str,
    *,
    notes: Callable[[str], Iterable[str]] = lambda address: (),
    anywhere: bool = False,
) -> int:
    """Binds the address of the options, reports it on stderr, and serves; returns the exit status.

    Args:
        options: They have `host`, `port` and `default_port`; with `workers` over 1, several processes serve.
        serving: Returns the function that serves on a listening socket.
        path: Reported after the address.
        notes: Returns further lines to report, from the address.
        anywhere: Whether the host may be another than loopback.
    """
    from mcp_grok.listener import LOOPBACK_HOSTS, address, bind

    port = options.default_port if options.port is None else options.port
    try:
        listener = bind(options.host or HOST, port, anywhere=anywhere)
    except (ValueError, OverflowError, OSError) as error:
        complain(str(error) if isinstance(error, ValueError) else f"cannot listen on port {port}: {error}")
        return USAGE_ERROR
    with listener:
        complain(f"listening on {address(listener)}{path}")
        for note in notes(address(listener)):
            complain(note)
        if options.host not in (None, *LOOPBACK_HOSTS) and not getattr(options, "behind_proxy", False):
            complain("this server has no TLS: put a proxy before it that has, and say so with --behind-proxy")
        workers = getattr(options, "workers", None) or 1
        serve = partial(run_async, serving(listener))
        if workers == 1:
            return serve()
        from mcp_grok.http.workers import run_workers

        return run_workers(workers, serve, complain)
