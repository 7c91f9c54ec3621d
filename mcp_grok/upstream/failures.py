"""The errors for answers of the upstream that are not completions.

The forms of error bodies and the codes are AceData's (guide and public reference) and xAI's
(`{"code": "<sentence>", "error": "<string>"}`). Status and code are evaluated together, because a 403 usually means
that the balance is used up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import (
    BadUpstreamResponse,
    GrokError,
    UpstreamError,
)
from mcp_grok.upstream.parameters import PARAMETERS
from mcp_grok.upstream.retry import retry_after_seconds
from mcp_grok.upstream.sse import parse_json


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of refusal.

    Attributes:
        code: The error's code if the upstream sent none.
        type: The error's type.
        advice: The error's message: the cause and the remedy, with placeholders `{provider}`, `{status}`, `{names}`.
        retryable: Whether the same call may succeed later.
    """

    code: str
    type: str
    advice: str
    retryable: bool = False


BALANCE = Category(
    "used_up",
    "insufficient_quota",
    "The balance or quota at {provider} is used up; top it up. Sending the call again does not help.",
)
BAD_KEY = Category(
    "invalid_token",
    "authentication_error",
    "{provider} refused the key; check {names.api_key} and that it belongs to {provider}.",
)
FORBIDDEN = Category(
    "forbidden",
    "permission_error",
    "{provider} does not allow this: the content was refused by moderation, or the account, the key or its "
    "balance does not cover it.",
)
DISABLED = Category(
    "disabled", "permission_error", "The account or this API is disabled at {provider}; ask its support."
)
RATE_LIMIT = Category(
    "too_many_requests",
    "rate_limit_error",
    "{provider} is receiving too many requests; wait, then send the call again.",
    retryable=True,
)
NOT_FOUND = Category(
    "not_found",
    "not_found_error",
    "{provider} does not know the model or the address; check `model` and {names.base_url}.",
)
BAD_REQUEST = Category(
    "bad_request",
    "invalid_request_error",
    "{provider} refused the request; see upstream_message, change the arguments and send it again.",
)
TOO_LARGE = Category(
    "bad_request",
    "invalid_request_error",
    "The request is too large for {provider}; shorten the messages or shrink the images.",
)
GATEWAY_TIMEOUT = Category(
    "timeout",
    "timeout_error",
    "{provider} gave up waiting for the model; send the call again, or ask for less.",
    retryable=True,
)
SERVER = Category("api_error", "server_error", "{provider} failed; send the call again later.", retryable=True)
REDIRECT = Category(
    "bad_upstream_response",
    "configuration_error",
    "{provider} answered with a redirect (HTTP {status}), which is not followed; check {names.base_url}.",
)

MAX_READ = 8 * 1024
"""Maximum bytes of an HTML page that are read; its message is at the beginning."""

MAX_DEPTH = 4
"""Maximum nesting of lists and objects in which a message is searched."""

BY_CODE = {
    "used_up": BALANCE,
    "insufficient_quota": BALANCE,
    "no_token": BAD_KEY,
    "invalid_token": BAD_KEY,
    "invalid_api_key": BAD_KEY,
    "token_expired": BAD_KEY,
    "disabled": DISABLED,
    "forbidden": FORBIDDEN,
    "too_many_requests": RATE_LIMIT,
    "rate_limited": RATE_LIMIT,
    "rate_limit_exceeded": RATE_LIMIT,
    "no_api": NOT_FOUND,
    "model_not_found": NOT_FOUND,
    "bad_request": BAD_REQUEST,
    "api_not_implemented": BAD_REQUEST,
    "timeout": GATEWAY_TIMEOUT,
    "api_error": SERVER,
}
BY_STATUS = {
    401: BAD_KEY,
    402: BALANCE,
    403: FORBIDDEN,
    404: NOT_FOUND,
    408: GATEWAY_TIMEOUT,
    413: TOO_LARGE,
    429: RATE_LIMIT,
    504: GATEWAY_TIMEOUT,
}
CREDITS = re.compile(r"used up|credits?\b|balance|billing|quota|spending limit|monthly limit", re.IGNORECASE)
KEY_REFUSED = re.compile(
    r"(incorrect|invalid|wrong|missing|no) (api[ -]?)?(key|token)\b|api[ -]?key not", re.IGNORECASE
)
MARKUP = re.compile(r"(?is)<(script|style)\b[^<>]*>.*?</\1>|<[^<>]*>")
NAMED = re.compile(
    r"(?:[\"'`]|\b(?:parameter|argument|field|option)s?:? [\"'`]?)(?P<named>[a-z]\w*)"
    r"|: (?P<last>[a-z]\w*)\.?\Z|\b(?P<plain>[a-z]\w*)",
    re.ASCII,
)
CAPITAL = re.compile(r"[A-Z]")
CODE = re.compile(r"[A-Za-z][\w.-]{0,63}\Z", re.ASCII)


