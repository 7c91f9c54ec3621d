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
    IN_CLIENT,
    BadUpstreamResponse,
    GrokError,
    UpstreamError,
)
from mcp_grok.json_parser import parse_json
from mcp_grok.upstream.completion import text_of
from mcp_grok.upstream.parameters import PARAMETERS, snake_case
from mcp_grok.upstream.refusal import Refusal, readable, says_something, stated_status
from mcp_grok.upstream.waits import stated_wait


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of refusal.

    Attributes:
        code: The error's code if the upstream sent none.
        type: The error's type.
        advice: The error's message: the cause and the remedy, with placeholders `{provider}`, `{status}`, `{names}`,
            and `{subject}` for the provider at the beginning of a sentence.
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
    "{subject} refused the key; check {names.api_key} and that it belongs to {provider}.",
)
FORBIDDEN = Category(
    "forbidden",
    "permission_error",
    "{subject} does not allow this: the content was refused by moderation, or the account, the key or its "
    "balance does not cover it.",
)
DISABLED = Category(
    "disabled", "permission_error", "The account or this API is disabled at {provider}; ask its support."
)
RATE_LIMIT = Category(
    "too_many_requests",
    "rate_limit_error",
    "{subject} is receiving too many requests; wait, then send the call again.",
    retryable=True,
)
NOT_FOUND = Category(
    "not_found",
    "not_found_error",
    "{subject} does not know the model or the address; check `model` and {names.base_url}.",
)
BAD_REQUEST = Category(
    "bad_request",
    "invalid_request_error",
    "{subject} refused the request; see upstream_message, change the arguments and send it again.",
)
TOO_LARGE = Category(
    "bad_request",
    "invalid_request_error",
    "The request is too large for {provider}; shorten the messages or shrink the images.",
)
GATEWAY_TIMEOUT = Category(
    "timeout",
    "timeout_error",
    "{subject} gave up waiting for the model; send the call again, or ask for less.",
    retryable=True,
)
SERVER = Category("api_error", "server_error", "{subject} failed; send the call again later.", retryable=True)
REDIRECT = Category(
    "bad_upstream_response",
    "configuration_error",
    "{subject} answered with a redirect (HTTP {status}), which is not followed; check {names.base_url}.",
)

BY_NAME = {
    BALANCE: r"usedup|insufficient(quota|balance|credit|fund)|billing|paymentrequired|outofcredit|arrearage|"
    r"(credit|balance|budget|spendinglimit)(exceeded|exhausted|reached|toolow)",
    RATE_LIMIT: r"ratelimit|toomanyrequests|throttl|resourceexhausted|concurren|\A(requests|tokens|[rt]p[md].*)\Z",
    BAD_KEY: r"\A(no|missing|invalid|incorrect|wrong|expired)(api|access|auth)?(apikey|key|token)\Z|authenticat|"
    r"(apikey|token)(invalid|expired|missing|notfound)|unauthorized|invalidcredentials",
    DISABLED: r"\Adisabled\Z|account(deactivated|disabled|suspended)",
    FORBIDDEN: r"forbidden|permission",
    NOT_FOUND: r"\Anoapi\Z|notfound",
    BAD_REQUEST: r"badrequest|invalid|apinotimplemented|contextlength|unsupported|missingrequired|validation",
    GATEWAY_TIMEOUT: r"timeout|deadlineexceeded",
    SERVER: r"apierror|servererror|internal|overloaded|unavailable",
}
"""The category of an error by its code or type, in lower case without `_` and `-`; the first that matches counts."""

BY_STATUS = {
    401: BAD_KEY,
    402: BALANCE,
    403: FORBIDDEN,
    404: NOT_FOUND,
    408: GATEWAY_TIMEOUT,
    413: TOO_LARGE,
    429: RATE_LIMIT,
    504: GATEWAY_TIMEOUT,
    524: GATEWAY_TIMEOUT,
}
"""The category of an error by its status. 524 is Cloudflare's 504."""

DECIDED = (401, 402, 404, 413)
"""Statuses that say more than the type of an error, which is often one for all of them."""

MAYBE_BILLED = (408, 499)
"""Statuses below 500 that do not refuse a request: the model may have been at work on it."""

