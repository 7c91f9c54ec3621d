"""An error of the sandbox, and the form that each provider gives its errors."""

import uuid
from typing import Any

ErrorBody = tuple[int, dict[str, Any]]
"""The HTTP status and the JSON body of an error."""


class ApiError(Exception):
    """An error that the sandbox answers with.

    Attributes:
        status: The HTTP status, unless a provider uses another one.
        code: AceData's code for it.
        message: What is wrong.
        param: The parameter that is wrong, if it is one.
    """

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param


def acedata_error(error: ApiError) -> ErrorBody:
    """AceData's form, with the id of a trace."""
    body = {"code": error.code, "message": error.message}
    return error.status, {"success": False, "error": body, "trace_id": str(uuid.uuid4())}


def openai_error(error: ApiError) -> ErrorBody:
    """OpenAI's form, which compatible servers share."""
    kind = "invalid_request_error" if error.status < 500 else "api_error"
    body = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return error.status, {"error": body}


def xai_error(error: ApiError) -> ErrorBody:
    """xAI's form: a message, and a code that is the sentence for the status."""
    status, message = XAI_OWN.get(error.code, (error.status, error.message))
    code = {"code": XAI_CODES[status]} if status in XAI_CODES else {}
    return status, {**code, "error": message}


# gRPC's sentences. A 410 has none (https://github.com/langgenius/dify-official-plugins/issues/2493).
XAI_CODES = {
    400: "Client specified an invalid argument",
    401: "The request does not have valid authentication credentials",
    403: "The caller does not have permission to execute the specified operation",
    404: "Some requested entity was not found",
    429: "Some resource has been exhausted",
    500: "Internal error",
    504: "Deadline expired before operation could complete",
}

XAI_TEAM = "00000000-0000-0000-0000-000000000000"
XAI_BAD_KEY = "Incorrect API key provided: ***. You can obtain an API key from https://console.x.ai."
# https://github.com/continuedev/continue/issues/10373
XAI_USED_UP = (
    f"Your team {XAI_TEAM} has either used all available credits or reached its monthly spending limit. To continue "
    "making API requests, please purchase more credits or raise your spending limit."
)
# https://github.com/cline/cline/issues/4826
XAI_TOO_MANY = (
    f"Too many requests for team {XAI_TEAM}. Your team's rate limit is — Requests per Second (actual/limit): 2/2. "
    "You can view your team rate limits at https://console.x.ai."
)

XAI_OWN = {
    "invalid_token": (400, XAI_BAD_KEY),
    "used_up": (429, XAI_USED_UP),
    "too_many_requests": (429, XAI_TOO_MANY),
    "rate_limited": (429, XAI_TOO_MANY),
}
"""The errors with another status or message at xAI: AceData's code → status and message."""
