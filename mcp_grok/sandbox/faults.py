"""How the sandbox fails on request: `"model": "sandbox-NAME"`, or the header `X-Sandbox-Fault: NAME`.

`slow` and `stall` take seconds after a colon: `sandbox-slow:180`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from mcp_grok.sandbox.api_errors import ApiError

MODEL_PREFIX = "sandbox-"
HEADER = "x-sandbox-fault"

ERRORS = {
    "bad_request": (400, "Bad request, possibly due to missing or invalid parameters."),
    "no_token": (400, "No token was given."),
    "token_mismatched": (400, "Bad request, possibly due to missing or invalid parameters."),
    "api_not_implemented": (400, "Bad request, possibly due to missing or invalid parameters."),
    "invalid_token": (401, "Unauthorized, invalid or missing authorization token."),
    "token_expired": (401, "The token has expired."),
    "used_up": (403, "The balance is used up."),
    "disabled": (403, "The application is disabled."),
    "forbidden": (403, "The content was refused by moderation."),
    "no_api": (404, "There is no such API."),
    "too_many_requests": (429, "Too many requests, you have exceeded the rate limit."),
    "rate_limited": (429, "Too many requests, you have exceeded the rate limit."),
    "api_error": (500, "fetch failed"),
    "timeout": (504, "The upstream did not answer in time."),
}
"""AceData's documented errors: code → HTTP status and message."""

BEHAVIOURS = {
    "slow": "the first byte comes after some seconds (5)",
    "stall": "silence of some seconds (60) in the middle of the answer",
    "cut": "the connection closes in the middle of the answer",
    "stream_error": "an error in the middle of a stream",
}

VIDEO_BEHAVIOURS = {
    **BEHAVIOURS,
    "failed": "a video fails when its time is over",
    "expired": "a video is no longer there when its time is over",
}
"""Those of a request for a video, where `slow` is how long the video takes."""

DEFAULT_SECONDS = {"slow": 5.0, "stall": 60.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a request asks for.

    Attributes:
        name: A key of `BEHAVIOURS` or `VIDEO_BEHAVIOURS`; empty for none.
        seconds: How long `slow` and `stall` last.
    """

    name: str = ""
    seconds: float = 0.0


def documented_error(code: str, hint: str = "") -> ApiError:
    """The documented error with this code, and a hint after its message."""
    status, message = ERRORS[code]
    return ApiError(status, code, message + hint)


def requested_fault(model: str, header: str | None, behaviours: Collection[str] = BEHAVIOURS) -> Fault:
    """The fault that a request asks for.

    Args:
        model: The model of the request.
        header: The header `X-Sandbox-Fault`, if the request has it.
        behaviours: The faults that it may ask for, beside the documented errors.

    Raises:
        ApiError: The request asks for this error, or for a fault that does not exist.
    """
    requested = header or (model.removeprefix(MODEL_PREFIX) if model.startswith(MODEL_PREFIX) else "")
    if not requested:
        return Fault()
    if requested in ERRORS:
        raise documented_error(requested)
    match = re.fullmatch(rf"({'|'.join(behaviours)})(?::(\d+(?:\.\d+)?))?", requested, re.ASCII)
    if not match:
        names = ", ".join((*ERRORS, *behaviours))
        raise ApiError(400, "bad_request", f"there is no fault {requested!r}: choose one of {names}", "model")
    name, seconds = match.groups()
    return Fault(name, float(seconds) if seconds else DEFAULT_SECONDS.get(name, 0.0))
