"""The calls that every driver makes, in order, and what it prints of them. Its argument is the plan, as JSON."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

PLAN = json.loads(sys.argv[1])
COMMAND, *ARGUMENTS = PLAN["command"]
ENVIRONMENT: dict[str, str] = PLAN["environment"]
"""How to start the server."""

Seen = tuple[str, bool]
"""The text of a result, and whether it came as an error."""

_progress: list[str] = []


async def on_progress(
    _progress_so_far: float, _total: float | None = None, message: str | None = None, *_: Any
) -> None:
    """Takes the progress of a call, in the form of most SDKs."""
    _progress.append(message or "")


def progress_for(arguments: dict[str, Any]) -> Callable[..., Awaitable[None]] | None:
    """What takes the progress of a call, where it is streamed."""
    return on_progress if arguments.get("stream") else None


async def report(names: Iterable[str], call: Callable[[str, dict[str, Any]], Awaitable[Seen]]) -> None:
    """Makes the calls through a client, and prints what came.

    Args:
        names: The tools that the client lists.
        call: Calls a tool by its name. What it raises counts as an error with that text.
    """
    seen: dict[str, Any] = {"lists": sorted(names)}
    for step, arguments in PLAN["calls"].items():
        seen[step] = await _make(call, PLAN["tool"], arguments)
    seen["fetched"] = await _fetch(call, seen["hand-off"])
    print(json.dumps(seen))


async def _make(call: Callable[[str, dict[str, Any]], Awaitable[Seen]], tool: str, arguments: dict[str, Any]) -> Any:
    _progress.clear()
    try:
        text, is_error = await call(tool, arguments)
    except Exception as error:  # noqa: BLE001
        text, is_error = str(error), True
    # The handlers of some clients are tasks that run after the call.
    await asyncio.sleep(0)
    return {"text": text, "isError": is_error, "progress": "".join(_progress)}


async def _fetch(call: Callable[[str, dict[str, Any]], Awaitable[Seen]], seen: Any) -> Any:
    """What a model does with a pending result: calls what it says."""
    while '"chat.completion.pending"' in seen["text"]:
        following = json.JSONDecoder().raw_decode(seen["text"][seen["text"].index("{") :])[0]["next"]
        seen = await _make(call, following["tool"], following["arguments"])
    return seen