def http_error(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes) -> GrokError:
    """The error for an answer whose status is not 2xx."""
    try:
        parsed = parse_json(body)
    except ValueError:
        parsed = readable(body)
    billed = endpoint.provider.server_errors_billed if status >= 500 else "no"
    return _upstream_error(endpoint, status, headers, parsed, billed)


def error_in_answer(endpoint: Endpoint, status: int, body: Any) -> GrokError | None:
    """The error in an answer with HTTP 200, or in a chunk of a stream; None if there is none.

    An error in one of several choices is not an error of the answer.
    """
    if not isinstance(body, dict):
        return None
    if body.get("error") or body.get("success") is False:
        return _upstream_error(endpoint, status, {}, body, "unknown")
    choices = body.get("choices")
    if (
        isinstance(choices, list)
        and choices
        and all(isinstance(choice, dict) and choice.get("error") for choice in choices)
    ):
        return _upstream_error(endpoint, status, {}, choices[0], "unknown")
    return None


def error_event(endpoint: Endpoint, data: str) -> GrokError:
    """The error for an event of the type `error`."""
    try:
        body = parse_json(data)
    except ValueError:
        body = data
    return _upstream_error(endpoint, 200, {}, body, "unknown")


def _upstream_error(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: Any, billed: Any) -> GrokError:
    refusal = _Refusal.read(body)
    category = _category(status, refusal)
    advice = category.advice.format(provider=endpoint.provider.title, status=status, names=endpoint.names)
    error = BadUpstreamResponse if category is REDIRECT else UpstreamError
    return error(
        advice[0].upper() + advice[1:],
        code=refusal.code or category.code,
        billed=billed,
        status=status,
        type=category.type,
        retryable=category.retryable,
        retry_after=retry_after_seconds(headers),
        param=refusal.param or (named_parameter(refusal.message) if category.type == BAD_REQUEST.type else None),
        provider=endpoint.provider.name,
        trace_id=refusal.trace_id or headers.get("x-trace-id") or headers.get("x-request-id"),
        upstream_message=refusal.message,
    )


def named_parameter(message: str) -> str | None:
    """The parameter that a refusal names, like "does not support parameter presencePenalty"; None if it names none.

    An English word counts only if it is in quotes, follows a word like "parameter", or is the last one after a colon.
    """
    for match in NAMED.finditer(message):
        name = match["named"] or match["last"] or match["plain"]
        snake = CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)
        if snake in PARAMETERS and (not match["plain"] or "_" in snake):
            return snake
    return None


def _category(status: int, refusal: "_Refusal") -> Category:
    by_code = BY_CODE.get(refusal.code or "")
    if status in (402, 403, 429) and (by_code is BALANCE or CREDITS.search(refusal.message)):
        return BALANCE
    if status in (400, 403) and KEY_REFUSED.search(refusal.message):
        return BAD_KEY
    if by_code is not None and (status < 300 or by_code is not SERVER):
        return by_code
    if status in BY_STATUS:
        return BY_STATUS[status]
    if 300 <= status < 400:
        return REDIRECT
    return BAD_REQUEST if 400 <= status < 500 else SERVER


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str = ""
    code: str | None = None
    param: str | None = None
    trace_id: str | None = None

    @classmethod
    def read(cls, body: Any) -> "_Refusal":
        """The content of an error body in any form: object, string, list, null, HTML or nothing."""
        if not isinstance(body, dict):
            return cls(_message(body))
        inner = body.get("error")
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        fields = inner if isinstance(inner, dict) else {}
        message = next(
            filter(None, map(_message, (fields.get("message"), inner, body.get("message"), body.get("detail")))),
            "",
        )
        code = fields.get("code") or body.get("code")
        if isinstance(code, str) and not CODE.match(code):
            message = f"{code}: {message}" if message else code
            code = None
        param, trace_id = fields.get("param"), body.get("trace_id") or fields.get("trace_id")
        return cls(
            message=message,
            code=code if isinstance(code, str) else None,
            param=param if isinstance(param, str) else None,
            trace_id=trace_id if isinstance(trace_id, str) else None,
        )


def _message(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if depth == MAX_DEPTH:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_message(item, depth + 1) for item in value)))
    if isinstance(value, dict):
        return _message(value.get("message") or value.get("msg") or value.get("detail"), depth + 1)
    return ""


def readable(body: bytes) -> str:
    """The beginning of a body that is not JSON, as text without markup."""
    return " ".join(MARKUP.sub(" ", body[:MAX_READ].decode("utf-8", "replace")).split())
