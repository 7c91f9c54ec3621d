"""`mcp-grok chat`: one question from the shell, through the same code as a tool call."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from mcp_grok.errors import GrokError
from mcp_grok.server import open_upstream
from mcp_grok.settings import Settings
from mcp_grok.tools.result import completion_result, error_result
from mcp_grok.upstream.request import read_request
from mcp_grok.upstream.text import without_lone_surrogates


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
        images: https or data URLs.
        system: The system message, if any.
        as_json: Writes the whole completion as JSON instead, once it is there.

    Returns:
        The exit status: 1 when the call failed.
    """
    arguments = {"model": model, "messages": _messages(question, images, system), "stream": not as_json}
    written: list[str] = []

    def write(text: str) -> None:
        written.append(text)
        if not as_json:
            _write(text)

    try:
        request = read_request(arguments, default_model=settings.model, progress_wanted=False)
        async with open_upstream(settings) as completions:
            call = completions.start(request)
            call.follow(write)
            completion = await call.wait()
    except GrokError as error:
        _end_line(written)
        error_text: Any = error_result(error).content[0]
        details = json.loads(error_text.text)["error"]
        sys.stderr.write(f"mcp-grok: {details.pop('message')}\n")
        sys.stderr.writelines(f"  {name}: {value}\n" for name, value in details.items() if name != "partial")
        return 1
    if as_json:
        block: Any = completion_result(completion, structured=False).content[0]
        written = [block.text]
        _write(block.text)
    _end_line(written)
    return 0


def _messages(question: str, images: Sequence[str], system: str | None) -> list[dict[str, Any]]:
    content: Any = question
    if images:
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in images]
        content = [{"type": "text", "text": question}, *parts]
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": content}]


def _write(text: str) -> None:
    sys.stdout.write(without_lone_surrogates(text))
    sys.stdout.flush()


def _end_line(written: list[str]) -> None:
    if written and not written[-1].endswith("\n"):
        _write("\n")
