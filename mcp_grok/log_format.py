"""Log lines as JSON, one object a line, for log collectors."""

import json
import logging
import time

CALL = "call"
"""The attribute of a log record with the fields of a call."""


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message and the fields of a call; no prompt, answer or key."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, CALL, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
