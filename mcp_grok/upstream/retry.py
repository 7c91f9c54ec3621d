"""When a call may be sent again. Pure: headers in, a decision out."""

import email.utils
import math
import time
from collections.abc import Mapping
from datetime import UTC


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How long the upstream asks us to wait, in seconds; None where it does not say.

    Reads `retry-after-ms` and `Retry-After` as seconds or as an HTTP date (RFC 9110, 10.2.3).

    Args:
        headers: Of the response; looked up without regard to case if the mapping does so.
        now: Seconds since the epoch that a date is compared with; the present by default.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
        # An HTTP date is in UTC, whether it says so or not.
        at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now is None else now))


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
