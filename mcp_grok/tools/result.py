"""The results of tools: an outcome → a `CallToolResult`, with its `_meta`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp_types import CallToolResult, ResourceLink, TextContent
from pydantic_core import to_json

from mcp_grok.calls import Outcome, Request
from mcp_grok.errors import BadUpstreamResponse, GrokError
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import compact, completion_json, cut, cut_error, fits, uri_of
from mcp_grok.upstream.completion import Completion

META = "mcp-grok/"
"""The prefix of this server's keys in `_meta`. The completion itself gets no additional keys."""

ERROR_ROOM = 1500
"""Approximate maximum bytes of an error without its partial text."""

NO_NOTES: Mapping[str, Any] = {}


def json_result(value: dict[str, Any], notes: Mapping[str, Any] = NO_NOTES) -> CallToolResult:
    """An object of this server as compact JSON, with notes for `_meta`."""
    return CallToolResult(content=[TextContent(text=compact(value))], _meta=_keyed(notes))


def error_result(error: GrokError) -> CallToolResult:
    """The error as a JSON object, in a result with `isError`."""
    return _error_result(error.as_dict(), error, NO_NOTES)


def _error_result(
    details: dict[str, Any], error: GrokError, notes: Mapping[str, Any], link: Sequence[ResourceLink] = ()
) -> CallToolResult:
    attempts = {"attempts": error.attempts} if error.attempts else {}
    text = TextContent(text=compact({"error": details}))
    return CallToolResult(content=[text, *link], is_error=True, _meta=_keyed({**attempts, **notes}))


def outcome_result(request: Request, outcome: Outcome, settings: Settings) -> tuple[CallToolResult, bool]:
    """The result for a call that has ended, and whether it was cut; if so, the whole outcome must be kept."""
    assert request.call is not None  # noqa: S101 - a request with an outcome is attached to a call
    limit, call_id, notes = settings.max_result_bytes, request.call.id, request.notes
    link = [ResourceLink(name=call_id, uri=uri_of(call_id), mime_type="application/json")]
    if isinstance(outcome, GrokError):
        details = outcome.as_dict()
        if fits(details.get("partial", ""), limit - ERROR_ROOM if limit else 0):
            return _error_result(details, outcome, notes), False
        return _error_result(cut_error(details, call_id, limit), outcome, notes, link), True
    try:
        text = completion_json(outcome)
    except BadUpstreamResponse as error:
        return _error_result(error.as_dict(), error, notes), False
    is_cut = not fits(text, limit)
    if is_cut:
        text = compact(cut(outcome.body, call_id, limit))
    result = CallToolResult(
        content=[TextContent(text=text), *(link if is_cut else [])],
        structured_content=_structured(text) if settings.structured else None,
        _meta=_keyed({**_notes(outcome), **notes}),
    )
    return result, is_cut


def _structured(text: str) -> Any:
    content = json.loads(text)
    try:
        to_json(content)
    except ValueError:
        # It is nested too deeply for the SDK's serializer; the text is complete.
        return None
    return content


def _notes(completion: Completion) -> dict[str, Any]:
    notes: dict[str, Any] = {"attempts": completion.attempts}
    if completion.first_text_after is not None:
        notes["time_to_first_token"] = round(completion.first_text_after, 3)
    if completion.in_doubt:
        notes["in_doubt"] = completion.in_doubt
    if completion.missing_choices:
        notes["missing_choices"] = completion.missing_choices
    if completion.violations:
        notes["invalid_json"] = completion.violations
    if completion.cost is not None:
        notes["cost"] = completion.cost
    if completion.dropped:
        notes["dropped"] = completion.dropped
    return notes


def _keyed(notes: Mapping[str, Any]) -> dict[str, Any] | None:
    return {f"{META}{name}": value for name, value in notes.items()} or None
