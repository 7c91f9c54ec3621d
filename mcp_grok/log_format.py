"""The lines of the log, as text or as JSON: without control characters, and of limited length."""

import json
import logging
import time
from typing import Any

from mcp_grok.printable import printable

CALL = "call"
"""The attribute of a log record with the fields of a call."""

MAX_RECORD_BYTES = 8192
"""Maximum bytes of a record; the middle of a longer one is left out, because a traceback ends with its reason."""


class TextFormatter(logging.Formatter):
    """Formats a record as text. Only its first line begins at the margin, so no text in it can imitate a record."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the indented lines of a traceback."""
        return _shortened(printable(_shortened(super().format(record))).replace("\n", "\n  "))


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message and the fields of a call; no prompt, answer or key."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, CALL, {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        fields = {name: _shortened(value) if isinstance(value, str) else value for name, value in fields.items()}
        # Escapes take more room than what they stand for.
        while _size(line := _json(fields)) > MAX_RECORD_BYTES:
            longest = max(fields, key=lambda name: _size(str(fields[name])))
            fields[longest] = _shortened(str(fields[longest]), _size(str(fields[longest])) // 2)
        return line


def _json(fields: dict[str, Any]) -> str:
    return printable(json.dumps(fields, ensure_ascii=False, default=str))


def _size(text: str) -> int:
    return len(text.encode(errors="backslashreplace"))


def _shortened(text: str, size: int = MAX_RECORD_BYTES) -> str:
    """The text in at most `size` bytes of UTF-8, with its beginning and its end."""
    content = text.encode(errors="backslashreplace")
    if len(content) <= size:
        return text
    note = f" [{len(content)} bytes, the middle left out] "
    room = max(0, size - len(note))
    head, tail = content[: room - room // 4], content[len(content) - room // 4 :]
    return head.decode(errors="ignore") + note + tail.decode(errors="ignore")
