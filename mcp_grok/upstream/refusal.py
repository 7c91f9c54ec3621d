"""What the body of an error says, in whatever form: its words, and the facts that a program can read.

Errors are nested: a gateway wraps the error of the API behind it, as an object, a list, or JSON in a string. The
innermost words and names are the most exact ones; the outermost number is the status of the API that was called.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mcp_grok.json_parser import JSONObject, parse_json
from mcp_grok.redaction import MAX_TEXT, without_controls

MAX_READ = 8 * 1024
"""Maximum bytes of an HTML page that are read; its message is at the beginning."""

MAX_DEPTH = 8
"""Maximum nesting of lists, objects and JSON texts that is searched."""

MAX_ITEMS = 20
"""Maximum items of a list that are searched."""

WRAPPERS = ("error", "errors", "fault", "exception", "cause", "base_resp")
"""Fields whose content is the error itself."""

MESSAGES = (
    "message", "msg", "error_description", "error_message", "errorMessage", "faultstring", "description", "status_msg"
)  # fmt: skip
"""Fields with an error's words."""

ADDITIONS = ("metadata", "raw", "reasons", "detail", "details")
"""Fields that say more than an error's words: `metadata.raw` is the answer of the API behind OpenRouter.

https://openrouter.ai/docs/api-reference/errors
"""

NUMBERS = ("code", "status", "status_code", "statusCode", "http_status", "httpStatus")
CODES = ("reason", "code", "error_code", "errorCode", "error")
TYPES = ("type", "error_type", "errorType", "__type")
TRACE_IDS = ("trace_id", "traceId", "request_id", "requestId")
WAITS = ("retryDelay", "retry_delay", "retry_after", "retryAfter", "retry_after_seconds", "retry_after_ms")

STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP status of each of Google's: https://cloud.google.com/apis/design/errors#handling_errors"""

CODE = re.compile(r"[A-Za-z][\w.-]{0,63}\Z", re.ASCII)
IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+\Z", re.ASCII)
REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\Z", re.ASCII)
MARKUP = re.compile(r"(?is)<(script|style)\b[^<>]*>.*?</\1>|<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error body says.

    Attributes:
        message: The innermost words; empty if there are none.
        code: The innermost code.
        codes: All codes, the innermost first.
        types: All types, the innermost first, and Google's names of the status.
        status: The HTTP status that the body states.
        param: The parameter that the body names.
        trace_id: The id of the request.
        waits: The waits that the body states, by the name of the field.
        headers: The headers of the API behind a gateway.
    """

    message: str = ""
    code: str | None = None
    codes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    status: int | None = None
    param: str | None = None
    trace_id: str | None = None
    waits: JSONObject = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, body: Any) -> "Refusal":
        """The content of an error body in any form: object, string, list, null, HTML or nothing."""
        outer = list(_objects(body))
        inner = outer[::-1]
        codes = [code for each in inner for name in CODES if (code := _code(each, name))]
        named = [code for code in codes if CODE.match(code)]
        grpc = [status for each in inner if (status := _text(each.get("status"))) in STATUSES]
        message = words(body)
        for sentence in codes:
            if not CODE.match(sentence) and not sentence.isdigit() and sentence not in message:
                message = f"{sentence}: {message}" if message else sentence
        return cls(
            message=message[:MAX_TEXT],
            code=next(iter([*named, *grpc]), None),
            codes=tuple(named),
            types=(*(kind for each in inner for name in TYPES if (kind := _text(each.get(name)))), *grpc),
            status=next((number for each in outer if (number := stated_status(each))), None),
            param=_first(inner, ("param", "parameter")) or _location(inner),
            trace_id=_first(outer, TRACE_IDS),
            waits={name: each[name] for each in inner for name in WAITS if each.get(name) is not None},
            headers=_headers(inner),
        )


def says_something(value: Any, depth: int = 0) -> bool:
    """Whether an error object states anything; new-api and one-api add an empty one to good answers."""
    if isinstance(value, dict | list) and depth < MAX_DEPTH:
        return any(says_something(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))
    return bool(value.strip(" \t\r\n0")) if isinstance(value, str) else value not in (None, False, 0, 200)


def stated_status(error: JSONObject) -> int | None:
    """The HTTP status that an error object states as a number, as text, or by Google's name; None if it states none."""
    for name in NUMBERS:
        value = error.get(name)
        if isinstance(value, str):
            value = STATUSES.get(value, int(value) if re.fullmatch("[45][0-9][0-9]", value) else 0)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def words(value: Any, depth: int = 0) -> str:
    """The innermost words of an error on one line, without control characters; empty if it has none."""
    if isinstance(value, str):
        return words(inside, depth + 1) if (inside := _json_inside(value)) else without_controls(value)
    if depth == MAX_DEPTH:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (words(item, depth + 1) for item in value[:MAX_ITEMS])))
    if not isinstance(value, dict):
        return ""
    first = _first_words(value, WRAPPERS, depth)
    message = _first_words(value, MESSAGES, depth)
    if isinstance(value.get("error"), str) and message:
        # The error is a code or the name of the status, and the message the reason.
        first = "" if IDENTIFIER.match(first) else first
        message = f"{first}: {message}" if first and first not in message else message
    else:
        message = first or message
    addition = _first_words(value, ADDITIONS, depth)
    return f"{message}: {addition}" if message and addition and addition not in message else message or addition


