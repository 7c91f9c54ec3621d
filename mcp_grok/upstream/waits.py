"""The wait that an upstream asks for: in a header, in the body of its error, or in its words."""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcp_grok.upstream.refusal import Refusal

UNITS = {"ms": 0.001, "milli": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

UNIT = r"milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d"
PART = rf"(\d{{1,9}}(?:\.\d{{1,9}})?) ?({UNIT})(?![a-z])"
DURATION = rf"{PART}(?:(?:,? and |,? ?){PART}){{0,3}}"
PARTS = re.compile(PART, re.IGNORECASE)
WHOLE = re.compile(DURATION, re.IGNORECASE)
IN_WORDS = re.compile(
    rf"\b(?:again|retry|retrying|wait|resets?|available)\b[a-z ]{{0,40}}? (?P<wait>{DURATION})", re.IGNORECASE
)
"""Like OpenAI's "Please try again in 1m30s" and Azure's "Please retry after 6 seconds"."""

LIMITED = (429, 503)
"""Statuses with which the headers for a limit state the wait."""

SECONDS_SINCE_1970 = 1e9
MILLISECONDS_SINCE_1970 = 1e12
"""Numbers from which a wait is a time since 1970, in seconds or milliseconds."""


def stated_wait(status: int, headers: Mapping[str, str], refusal: Refusal, now: float | None = None) -> float | None:
    """Seconds that the upstream asks to wait; None if it does not state them.

    Args:
        status: The status of the answer.
        headers: The headers of the answer, preferably in a case-insensitive mapping.
        refusal: What its body says.
        now: The current time in seconds since 1970; by default that of the system clock.
    """
    for wait in (retry_after_seconds(headers, now), retry_after_seconds(refusal.headers, now)):
        if wait is not None:
            return wait
    wait = _in_body(refusal.waits, now) or wait_in_words(refusal.message)
    if not wait and status in LIMITED:
        wait = seconds_to_reset(headers, now) or seconds_to_reset(refusal.headers, now)
    return wait or None


def retry_after_seconds(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds in `retry-after-ms`, or in `Retry-After` in any form (RFC 9110, 10.2.3, and with a unit)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    return _seconds(headers.get("retry-after"), now) if milliseconds is None else milliseconds / 1000


def seconds_to_reset(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until a limit is renewed, from headers like `x-ratelimit-reset-requests`.

    A header with `remaining` in place of `reset` says which limit is reached. If none does, the first renewal counts.
    """
    reached: list[float] = []
    unknown: list[float] = []
    for name, value in headers.items():
        name = name.lower()
        if "reset" not in name or "ratelimit" not in name.replace("-", ""):
            continue
        remaining = _number(headers.get(name.replace("reset", "remaining")))
        seconds = _seconds(value, now)
        if seconds and not remaining:
            (unknown if remaining is None else reached).append(seconds)
    return max(reached, default=None) or min(unknown, default=None)


def wait_in_words(message: str) -> float | None:
    """Seconds in words like "try again in 1m30s"; None if there are none."""
    found = IN_WORDS.search(message)
    return _duration(found["wait"]) if found else None


def _in_body(waits: Mapping[str, Any], now: float | None) -> float | None:
    for name, value in waits.items():
        if isinstance(value, dict):
            value = f"{value.get('seconds', 0)}s"
        seconds = _seconds(str(value), now)
        if seconds is not None:
            return seconds / 1000 if name.endswith("_ms") else seconds
    return None


def _seconds(value: str | None, now: float | None) -> float | None:
    """Seconds in a number, a duration, a time since 1970 or a date."""
    value = (value or "").strip()
    number = _number(value)
    if number is None and WHOLE.fullmatch(value):
        return _duration(value)
    time_at = _date(value) if number is None else number / (1000 if number >= MILLISECONDS_SINCE_1970 else 1)
    if time_at is None or (number is not None and number < SECONDS_SINCE_1970):
        return number
    return round(max(0.0, time_at - (time.time() if now is None else now)), 3)


def _duration(text: str) -> float:
    return sum(float(number) * UNITS[_unit(unit.lower())] for number, unit in PARTS.findall(text))


def _unit(name: str) -> str:
    return name if name == "ms" else "milli" if name.startswith(("milli", "msec")) else name[0]


def _date(value: str) -> float | None:
    """Seconds since 1970 of an HTTP date or an ISO date; both are in UTC where they name no time zone."""
    for read in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(value)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError):
            continue
    return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
