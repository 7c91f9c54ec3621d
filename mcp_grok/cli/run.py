"""What every command begins with: standard streams, settings, logging, and the event loop."""

import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from mcp_grok.log_format import JsonFormatter

USAGE_ERROR = 2


def open_missing_streams() -> None:
    """Gives a standard stream that the parent has closed somewhere to go, before its number goes to something else."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def read_settings(**given: Any) -> Any:
    """The settings, with logging set up as they say; None, with one line on stderr, where they are wrong."""
    from pydantic import ValidationError

    from mcp_grok.settings import Settings, explain, unknown_variables

    try:
        settings = Settings(**given)
    except ValidationError as error:
        complain(explain(error))
        return None
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if settings.log_format == "json":
        logging.getLogger().handlers[0].setFormatter(JsonFormatter())
    # Only our own loggers follow the setting: the SDK's write whole requests at DEBUG, and those that cannot be read,
    # prompts included, at ERROR.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    logging.getLogger("mcp.server.transport_security").setLevel(logging.WARNING)
    logging.getLogger("mcp_grok").setLevel(settings.log_level)
    for name, meant in unknown_variables(os.environ).items():
        complain(f"{name} is not a setting{f'; did you mean {meant}?' if meant else ''}")
    return settings


def run_async(function: Callable[[], Any], *, uvloop_suits: bool = True) -> int:
    """Runs a coroutine function to its end; gives the exit status that it returns."""
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
        complain(str(error))
    return status


def complain(line: str) -> None:
    """Says something to whoever started the command."""
    sys.stderr.write(f"mcp-grok: {line}\n")
    sys.stderr.flush()