def readable(body: bytes) -> str:
    """The beginning of a body that is not JSON, as text without markup."""
    return without_controls(MARKUP.sub(" ", body[:MAX_READ].decode("utf-8", "replace")))


def _first_words(value: JSONObject, names: tuple[str, ...], depth: int) -> str:
    return next(filter(None, (words(value[name], depth + 1) for name in names if name in value)), "")


def _objects(value: Any, depth: int = 0) -> Iterator[JSONObject]:
    """The nested objects of an error, the outermost first."""
    if isinstance(value, str):
        value = _json_inside(value)
    if depth == MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value[:MAX_ITEMS]:
            yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name in (*WRAPPERS, *MESSAGES, *ADDITIONS):
            if name in value:
                yield from _objects(value[name], depth + 1)


def _json_inside(text: str) -> Any:
    """The error in a text that is JSON, or that ends with the JSON of an error; None if there is none."""
    start, end = text.find("{"), text.rstrip()[-1:]
    begins = text.lstrip()[:1] in ("{", "[")
    if end not in ("}", "]") or not (begins or start >= 0):
        return None
    try:
        inside = parse_json(text if begins else text[start:])
    except ValueError:
        return None
    return inside if _is_error(inside) and (begins or "error" in inside) else None


def _is_error(value: Any) -> bool:
    found = value[0] if isinstance(value, list) and value else value
    return isinstance(found, dict) and any(name in found for name in (*WRAPPERS, *MESSAGES, *ADDITIONS))


def _text(value: Any) -> str:
    return without_controls(value) if isinstance(value, str) else ""


def _code(error: JSONObject, name: str) -> str:
    code = _text(error.get(name))
    pattern = {"error": IDENTIFIER, "reason": REASON}.get(name)
    return code if pattern is None or pattern.match(code) else ""


def _location(objects: list[JSONObject]) -> str | None:
    """The parameter in FastAPI's `"loc": ["body", "messages", 0]`."""
    for each in objects:
        place = each.get("loc")
        for name in place if isinstance(place, list) else ():
            if isinstance(name, str) and name != "body":
                return name
    return None


def _first(objects: list[JSONObject], names: tuple[str, ...]) -> str | None:
    return next((text for each in objects for name in names if (text := _text(each.get(name)))), None)


def _headers(objects: list[JSONObject]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in objects:
        headers = each.get("headers")
        if isinstance(headers, dict):
            found |= {
                name.lower(): str(value) for name, value in headers.items() if isinstance(value, str | int | float)
            }
    return found
