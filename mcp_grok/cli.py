"""The command line: parses, then calls one function. On stdio, stdout belongs to the protocol."""

import argparse
import gc
import importlib.util
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mcp_grok import __version__

USAGE_ERROR = 2
DIALECT_NAMES = ("acedata", "llmprovider", "xai", "custom")
CLIENT_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "codex")

HOST = "127.0.0.1"
HTTP_PORT = 8000
SANDBOX_PORT = 8080


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit status: 0, 1 for a call that failed, 2 for a wrong option or setting, 128 + a signal's number.
    """
    _open_missing_streams()
    options = parser().parse_args(arguments)
    # Importing allocates much and frees nothing: collecting garbage meanwhile is a tenth of the start.
    gc.disable()
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def _open_missing_streams() -> None:
    """Gives a standard stream that the parent has closed somewhere to go, before its number goes to something else."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    commands = argparse.ArgumentParser(
        prog="mcp-grok",
        description="MCP server for Grok. Without a command it serves stdio. Settings come from the environment.",
    )
    commands.add_argument("--version", action="version", version=f"mcp-grok {__version__}")
    commands.set_defaults(
        run=_serve, transport="stdio", host=None, port=None, allowed_dirs=None, allow_local_files=False
    )
    named = commands.add_subparsers(title="commands", metavar="COMMAND")

    serve = named.add_parser("serve", help="serve MCP over stdio, SSE or streamable HTTP")
    serve.add_argument("--transport", choices=("stdio", "sse", "http"), default="stdio", help="(default: stdio)")
    _add_address(serve, HTTP_PORT)
    serve.add_argument("--allowed-dirs", nargs="*", metavar="DIR", help="in place of MCP_GROK_ALLOWED_DIRS")
    serve.add_argument(
        "--allow-local-files",
        action="store_true",
        help="let calls over SSE and HTTP, too, name images in the folders of MCP_GROK_ALLOWED_DIRS",
    )
    serve.set_defaults(run=_serve, default_port=HTTP_PORT)

    demo = named.add_parser("demo", help="show what it does against the sandbox, without a key")
    provider = "the API that the sandbox plays (default: acedata)"
    demo.add_argument("--provider", choices=DIALECT_NAMES, default="acedata", help=provider)
    demo.set_defaults(run=_demo)

    sandbox = named.add_parser("sandbox", help="run a local server that behaves as the documented APIs do")
    _add_address(sandbox, SANDBOX_PORT)
    sandbox.set_defaults(run=_sandbox, default_port=SANDBOX_PORT)

    chat = named.add_parser("chat", help="ask one question from the shell")
    chat.add_argument("question", help='the question, or "-" to read it from stdin')
    chat.add_argument("--model", help="the model; by default the one the server would use")
    chat.add_argument(
        "--image", action="append", default=[], metavar="URL", help="an https or data: URL, or a file; repeatable"
    )
    chat.add_argument("--system", help="a system message")
    chat.add_argument("--json", action="store_true", help="print the whole completion as JSON")
    chat.set_defaults(run=_chat)

    models = named.add_parser("models", help="list the models of the provider, and what is known of them")
    models.add_argument("--live", action="store_true", help="ask the provider which of them it has now, for free")
    models.add_argument("--json", action="store_true", help="print all that is known as JSON")
    models.set_defaults(run=_models)

    install = named.add_parser("install", help="put the server into a client's configuration")
    install.add_argument("client", nargs="?", metavar="CLIENT", help=f"{', '.join(CLIENT_NAMES)}")
    install.add_argument("--uninstall", action="store_true", help="take it out again")
    install.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    install.add_argument("--print", action="store_true", help="print the entry, touch no file; for any other client")
    install.set_defaults(run=_install)

    doctor = named.add_parser("doctor", help="say what works, and what to do about what does not")
    doctor.add_argument("--call", action="store_true", help="also make a call of one token, which costs a little")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)
    return commands


def _add_address(command: argparse.ArgumentParser, port: int) -> None:
    command.add_argument("--host", help=f"a loopback address (default: {HOST})")
    command.add_argument("--port", type=int, help=f"0 picks a free one (default: {port})")


def _serve(options: argparse.Namespace) -> int:
    if options.transport == "stdio" and (options.host or options.port is not None):
        _complain("--host and --port need --transport http or --transport sse")
        return USAGE_ERROR
    given = {} if options.allowed_dirs is None else {"allowed_dirs": os.pathsep.join(options.allowed_dirs)}
    settings = _settings(**given)
    if settings is None:
        return USAGE_ERROR
    from mcp_grok import transports

    if options.transport == "stdio":
        from mcp_grok.stdio import suits_uvloop

        return _run(partial(transports.serve_stdio, settings), uvloop_suits=suits_uvloop())
    if not options.allow_local_files:
        # Whoever calls from elsewhere has no business with the files of this machine.
        settings = settings.model_copy(update={"allowed_dirs": ""})
    return _listen(
        options,
        lambda listener: partial(transports.serve_http, settings, options.transport, listener),
        {"http": transports.HTTP_PATH, "sse": transports.SSE_PATH}[options.transport],
    )