RATES = re.compile(
    r"rate[ _-]?limit|too many requests|\bper[ -](sec|min|hour|day)|\b[RT]P[MD]\b|concurren|throttl|slow down",
    re.IGNORECASE,
)
CREDITS = re.compile(r"used up|credits?\b|balance|billing|quota|spending limit|monthly limit", re.IGNORECASE)
KEY_REFUSED = re.compile(
    r"\b(incorrect|invalid|wrong|missing|expired|revoked|no)( or \w{1,20})? "
    r"(api|access|auth|authentication|bearer)[ -]?(key|token)\b|"
    r"\bapi[ -]?key( is)? (not|invalid|incorrect|missing|expired)",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
NAMED = re.compile(
    r"(?:[\"'`]|\b(?:parameter|argument|field|option)s?:? [\"'`]?)(?P<named>[a-z]\w*)"
    r"|: (?P<last>[a-z]\w*)\.?\Z|\b(?P<plain>[a-z]\w*)",
    re.ASCII,
)

ROLES = ("user", "model")
"""Parameters whose names are also roles of messages."""


def unreadable_answer(endpoint: Endpoint, status: int, body: bytes, expected: str) -> BadUpstreamResponse:
    """The error for an answer in another form; `expected` is what it is not, with its article."""
    return BadUpstreamResponse(
        f"{endpoint.provider.subject} answered HTTP {status} with something that is not {expected}; the call may be "
        f"billed. Check {endpoint.names.base_url}.",
        status=status,
        upstream_message=readable(body),
    )


def http_error(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes) -> GrokError:
    """The error for an answer whose status is not 2xx."""
    try:
        parsed = parse_json(body)
    except ValueError:
        parsed = readable(body)
    billed = "unknown" if status in MAYBE_BILLED else endpoint.provider.server_errors_billed if status >= 500 else "no"
    return _upstream_error(endpoint, status, headers, parsed, billed)


def wants_key(endpoint: Endpoint) -> str:
    """The message of an error for a key that was refused, if none was sent."""
    return f"{endpoint.provider.subject} wants a key: set {endpoint.names.api_key} {IN_CLIENT}."


def error_in_answer(endpoint: Endpoint, status: int, body: Any) -> GrokError | None:
    """The error in an answer with HTTP 200, or in a chunk of a stream; None if there is none.

    An error in one of several choices is not an error of the answer.
    """
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    choices = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    if _has_error(body) or body.get("success") is False or (not choices and _is_error(body)):
        stated = body
    elif choices and all(map(_has_error, choices)):
        stated = choices[0]
    else:
        return None
    error = _upstream_error(endpoint, status, {}, stated, "unknown")
    error.partial = text_of(choices)
    return error


def _has_error(value: dict[str, Any]) -> bool:
    return "error" in value and says_something(value["error"])


def _is_error(body: dict[str, Any]) -> bool:
    """Whether an answer without choices is an error in the form of vLLM, Anthropic, JSON:API, Apigee or a gateway."""
    if "error" in (body.get("object"), body.get("type")):
        return True
    return stated_status(body) is not None or any(says_something(body.get(name)) for name in ("errors", "fault"))


def error_event(endpoint: Endpoint, data: str) -> GrokError:
    """The error for an event of the type `error`."""
    try:
        body = parse_json(data)
    except ValueError:
        body = data
    return _upstream_error(endpoint, 200, {}, body, "unknown")


def _upstream_error(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: Any, billed: Any) -> GrokError:
    refusal = Refusal.read(body)
    if status < 300:
        status = refusal.status or status
    wait = stated_wait(status, headers, refusal)
    category = _category(status, refusal, wait)
    provider = endpoint.provider
    error = BadUpstreamResponse if category is REDIRECT else UpstreamError
    return error(
        category.advice.format(provider=provider.title, subject=provider.subject, status=status, names=endpoint.names),
        code=refusal.code or category.code,
        billed=billed,
        status=status,
        type=category.type,
        retryable=category.retryable,
        retry_after=wait,
        param=refusal.param or (named_parameter(refusal.message) if category.type == BAD_REQUEST.type else None),
        provider=provider.name,
        trace_id=refusal.trace_id or headers.get("x-trace-id") or headers.get("x-request-id"),
        upstream_message=refusal.message,
    )


def named_parameter(message: str) -> str | None:
    """The parameter that a refusal names, like "does not support parameter presencePenalty"; None if it names none.

    An English word counts only if it is in quotes, follows a word like "parameter", or is the last one after a colon.
    """
    about_roles = "role" in message.lower()
    for match in NAMED.finditer(message):
        name = snake_case(match["named"] or match["last"] or match["plain"])
        if name in PARAMETERS and (not match["plain"] or "_" in name) and not (about_roles and name in ROLES):
            return name
    return None


def _category(status: int, refusal: Refusal, wait: float | None) -> Category:
    """The category by what a program can read, then by the error's words."""
    by_code, by_type = _named(refusal.codes), _named(refusal.types)
    if by_code is not None and _decides(by_code, status):
        return by_code
    # Other errors, and a refused key, come under the type of a bad request too.
    is_exact = by_type is not BAD_REQUEST or status < 300
    if by_type is not None and is_exact and status not in DECIDED and _decides(by_type, status):
        return by_type
    if status == 429 and wait is not None:
        return RATE_LIMIT
    return _by_words(status, refusal.message) or _by_status(status)


def _named(names: tuple[str, ...]) -> Category | None:
    for name in names:
        plain = re.sub(r"[^a-z0-9]", "", name.lower())
        for category, pattern in BY_NAME.items():
            if re.search(pattern, plain):
                return category
    return None


def _decides(named: Category, status: int) -> bool:
    """Whether a code or type says more than the status."""
    if status < 300:
        return True
    if named in (BAD_REQUEST, FORBIDDEN):
        return status not in BY_STATUS
    # Groq's code for one request that is over the limit is that of too many: 413, rate_limit_exceeded.
    return named is not SERVER and status != 413


def _by_words(status: int, message: str) -> Category | None:
    message = ADDRESS.sub("", message)
    if (status < 300 or status == 429) and RATES.search(message):
        return RATE_LIMIT
    if (status < 300 or status in (403, 429)) and CREDITS.search(message):
        return BALANCE
    if (status < 300 or status in (400, 403)) and KEY_REFUSED.search(message):
        return BAD_KEY
    return None


def _by_status(status: int) -> Category:
    if status in BY_STATUS:
        return BY_STATUS[status]
    if 300 <= status < 400:
        return REDIRECT
    return BAD_REQUEST if 400 <= status < 500 else SERVER
