"""The errors of a call.

GrokError
├── InvalidRequest        the arguments are wrong; nothing was sent
├── NotConfigured         a setting is missing or invalid; nothing was sent
├── UpstreamError         the API answered with an error
├── CallTimeout           a time limit passed
├── ConnectionFailed      no connection, or it broke before the answer began
├── StreamTruncated       the answer began but did not end
├── BadUpstreamResponse   the API answered with something that is not a completion
├── ResponseTooLarge      the answer is over the size limit
├── Cancelled             the call was stopped by its client
├── Lost                  the server ended while the call ran
├── NotFound              there is no call with that id
├── LimitReached          the caller's quota is used up; nothing was sent
├── Unavailable           the server is stopping; nothing was sent
├── StoreUnreachable      the shared store cannot be reached
├── OutOfReach            this server lost contact with a call that runs on another server
└── InternalError         a defect in this server
"""

import logging
import traceback
from typing import Any, Literal

from mcp_grok.redaction import REMOVED, without_controls, without_keys

logger = logging.getLogger(__name__)

Billed = Literal["no", "yes", "unknown"]
"""Whether the provider charges for the call: `unknown` if only the provider can know."""

MAX_UPSTREAM_MESSAGE = 500
"""Maximum characters of the upstream's message in an error."""

MAX_MESSAGE = 4000
MAX_PARAM = 200
"""Maximum characters of this server's message, and of a parameter's path. Both may quote a name of any length."""

DEFAULTS = ("code", "type", "retryable", "billed")
"""Attributes that have a default in each class."""

FIELDS = ("status", "retry_after", "param", "provider", "trace_id", "upstream_message", "partial")
"""Attributes that are None if they do not apply."""

FROM_UPSTREAM = ("code", "param", "trace_id", "upstream_message")
"""Attributes that may contain an API's own words. `partial` is the model's answer, and `message` ours."""

IN_CLIENT = "in the MCP client's configuration of this server"
IN_PARTIAL = "The text received so far is in partial."
"""Words of messages that only a client understands. A command of the shell replaces them."""


class GrokError(Exception):
    """A call that failed.

    Args:
        message: This server's own message: what happened and what to do next.
        fields: Values for the attributes below; None means the default of the class.
        attempts: The number of times that the call was sent.

    Attributes:
        code: The kind of failure.
        type: The category of the failure, as OpenAI names it.
        retryable: Whether the same call may succeed later.
        billed: Whether the provider charges for the call.
        status: The HTTP status of the upstream's answer.
        retry_after: Seconds to wait before the next attempt.
        param: The parameter that the error is about.
        provider: The name of the provider.
        trace_id: The upstream's identifier of the request.
        upstream_message: The upstream's error message.
        partial: The text received before the failure.
    """

    code: str = "internal_error"
    type: str = "server_error"
    retryable: bool = False
    billed: Billed = "unknown"
    status: int | None = None
    retry_after: float | None = None
    param: str | None = None
    provider: str | None = None
    trace_id: str | None = None
    upstream_message: str | None = None
    partial: str | None = None

    def __init__(self, message: str, *, attempts: int = 0, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.attempts = attempts
        for name, value in fields.items():
            if name not in DEFAULTS and name not in FIELDS:
                raise TypeError(f"an error has no field {name!r}")
            if value is not None:
                setattr(self, name, value)

    def redact(self, *secrets: str) -> None:
        """Removes keys from every attribute that may contain text from the upstream, and control characters.

        Args:
            secrets: The keys that were used. Anything else that looks like a key is removed from the API's own words.
        """
        for name in (*FROM_UPSTREAM, "message", "partial"):
            value = getattr(self, name)
            for secret in filter(None, secrets if isinstance(value, str) else ()):
                value = value.replace(secret, REMOVED)
            if name in FROM_UPSTREAM and isinstance(value, str):
                value = without_controls(without_keys(value))
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The error object of a result, without the fields that do not apply."""
        fields = {
            "code": self.code,
            "message": self.message[:MAX_MESSAGE],
            "status": self.status,
            "type": self.type,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "billed": self.billed,
            "param": self.param and self.param[:MAX_PARAM],
            "provider": self.provider,
            "trace_id": self.trace_id,
            "upstream_message": self.upstream_message and self.upstream_message[:MAX_UPSTREAM_MESSAGE],
            "partial": self.partial,
        }
        return {name: value for name, value in fields.items() if value is not None and value != ""}


class InvalidRequest(GrokError):
    """An argument is wrong; `param` is its name. Nothing was sent."""

    code = "invalid_request"
    type = "invalid_request_error"
    billed = "no"


class NotConfigured(GrokError):
    """A setting is missing or invalid. Nothing was sent."""

    code = "not_configured"
    type = "configuration_error"
    billed = "no"


class UpstreamError(GrokError):
    """The API answered with an error; `code` and `type` state the kind."""

    code = "api_error"
    type = "server_error"


class CallTimeout(GrokError):
    """The call, or the wait for the next byte, took longer than allowed."""

    code = "timeout"
    type = "timeout_error"
    retryable = True


class ConnectionFailed(GrokError):
    """No connection could be made, or it broke before the answer began."""

    code = "connection_failed"
    type = "connection_error"
    retryable = True


class StreamTruncated(GrokError):
    """The answer began but did not end; `partial` is the text received so far."""

    code = "stream_truncated"
    type = "connection_error"
    retryable = True


class BadUpstreamResponse(GrokError):
    """The API answered with something that is not a completion."""

    code = "bad_upstream_response"
    type = "server_error"


class ResponseTooLarge(GrokError):
    """The answer is larger than this server accepts."""

    code = "response_too_large"
    type = "server_error"


class Cancelled(GrokError):
    """The call was stopped by its client."""

    code = "cancelled"
    type = "cancelled"


LOST = "The server ended while the call ran, so its answer is gone and it may be billed. Asking again costs again."


class Lost(GrokError):
    """The server ended while the call ran; only the provider knows the outcome."""

    code = "lost"
    type = "server_error"
    retryable = True

    def __init__(self, message: str = LOST, **details: Any) -> None:
        super().__init__(message, **details)


class NotFound(GrokError):
    """There is no call with that id. An earlier call with that id may have been billed."""

    code = "not_found"
    type = "not_found_error"


class LimitReached(GrokError):
    """A limit of the caller or of the server is reached; try again after `retry_after` seconds. Nothing was sent."""

    code = "limit_reached"
    type = "rate_limit_error"
    retryable = True
    billed = "no"


class Unavailable(GrokError):
    """The server is stopping. Nothing was sent."""

    code = "unavailable"
    type = "server_error"
    retryable = True
    billed = "no"

    def __init__(self) -> None:
        super().__init__("This server is stopping, and nothing was sent. Send the call again in a moment.")


class StoreUnreachable(GrokError):
    """The shared store cannot be reached."""

    code = "store_unreachable"
    type = "server_error"
    retryable = True
    billed = "no"


class OutOfReach(GrokError):
    """This server lost contact with a call on another server. Repeating the same call returns its answer, if any."""

    code = "out_of_reach"
    type = "server_error"
    retryable = True


class InternalError(GrokError):
    """A defect in this server."""

    @classmethod
    def of(cls, error: Exception) -> "InternalError":
        """The error for an unexpected exception, whose traceback is logged.

        The exception's text is not logged: it may quote a prompt or an answer.
        """
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("internal error %s at\n%s", type(error).__name__, frames)
        return cls("This server failed; its log on stderr says where. Please report it.")