def _sandbox(options: argparse.Namespace) -> int:
    from mcp_grok.sandbox.dialects import DIALECTS
    from mcp_grok.sandbox.serve import serve_sandbox
    from mcp_grok.upstream.providers import SANDBOX_KEY

    paths = ", ".join(f"{dialect.path} as {name}" for name, dialect in DIALECTS.items())
    note = f" (POST {paths}; the key is {SANDBOX_KEY})"
    return _listen(options, lambda listener: partial(serve_sandbox, listener), note)


def _listen(options: argparse.Namespace, serving: Callable[[Any], Callable[[], Any]], path: str) -> int:
    from mcp_grok.listener import address, bind

    port = options.default_port if options.port is None else options.port
    try:
        listener = bind(options.host or HOST, port)
    except (ValueError, OverflowError, OSError) as error:
        _complain(str(error) if isinstance(error, ValueError) else f"cannot listen on port {port}: {error}")
        return USAGE_ERROR
    with listener:
        _complain(f"listening on {address(listener)}{path}")
        return _run(serving(listener))


def _chat(options: argparse.Namespace) -> int:
    settings = _settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.ask import ask

    # A person reads the error itself; the line that a server logs of it says nothing more.
    logging.getLogger("mcp_grok.completions").setLevel(logging.ERROR)
    # Bytes that are not UTF-8, and characters that the terminal cannot show, are no reason to lose a paid answer.
    question = sys.stdin.buffer.read().decode("utf-8", "replace") if options.question == "-" else options.question
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return _run(
        partial(
            ask,
            settings,
            question,
            model=options.model,
            images=options.image,
            system=options.system,
            as_json=options.json,
        )
    )


def _models(options: argparse.Namespace) -> int:
    settings = _settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.list_models import list_models

    return _run(partial(list_models, settings, live=options.live, as_json=options.json))


def _demo(options: argparse.Namespace) -> int:
    try:
        from mcp_grok.demo import run_demo
    except ImportError:
        _complain("the demo needs rich: pip install rich")
        return USAGE_ERROR
    status = 1
    try:
        status = _run(partial(run_demo, options.provider))
    except* SystemExit:
        # How rich says that nobody reads its output any more.
        pass
    return status


def _install(options: argparse.Namespace) -> int:
    if options.client not in (CLIENT_NAMES if not options.print else (*CLIENT_NAMES, None)):
        _complain(f"name one of {', '.join(CLIENT_NAMES)}; for any other client: mcp-grok install --print")
        return USAGE_ERROR
    if options.print and (options.uninstall or options.dry_run):
        _complain("--print touches no file, so it goes without --uninstall and --dry-run")
        return USAGE_ERROR
    settings = _settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.errors import NotConfigured
    from mcp_grok.install.command import Options, run_install

    try:
        return run_install(Options(options.client, options.uninstall, options.dry_run, options.print), settings)
    except NotConfigured as error:
        _complain(error.message)
        return 1


def _doctor(options: argparse.Namespace) -> int:
    from mcp_grok.doctor import run_doctor

    # What a check finds is printed; what a library logs of it says nothing more.
    logging.disable(logging.CRITICAL)
    return _run(partial(run_doctor, call=options.call, as_json=options.json))


def _settings(**given: Any) -> Any:
    from pydantic import ValidationError

    from mcp_grok.settings import Settings, explain, unknown_variables

    try:
        settings = Settings(**given)
    except ValidationError as error:
        _complain(explain(error))
        return None
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Only our own loggers follow the setting: the SDK's write whole requests at DEBUG, and those that cannot be read,
    # prompts included, at ERROR.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    logging.getLogger("mcp.server.transport_security").setLevel(logging.WARNING)
    logging.getLogger("mcp_grok").setLevel(settings.log_level)
    for name, meant in unknown_variables(os.environ).items():
        _complain(f"{name} is not a setting{f'; did you mean {meant}?' if meant else ''}")
    return settings


def _run(function: Callable[[], Any], *, uvloop_suits: bool = True) -> int:
    import anyio

    from mcp_grok.errors import NotConfigured

    gc.freeze()
    gc.enable()
    use_uvloop = uvloop_suits and importlib.util.find_spec("uvloop") is not None
    status = USAGE_ERROR
    try:
        status = int(anyio.run(function, backend_options={"use_uvloop": use_uvloop}) or 0)
    except* NotConfigured as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        _complain(str(error))
    return status


def _complain(line: str) -> None:
    sys.stderr.write(f"mcp-grok: {line}\n")
    sys.stderr.flush()
