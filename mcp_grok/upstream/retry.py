"""The rules for sending a call again, without I/O.

No provider detects a call that is sent twice: both would be billed. So a call is sent again only if the first attempt
cannot have been billed, or if an answer states that it failed, and never after a part of an answer was received.
"""

import random
from collections.abc import Callable

from mcp_grok.errors import ConnectionFailed, GrokError, UpstreamError

ONCE = frozenset({500, 502, 503, 504, 529})
"""Statuses after which a call is sent again, but only once. 529 is Anthropic's 503.

Not so 408 and Cloudflare's 520 to 524: the model may be at work on the call.
"""

LONGEST_WAIT = 120.0
"""Maximum seconds to wait. If the upstream asks for more, the call ends with its error instead."""

Backoff = Callable[[int], float]
"""Returns the seconds to wait after the attempt with a number (from 1), if the upstream does not state them."""


def backoff(attempt: int) -> float:
    """0.5 seconds, doubled for each attempt up to 8 seconds, then reduced by a random 0 to 25 % to spread clients."""
    return min(8.0, 0.5 * 2.0 ** (attempt - 1)) * (1 - random.random() / 4)  # noqa: S311 - not a secret


def seconds_before_resend(
    error: GrokError, *, attempt: int, max_retries: int, waiting: Backoff = backoff
) -> float | None:
    """Seconds to wait before a call is sent again; None if it must not be sent again.

    Args:
        error: The error of the attempt.
        attempt: The number of the attempt, from 1.
        max_retries: Maximum attempts after the first.
        waiting: Returns the wait if the upstream does not ask for one.
    """
    if attempt > max_retries or not _may_be_resent(error, attempt):
        return None
    asked = error.retry_after
    if asked is not None and asked > LONGEST_WAIT:
        return None
    return waiting(attempt) if asked is None else asked


def _may_be_resent(error: GrokError, attempt: int) -> bool:
    if not error.retryable:
        return False
    if isinstance(error, ConnectionFailed):
        return error.billed == "no"
    if not isinstance(error, UpstreamError) or error.partial:
        return False
    is_rate_limit = error.status == 429 or error.type == "rate_limit_error"
    return is_rate_limit or (error.status in ONCE and attempt == 1)
