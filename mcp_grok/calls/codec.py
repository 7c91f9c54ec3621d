"""The codec of outcomes: encodes the outcome of a call as JSON, and decodes it."""

import json
from dataclasses import fields
from functools import partial
from typing import Any

from mcp_grok.calls.call import Outcome, size_of
from mcp_grok.errors import DEFAULTS, FIELDS, CallTimeout, Cancelled, GrokError, InternalError, Lost
from mcp_grok.json_writer import json_bytes
from mcp_grok.offload import offload
from mcp_grok.upstream.completion import Completion, is_completion, is_media

KINDS: dict[str, type[GrokError]] = {kind.code: kind for kind in (Cancelled, CallTimeout, Lost)}
"""Errors that are restored with their own class."""


async def encoded(outcome: Outcome) -> bytes:
    """The outcome as JSON in UTF-8; lone surrogates are preserved."""
    return await offload(partial(encode, outcome), size_of(outcome))


async def decoded(content: bytes) -> Outcome:
    """The outcome that `encoded` has encoded; `InternalError` if the content is invalid."""
    return await offload(partial(decode, content), len(content))


def encode(outcome: Outcome) -> bytes:
    """See `encoded`."""
    if isinstance(outcome, Completion):
        value: dict[str, Any] = {"completion": {name: getattr(outcome, name) for name in COMPLETION_FIELDS}}
    else:
        value = {"error": outcome.as_dict(), "attempts": outcome.attempts}
    return json_bytes(value)


def decode(content: bytes) -> Outcome:
    """See `decoded`."""
    try:
        value = json.loads(content.decode("utf-8", "surrogatepass"))
        if "completion" in value:
            return _completion(value["completion"])
        return _error(value["error"], value["attempts"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return InternalError(
            "The record of this call cannot be read; the call may be billed. Asking again costs again."
        )


COMPLETION_FIELDS = tuple(field.name for field in fields(Completion))


def _completion(values: dict[str, Any]) -> Completion:
    if not is_completion(values["body"]) and not is_media(values["body"]):
        raise TypeError
    # A newer version may have written more.
    return Completion(**{name: value for name, value in values.items() if name in COMPLETION_FIELDS})


def _error(details: dict[str, Any], attempts: int) -> GrokError:
    kind = KINDS.get(details["code"], GrokError)
    # A newer version may have written more.
    known = {name: value for name, value in details.items() if name in (*DEFAULTS, *FIELDS)}
    return kind(details["message"], attempts=attempts, **known)
