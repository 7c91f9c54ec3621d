"""Everything that can go wrong with a call, and its one form.

GrokError
├── InvalidRequest        the arguments are wrong; nothing was sent
├── NotConfigured         a setting is missing or cannot work; nothing was sent
├── UpstreamError         the API answered with an error
├── CallTimeout           a time limit passed
├── ConnectionFailed      no connection, or it broke before an answer had begun
├── StreamTruncated       an answer began and did not end
├── BadUpstreamResponse   the API answered with something that is not a completion
├── ResponseTooLarge      the answer is over the size limit
├── Cancelled             the call was stopped by its caller
├── Lost                  the server ended while the call ran
├── NotFound              no such completion is kept
├── LimitReached          the caller has had as much as this server gives one
├── Unavailable           the server is stopping
├── StoreUnreachable      what servers share cannot be reached
├── OutOfReach            nothing more is heard here of a call that runs elsewhere
└── InternalError         a defect of this server
"""

import logging
import traceback
from typing import Any, Literal

logger = logging.getLogger(__name__)

Billed = Literal["no", "yes", "unknown"]
"""Whether the provider charges for the call: `unknown` where nobody but the provider can know."""

MAX_UPSTREAM_MESSAGE = 500
"""Characters kept of what the upstream said."""


FROM_UPSTREAM = ("upstream_message", "param", "trace_id", "partial")
"""Fields whose text is the upstream's."""

FACTS = ("code", "type", "retryable", "billed", "status")
"""What callers decide by: attributes of each error, which its class gives a default."""

REMOVED = "[removed]"


class GrokError(Exception):
    """A call that failed.

    Args:
        message: Our own sentence: what happened and what to do next.
        details: The fields of the contract that apply. `code`, `type`, `retryable`, `billed` and `status` become
            attributes, in place of the default of the class. The others are `retry_after` (seconds), `param`,
            `provider`, `trace_id`, `upstream_message` and `partial` (the text that had come).
    """

    code: str = "internal_error"
    type: str = "server_error"
    retryable: bool = False
    billed: Billed = "unknown"
    status: int | None = None

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        for name in FACTS:
            if (fact := details.pop(name, None)) is not None:
                setattr(self, name, fact)
        self._details = details
        self.attempts = 0
        """How often the call was sent before it failed."""

    def add(self, **details: Any) -> None:
        """Sets fields that only an outer layer knows. One that is already set stays.

        Of what callers decide by, only `status` may be added.
        """
        self.status = self.status or details.get("status")
        self._details = {
            **{key: value for key, value in details.items() if key not in FACTS},
            **{key: value for key, value in self._details.items() if value is not None},
        }

    def advise(self, sentence: str) -> None:
        """Adds to what the message says to do."""
        self.message = f"{self.message} {sentence}"

    def billing_is_unknown(self) -> None:
        """Says that an earlier attempt of the call may have been charged."""
        self.billed = "unknown"

    def redact(self, secret: str) -> None:
        """Removes a secret from everything the upstream said, should it have repeated it."""
        if not secret:
            return
        self.code = self.code.replace(secret, REMOVED)
        for key in FROM_UPSTREAM:
            if isinstance(said := self._details.get(key), str):
                self._details[key] = said.replace(secret, REMOVED)

    def as_dict(self) -> dict[str, Any]:
        """The contract's error object; fields that do not apply are left out."""
        fields = {
            "code": self.code,
            "message": self.message,
            "status": self.status,
            "type": self.type,
            "retryable": self.retryable,
            "retry_after": None,
            "billed": self.billed,
            **self._details,
        }
        said = fields.get("upstream_message")
        if said:
            fields["upstream_message"] = said[:MAX_UPSTREAM_MESSAGE]
        return {key: value for key, value in fields.items() if value is not None and value != ""}


class InvalidRequest(GrokError):
    """The arguments are wrong. `param` names the one; nothing was sent."""

    code = "invalid_request"
    type = "invalid_request_error"
    billed = "no"


class NotConfigured(GrokError):
    """A setting is missing or cannot work. Nothing was sent."""

    code = "not_configured"
    type = "configuration_error"
    billed = "no"


class UpstreamError(GrokError):
    """The API answered with an error; `code` and `type` say which kind."""

    code = "api_error"
    type = "server_error"


class CallTimeout(GrokError):
    """The whole call, or the wait for a next byte, took longer than allowed."""

    code = "timeout"
    type = "timeout_error"
    retryable = True


class ConnectionFailed(GrokError):
    """No connection could be made, or it broke before an answer had begun."""

    code = "connection_failed"
    type = "connection_error"
    retryable = True


class StreamTruncated(GrokError):
    """An answer began and did not end; `partial` holds the text that had come."""

    code = "stream_truncated"
    type = "connection_error"
    retryable = True


class BadUpstreamResponse(GrokError):
    """The API answered with something that is not a completion."""

    code = "bad_upstream_response"
    type = "server_error"


class ResponseTooLarge(GrokError):
    """The answer is larger than this server takes."""

    code = "response_too_large"
    type = "server_error"


class Cancelled(GrokError):
    """The call was stopped by its caller."""

    code = "cancelled"
    type = "cancelled"


LOST = "The server ended while the call ran, so its answer is gone and it may be billed. Asking again costs again."


class Lost(GrokError):
    """The server ended while the call ran; only the provider knows how it went."""

    code = "lost"
    type = "server_error"
    retryable = True

    def __init__(self, message: str = LOST, **details: Any) -> None:
        super().__init__(message, **details)


class NotFound(GrokError):
    """Nothing is known of that id. A call that had it may have been billed."""

    code = "not_found"
    type = "not_found_error"


class LimitReached(GrokError):
    """The caller has had as much as this server gives one; `retry_after` says when there is more. Nothing was sent."""

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
    """What servers share cannot be reached."""

    code = "store_unreachable"
    type = "server_error"
    retryable = True
    billed = "no"


class OutOfReach(GrokError):
    """Nothing more is heard here of a call that runs elsewhere; asking the same again gets its answer, if any."""

    code = "out_of_reach"
    type = "server_error"
    retryable = True


class InternalError(GrokError):
    """A defect of this server."""

    @classmethod
    def of(cls, error: Exception) -> "InternalError":
        """The error for an exception nobody expected; where it happened goes to the log.

        The exception's text does not: it may quote a prompt or an answer.
        """
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("internal error %s at\n%s", type(error).__name__, frames)
        return cls("This server failed; its log on stderr says where. Please report it.")
