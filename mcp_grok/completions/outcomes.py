"""How a call ended, as JSON: what outlives a process, and what others read."""

import json
from dataclasses import fields
from typing import Any

from mcp_grok.completions.call import Outcome
from mcp_grok.errors import CallTimeout, Cancelled, GrokError
from mcp_grok.upstream.completion import Completion

KINDS: dict[str, type[GrokError]] = {kind.code: kind for kind in (Cancelled, CallTimeout)}
"""Errors that are told apart by their class."""


def written(outcome: Outcome) -> str:
    """An outcome as JSON, in ASCII."""
    if isinstance(outcome, Completion):
        return json.dumps({"completion": {field.name: getattr(outcome, field.name) for field in fields(outcome)}})
    return json.dumps({"error": outcome.as_dict(), "attempts": outcome.attempts})


def read(outcome: dict[str, Any]) -> Outcome:
    """The outcome that parsed JSON holds."""
    if "completion" in outcome:
        # A newer version may have written more.
        known = {field.name for field in fields(Completion)}
        return Completion(**{name: value for name, value in outcome["completion"].items() if name in known})
    details = outcome["error"]
    kind = KINDS.get(details["code"], GrokError)
    error = kind(details.pop("message"), **details)
    error.attempts = outcome["attempts"]
    return error
