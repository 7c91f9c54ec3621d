"""The start of a command: standard streams, settings, logging, the event loop, and error messages."""

import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mcp_grok.log_format import JsonFormatter, TextFormatter
from mcp_grok.printable import one_line

if TYPE_CHECKING:
    from mcp_grok.settings import Settings

USAGE_ERROR = 2
"""The exit status for a wrong option or setting."""


def open_missing_streams() -> None:
    """Opens the null device for each standard stream that the parent has closed.

    Otherwise the next file or socket would get its descriptor.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def read_settings(**given: Any) -> "Settings":
    """The settings of the environment; also configures logging from them.

    Args:
        given: Settings from the command line, which replace those from the environment.

    Raises:
        SystemExit: a setting is wrong; a line on stderr names it.
    """
    from pydantic import ValidationError

    from mcp_grok.settings import Settings, explain, unknown_variables

    try:
        settings = Settings(**given)
    except ValidationError as error:
        usage_error(explain(error))
    _log(settings)
    for name, meant in unknown_variables(os.environ).items():
        complain(f"{name} is not a setting{f'; did you mean {meant}?' if meant else ''}")
    return settings


def _log(settings: "Settings") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    # The setting does not apply to the SDK's loggers: they write whole requests at DEBUG, and unreadable requests,
    # including prompts, at ERROR.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    logging.getLogger("mcp.server.transport_security").setLevel(logging.WARNING)
    logging.getLogger("mcp_grok").setLevel(settings.log_level)


def run_async(function: Callable[[], Any], *, uvloop_suits: bool = True) -> int:
    """Runs a coroutine function on an event loop; returns the exit status that it returns.

    Args:
        function: The coroutine function. None as its result means 0.
        uvloop_suits: Whether uvloop may be used if it is installed.
    """
    import anyio

    from mcp_grok.errors import NotConfigured

    check_certificates()
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


def check_certificates() -> None:
    """Ends the command if SSL_CERT_FILE is a pipe or a device: loading it would never end.

    Raises:
        SystemExit: it is something else than a file.
    """
    path = Path(os.environ.get("SSL_CERT_FILE", ""))
    if path.exists() and not path.is_file() and not path.is_dir():
        usage_error(f"SSL_CERT_FILE: {path} is not a regular file")


def complain(line: str) -> None:
    """Writes a line to stderr."""
    sys.stderr.write(f"mcp-grok: {one_line(line)}\n")
    sys.stderr.flush()


def usage_error(line: str) -> NoReturn:
    """Ends the command because of a wrong option or setting.

    Raises:
        SystemExit: always, with the status `USAGE_ERROR`.
    """
    complain(line)
    raise SystemExit(USAGE_ERROR)
