"""`mcp-grok chat`: one question from the shell, through the same code as a tool call."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mcp_grok.cli.shell_words import fields_in_shell, message_in_shell
from mcp_grok.cli.startup import complain, read_settings, run_async, usage_error
from mcp_grok.cli.status_line import StatusLine
from mcp_grok.errors import GrokError
from mcp_grok.open_upstream import open_upstream
from mcp_grok.printable import one_line
from mcp_grok.settings import Settings
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.tools.cutting import whole_json
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request

MOST_OF_URL = 40
"""Characters of a data: URL that an error shows."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the question, and the options for its model, images and output."""
    words = 'the question, in one word or more; "-" reads it from stdin'
    parser.add_argument("question", nargs="+", metavar="QUESTION", help=words)
    parser.add_argument("--model", help="the model; by default the server's default model")
    parser.add_argument(
        "--image", action="append", default=[], metavar="URL", help="an https or data: URL, or a file; repeatable"
    )
    parser.add_argument("--system", help="a system message")
    parser.add_argument("--json", action="store_true", help="print the whole completion as JSON")


def run(options: argparse.Namespace) -> int:
    """Asks the question; returns the exit status."""
    settings = read_settings()
    # The error is written to the terminal; a log line would only repeat it.
    logging.getLogger("mcp_grok.calls").setLevel(logging.ERROR)
    question = _question(options.question)
    arguments = {
        "model": options.model,
        "messages": _messages(question, list(map(_address, options.image)), options.system),
        "stream": not options.json,
    }
    names = {
        f"messages[{1 if options.system else 0}].content[{place}].image_url.url": _short(image)
        for place, image in enumerate(options.image, 1)
    }
    # A model's call may read only the folders in the settings; here the user names the files.
    folders = os.pathsep.join(map(_folder, options.image))
    # The answer is not stored on disk, because no later command fetches it.
    settings = settings.model_copy(update={"allowed_dirs": folders, "store": "memory"})
    return run_async(partial(_ask, settings, arguments, names, as_json=options.json))


def _question(words: list[str]) -> str:
    """The question, from the command line or stdin; an empty one is refused, because it would cost."""
    question = " ".join(words)
    if question == "-":
        if sys.stdin.isatty():
            complain("type the question, and end it with Ctrl-D (on Windows Ctrl-Z and Enter)")
        question = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not question.strip():
        usage_error("the question is empty; nothing was sent")
    return question


async def _ask(settings: Settings, arguments: dict[str, Any], names: Mapping[str, str], *, as_json: bool) -> int:
    """Writes the answer to stdout piece by piece, or whole as JSON; returns 1 if the call failed, else 0."""
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        if as_json:
            return
        status.end()
        if not _write(text):
            calls.stop(call)

    try:
        request = read_request(arguments, settings.endpoint)
    except GrokError as error:
        return _explain(error, names)
    status = StatusLine(f"waiting for {request.model}")
    async with open_upstream(settings) as calls, status.shown():
        call = await calls.start(request, calls.request())
        call.follow(write, status.reasoning_came)
        outcome = await call.wait()
    if isinstance(outcome, Completion) and as_json:
        _write(f"{whole_json(outcome)}\n")
    if written and not as_json and not written[-1].endswith("\n"):
        _write("\n")
    if isinstance(outcome, GrokError):
        return _explain(outcome, names, is_above=bool(written) and not as_json)
    if outcome.in_doubt:
        complain(f"The answer may be incomplete. {outcome.in_doubt}.")
    return 0


def _explain(error: GrokError, names: Mapping[str, str], *, is_above: bool = False) -> int:
    """Writes an error to stderr; see `message_in_shell`."""
    complain(message_in_shell(error, names, is_above=is_above))
    fields = fields_in_shell(error, names, is_above=is_above)
    lines = (f"  {name}: {one_line(value)}\n" for name, value in fields.items())
    sys.stderr.writelines(map(without_lone_surrogates, lines))
    return 1


def _messages(question: str, images: Sequence[str], system: str | None) -> list[dict[str, Any]]:
    content: Any = question
    if images:
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in images]
        content = [{"type": "text", "text": question}, *parts]
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": content}]


def _short(image: str) -> str:
    """The name of an image in an error: its address or path, but not the content of a data: URL."""
    return f"{image[:MOST_OF_URL]}…" if image.startswith("data:") else image


def _address(image: str) -> str:
    """The URL of an image, or the absolute path of its file."""
    return str(_path(image).absolute()) if _is_path(image) else image


def _folder(image: str) -> str:
    """The folder of an image's file, links resolved; empty for a URL."""
    return str(_path(image).resolve().parent) if _is_path(image) else ""


def _is_path(image: str) -> bool:
    return image.lower().startswith("file:") or not re.match(r"[a-z][a-z0-9+.-]+:", image, re.IGNORECASE)


def _path(image: str) -> Path:
    """The path of an image's file, which may be a file: URL or begin with the home folder."""
    if image.lower().startswith("file:"):
        return Path(url2pathname(urlsplit(image).path))
    return Path(os.path.expanduser(image))  # noqa: PTH111 - pathlib raises if the home folder is unknown


def _write(text: str) -> bool:
    """Writes to stdout; returns False if its reader has ended, as with `| head`."""
    try:
        sys.stdout.write(without_lone_surrogates(text))
        sys.stdout.flush()
    except BrokenPipeError:
        # Otherwise Python would try to write the rest at exit, and report the error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
