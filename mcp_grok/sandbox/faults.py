"""What the sandbox can be told to do wrong: `"model": "sandbox-NAME"`, or the header `X-Sandbox-Fault: NAME`.

`slow` and `stall` take seconds after a colon: `sandbox-slow:180`.
"""

import math
from dataclasses import dataclass

MODEL_PREFIX = "sandbox-"
HEADER = "x-sandbox-fault"


@dataclass(frozen=True, slots=True)
class ErrorFault:
    """An answer with a documented error."""

    status: int
    message: str


ERRORS = {
    "bad_request": ErrorFault(400, "Bad request, possibly due to missing or invalid parameters."),
    "no_token": ErrorFault(400, "No token was given."),
    "token_mismatched": ErrorFault(400, "Bad request, possibly due to missing or invalid parameters."),
    "api_not_implemented": ErrorFault(400, "Bad request, possibly due to missing or invalid parameters."),
    "invalid_token": ErrorFault(401, "Unauthorized, invalid or missing authorization token."),
    "token_expired": ErrorFault(401, "The token has expired."),
    "used_up": ErrorFault(403, "The balance is used up."),
    "disabled": ErrorFault(403, "The application is disabled."),
    "forbidden": ErrorFault(403, "The content was refused by moderation."),
    "no_api": ErrorFault(404, "There is no such API."),
    "too_many_requests": ErrorFault(429, "Too many requests, you have exceeded the rate limit."),
    "rate_limited": ErrorFault(429, "Too many requests, you have exceeded the rate limit."),
    "api_error": ErrorFault(500, "fetch failed"),
    "timeout": ErrorFault(504, "The upstream did not answer in time."),
}

BEHAVIOURS = {
    "slow": "the first byte comes after some seconds (5)",
    "stall": "silence of some seconds (60) in the middle of a stream",
    "cut": "the connection closes in the middle of the answer",
    "malformed": "a chunk in the middle of a stream is not JSON",
    "stream_error": "an error in the middle of a stream",
    "success_false": "an error under HTTP 200",
    "html": "a gateway's HTML page under HTTP 502",
}

FAULTS = (*ERRORS, *BEHAVIOURS)

DEFAULT_SECONDS = {"slow": 5.0, "stall": 60.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault asked for.

    Attributes:
        name: A key of `ERRORS` or `BEHAVIOURS`.
        seconds: How long it takes, for those that take time.
    """

    name: str
    seconds: float = 0.0


def asked_fault(model: str, header: str | None) -> Fault | None:
    """The fault that a request asks for, if any."""
    asked = header or (model.removeprefix(MODEL_PREFIX) if model.startswith(MODEL_PREFIX) else "")
    name, _, seconds = asked.partition(":")
    if name not in FAULTS:
        return None
    default = DEFAULT_SECONDS.get(name, 0.0)
    try:
        wanted = float(seconds)
    except ValueError:
        return Fault(name, default)
    return Fault(name, wanted if 0 <= wanted < math.inf else default)
