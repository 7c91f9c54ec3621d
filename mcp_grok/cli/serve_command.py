"""`mcp-grok serve`: its options, and what they start."""

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from mcp_grok.cli.startup import USAGE_ERROR, complain, read_settings, run_async
from mcp_grok.limits import DRAIN_SECONDS

HOST = "127.0.0.1"
PORT = 8000

HTTP_ONLY = (
    *("host", "port", "allowed_host", "allowed_origin", "no_sse", "token_file", "oidc_issuer", "oidc_audience"),
    *("oidc_scope", "public_url", "caller_keys", "requests_per_minute", "calls_at_once", "tokens_per_day", "drain"),
    *("metrics", "workers", "allow_local_files"),
)
"""Options that mean nothing over stdio."""


def add_options(serve: argparse.ArgumentParser) -> None:
    """The options of the command."""
    serve.add_argument("--transport", choices=("stdio", "sse", "http"), default="stdio", help="(default: stdio)")
    add_address(serve, PORT)
    serve.add_argument("--allowed-dirs", nargs="*", metavar="DIR", help="in place of MCP_GROK_ALLOWED_DIRS")
    http = serve.add_argument_group("over SSE and HTTP")
    flag, many = partial(http.add_argument, action="store_true"), partial(http.add_argument, action="append")
    flag("--no-sse", help="serve no SSE beside streamable HTTP")
    many("--allowed-host", metavar="NAME", help="a name that clients reach the server by; repeatable")
    many("--allowed-origin", metavar="ORIGIN", help="a web page's origin that may call, like https://app.example.com")
    http.add_argument("--token-file", metavar="FILE", help="who may call: the tokens of `mcp-grok token`")
    http.add_argument("--oidc-issuer", metavar="URL", help="who may call: the users of an OpenID provider")
    http.add_argument("--oidc-audience", metavar="NAME", help="what the provider's tokens must be for")
    many("--oidc-scope", metavar="SCOPE", help="a scope that the provider's tokens must have; repeatable")
    http.add_argument("--public-url", metavar="URL", help="the server's address as clients know it, for OAuth")
    http.add_argument(
        "--caller-keys",
        choices=("off", "allow", "require"),
        help="whether callers may, or must, spend a provider key of their own: the header X-Grok-Api-Key",
    )
    http.add_argument("--requests-per-minute", type=_positive, metavar="N", help="of one caller")
    http.add_argument("--calls-at-once", type=_positive, metavar="N", help="of one caller")
    http.add_argument("--tokens-per-day", type=_positive, metavar="N", help="of one caller")
    http.add_argument(
        "--drain",
        type=float,
        metavar="SECONDS",
        help=f"for running calls after a signal (default: {DRAIN_SECONDS:g})",
    )
    flag("--metrics", help="serve /metrics for Prometheus")
    http.add_argument("--workers", type=_positive, metavar="N", help="server processes on this address")
    flag("--allow-local-files", help="let calls name images in the folders of MCP_GROK_ALLOWED_DIRS")
    serve.set_defaults(**dict.fromkeys(HTTP_ONLY), default_port=PORT)


def add_address(command: argparse.ArgumentParser, port: int) -> None:
    """Options that say where to listen."""
    command.add_argument("--host", help=f"the address to listen on (default: {HOST})")
    command.add_argument("--port", type=int, help=f"0 picks a free one (default: {port})")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def run(options: argparse.Namespace) -> int:
    """Serves; returns the exit status."""
    for name in HTTP_ONLY if options.transport == "stdio" else ():
        if getattr(options, name) not in (None, False):
            complain(f"--{name.replace('_', '-')} needs --transport http or --transport sse")
            return USAGE_ERROR
    given = {} if options.allowed_dirs is None else {"allowed_dirs": os.pathsep.join(options.allowed_dirs)}
    settings = read_settings(**given)
    if options.transport == "stdio":
        from mcp_grok.serve_stdio import serve_stdio
        from mcp_grok.stdio import suits_uvloop

        return run_async(partial(serve_stdio, settings), uvloop_suits=suits_uvloop())
    if not options.allow_local_files:
        # Whoever calls from elsewhere has no business with the files of this machine.
        settings = settings.model_copy(update={"allowed_dirs": ""})
    return _serve_http(settings, options)


def _serve_http(settings: Any, options: argparse.Namespace) -> int:
    from mcp_grok.http.options import HTTP_PATH, SSE_PATH, ServiceOptions
    from mcp_grok.http.serve_http import serve_http

    try:
        service = ServiceOptions.read(options, settings)
    except ValueError as error:
        complain(str(error))
        return USAGE_ERROR
    path = SSE_PATH if options.transport == "sse" else HTTP_PATH
    return listen(options, lambda listener: partial(serve_http, settings, service, listener), path, anywhere=True)


def listen(
    options: argparse.Namespace, serving: Callable[[Any], Callable[[], Any]], path: str, *, anywhere: bool = False
) -> int:
    """Serves on the address of the options, which it says on stderr.

    Args:
        options: Hold `host`, `port` and `default_port`.
        serving: Makes what serves on a listening socket.
        path: Shown after the address.
        anywhere: Whether the host may be another than this machine's loopback.
    """
    from mcp_grok.listener import address, bind

    port = options.default_port if options.port is None else options.port
    try:
        listener = bind(options.host or HOST, port, anywhere=anywhere)
    except (ValueError, OverflowError, OSError) as error:
        complain(str(error) if isinstance(error, ValueError) else f"cannot listen on port {port}: {error}")
        return USAGE_ERROR
    with listener:
        complain(f"listening on {address(listener)}{path}")
        workers = getattr(options, "workers", None) or 1
        if workers == 1:
            return run_async(serving(listener))
        from mcp_grok.http.workers import run_workers

        return run_workers(workers, lambda: run_async(serving(listener)), complain)
