"""The command line: parses, then calls one function. On stdio, stdout belongs to the protocol."""

import argparse
import gc
import io
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mcp_grok import __version__
from mcp_grok.cli import serve_command
from mcp_grok.cli.run import USAGE_ERROR, complain, open_missing_streams, read_settings, run_async
from mcp_grok.providers import PROVIDERS, SANDBOX_KEY

CLIENT_NAMES = ("claude-desktop", "claude-code", "cursor", "vscode", "codex")

SANDBOX_PORT = 8080


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit status: 0, 1 for a call that failed, 2 for a wrong option or setting, 128 + a signal's number.
    """
    open_missing_streams()
    options = parser().parse_args(arguments)
    # Importing allocates much and frees nothing: collecting garbage meanwhile is a tenth of the start.
    gc.disable()
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    commands = argparse.ArgumentParser(
        prog="mcp-grok",
        description="MCP server for Grok. Without a command it serves stdio. Settings come from the environment.",
    )
    commands.add_argument("--version", action="version", version=f"mcp-grok {__version__}")
    commands.set_defaults(run=serve_command.run, **serve_command.DEFAULTS)
    named = commands.add_subparsers(title="commands", metavar="COMMAND")

    serve_command.add_options(named.add_parser("serve", help="serve MCP over stdio, SSE or streamable HTTP"))

    demo = named.add_parser("demo", help="show what it does against the sandbox, without a key")
    played = [name for name in PROVIDERS if name != "sandbox"]
    demo.add_argument(
        "--provider",
        choices=played,
        default=played[0],
        help="the provider that the sandbox plays (default: %(default)s)",
    )
    demo.set_defaults(run=_demo)

    sandbox = named.add_parser("sandbox", help="run a local server that answers as the documented APIs do")
    serve_command.add_address(sandbox, SANDBOX_PORT)
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

    token = named.add_parser("token", help="make, list and revoke the tokens of those who may call over HTTP")
    token.add_argument("action", choices=("new", "list", "revoke"))
    token.add_argument("name", nargs="?", metavar="NAME", help="whose; not for list")
    token.add_argument("--file", default="tokens", help="where names and hashes stand (default: tokens)")
    token.set_defaults(run=_token)

    doctor = named.add_parser("doctor", help="say what works, and what to do about what does not")
    doctor.add_argument("--call", action="store_true", help="also make a call of one token, which costs a little")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)
    return commands


def _sandbox(options: argparse.Namespace) -> int:
    from mcp_grok.sandbox.apis import APIS
    from mcp_grok.sandbox.serve_sandbox import serve_sandbox

    paths = ", ".join(f"{api.path} as {name}" for name, api in APIS.items())
    note = f" (POST {paths}; the key is {SANDBOX_KEY})"
    return serve_command.listen(options, lambda listener: partial(serve_sandbox, listener), note)


def _chat(options: argparse.Namespace) -> int:
    settings = read_settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.cli.chat_command import ask

    # A person reads the error itself; the line that a server logs of it says nothing more.
    logging.getLogger("mcp_grok.calls").setLevel(logging.ERROR)
    # Bytes that are not UTF-8, and characters that the terminal cannot show, are no reason to lose a paid answer.
    question = sys.stdin.buffer.read().decode("utf-8", "replace") if options.question == "-" else options.question
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return run_async(
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
    settings = read_settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.cli.models_command import list_models

    return run_async(partial(list_models, settings, live=options.live, as_json=options.json))


def _demo(options: argparse.Namespace) -> int:
    try:
        from mcp_grok.cli.demo_command import run_demo
    except ImportError:
        complain("the demo needs rich: pip install rich")
        return USAGE_ERROR
    status = 1
    try:
        status = run_async(partial(run_demo, options.provider))
    except* SystemExit:
        # How rich says that nobody reads its output any more.
        pass
    return status


def _install(options: argparse.Namespace) -> int:
    if options.client not in (CLIENT_NAMES if not options.print else (*CLIENT_NAMES, None)):
        complain(f"name one of {', '.join(CLIENT_NAMES)}; for any other client: mcp-grok install --print")
        return USAGE_ERROR
    if options.print and (options.uninstall or options.dry_run):
        complain("--print touches no file, so it goes without --uninstall and --dry-run")
        return USAGE_ERROR
    settings = read_settings()
    if settings is None:
        return USAGE_ERROR
    from mcp_grok.cli.install_command import Options, run_install
    from mcp_grok.errors import NotConfigured

    try:
        return run_install(Options(options.client, options.uninstall, options.dry_run, options.print), settings)
    except NotConfigured as error:
        complain(error.message)
        return 1


def _token(options: argparse.Namespace) -> int:
    if (options.name is None) is not (options.action == "list"):
        complain("give a name with new and revoke, and none with list")
        return USAGE_ERROR
    from mcp_grok.cli.token_command import run_token

    return run_token(options.action, options.name, Path(options.file).expanduser())


def _doctor(options: argparse.Namespace) -> int:
    from mcp_grok.cli.doctor_command import run_doctor

    # What a check finds is printed; what a library logs of it says nothing more.
    logging.disable(logging.CRITICAL)
    return run_async(partial(run_doctor, call=options.call, as_json=options.json))
