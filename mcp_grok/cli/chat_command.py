"""`mcp-grok chat`: one question from the shell, through the same code as a tool call."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp_grok.errors import GrokError
from mcp_grok.server import open_upstream
from mcp_grok.settings import Settings
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.tools.result import completion_json
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request


async def ask(
    settings: Settings,
    question: str,
    *,
    model: str | None,
    images: Sequence[str],
    system: str | None,
    as_json: bool,
) -> int:
    """Asks, and writes the answer to stdout as it comes; everything else goes to stderr.

    Args:
        settings: The configuration.
        question: The user's message.
        model: The model; None for the default.
        images: https or data URLs, or files.
        system: The system message, if any.
        as_json: Writes the whole completion as JSON instead, once it is there.

    Returns:
        The exit status: 1 when the call failed.
    """
    # Whoever types a file's name here means that file; the settings' folders are for calls that a model makes.
    settings = settings.model_copy(update={"allowed_dirs": os.pathsep.join(map(_folder, images))})
    arguments = {
        "model": model,
        "messages": _messages(question, list(map(_address, images)), system),
        "stream": not as_json,
    }
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        if not as_json and not _write(text):
            calls.stop(call)

    try:
        request = read_request(arguments, settings.endpoint)
    except GrokError as error:
        return _complain(error)
    # A shell command is not asked again for its answer, so none is kept.
    async with open_upstream(settings.model_copy(update={"store": "memory"})) as calls:
        call = await calls.start(request, calls.request())
        call.follow(write)
        outcome = await call.wait()
    if isinstance(outcome, Completion) and as_json:
        written = [completion_json(outcome)]
        _write(written[0])
    if written and not written[-1].endswith("\n"):
        _write("\n")
    return _complain(outcome) if isinstance(outcome, GrokError) else 0


def _complain(error: GrokError) -> int:
    details = error.as_dict()
    sys.stderr.write(f"mcp-grok: {details.pop('message')}\n")
    sys.stderr.writelines(
        without_lone_surrogates(f"  {name}: {value}\n") for name, value in details.items() if name != "partial"
    )
    return 1


def _messages(question: str, images: Sequence[str], system: str | None) -> list[dict[str, Any]]:
    content: Any = question
    if images:
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in images]
        content = [{"type": "text", "text": question}, *parts]
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": content}]


def _address(image: str) -> str:
    """An image's URL as it is, a file's name as the whole path."""
    return str(Path(image).absolute()) if _is_path(image) else image


def _folder(image: str) -> str:
    """The folder that an image's file really lies in; of a URL, nothing."""
    return str(Path(image).resolve().parent) if _is_path(image) else ""


def _is_path(image: str) -> bool:
    return not re.match(r"[a-z][a-z0-9+.-]+:", image, re.IGNORECASE)


def _write(text: str) -> bool:
    """Writes to stdout; False when nobody reads it any more, as with `| head`."""
    try:
        sys.stdout.write(without_lone_surrogates(text))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would be complained of again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
