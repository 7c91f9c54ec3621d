"""The results of tools: an outcome → a `CallToolResult`, with its `_meta`."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent

from mcp_grok.calls import Outcome
from mcp_grok.calls.call import size_of
from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import (
    LONGEST_PATH,
    MOST_PLACES,
    body_of,
    compact,
    cut,
    fits,
    fits_as_json,
    uri_of,
    whole_json,
)

META = "mcp-grok/"
"""The prefix of this server's keys in `_meta`. The completion itself gets no additional keys."""

NO_NOTES: Mapping[str, Any] = {}


def json_result(value: dict[str, Any], notes: Mapping[str, Any] = NO_NOTES) -> CallToolResult:
    """An object of this server as compact JSON, with notes for `_meta`."""
    return CallToolResult(content=[TextContent(text=compact(value))], _meta=_keyed(notes))


def error_result(error: GrokError) -> CallToolResult:
    """The error as a JSON object, in a result with `isError`."""
    text = TextContent(text=compact(body_of(error)))
    return CallToolResult(content=[text], is_error=True, _meta=_keyed(_notes(error)))


def outcome_result(
    call_id: str, outcome: Outcome, settings: Settings, further_notes: Mapping[str, Any] = NO_NOTES
) -> tuple[CallToolResult, bool]:
    """The result for a call that has ended, and whether it was cut; if so, the whole outcome must be kept."""
    limit, notes = settings.max_result_bytes, {**_notes(outcome), **further_notes}
    is_error = isinstance(outcome, GrokError)
    links: list[ResourceLink] = []
    # What is far over the limit is not written only to be cut.
    is_cut = size_of(outcome) > limit and not fits_as_json(body_of(outcome), limit)
    text = "" if is_cut else whole_json(outcome)
    if is_cut or not fits(text, limit):
        is_cut = True
        short, notes["cut"] = cut(body_of(outcome), call_id, limit)
        text = compact(short)
        links = [ResourceLink(name=call_id, uri=uri_of(call_id), mime_type="application/json")]
    result = CallToolResult(
        content=[TextContent(text=text), *links, *_preview(outcome)],
        structured_content=json.loads(text) if settings.structured and not is_error else None,
        is_error=is_error,
        _meta=_keyed(notes),
    )
    return result, is_cut


def _preview(outcome: Outcome) -> list[ImageContent]:
    """The preview of an answer. The limit of a result is for its text: clients do not give a picture as text."""
    preview = None if isinstance(outcome, GrokError) else outcome.preview
    if preview is None:
        return []
    return [ImageContent(data=preview["data"], mime_type=preview["media_type"])]


def _notes(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, GrokError):
        return {"attempts": outcome.attempts} if outcome.attempts else {}
    # Of a job that was taken up, they are not known.
    notes: dict[str, Any] = {"attempts": outcome.attempts} if outcome.attempts else {}
    if outcome.first_text_after is not None:
        notes["time_to_first_token"] = round(outcome.first_text_after, 3)
    if outcome.in_doubt:
        notes["in_doubt"] = outcome.in_doubt
    if outcome.has_no_search:
        notes["no_search"] = True
    if outcome.missing_choices:
        notes["missing_choices"] = outcome.missing_choices
    if outcome.violations:
        notes["invalid_json"] = outcome.violations
    if outcome.cost is not None:
        notes["cost"] = outcome.cost
    if outcome.dropped:
        notes["dropped"] = _listed(outcome.dropped)
    return notes


def _listed(dropped: Mapping[str, str]) -> dict[str, str]:
    """The first of the dropped parameters: each message of a conversation can have one, with a name of any length."""
    listed = {name[:LONGEST_PATH]: reason for name, reason in itertools.islice(dropped.items(), MOST_PLACES)}
    more = len(dropped) - MOST_PLACES
    return {**listed, "…": f"{more} more"} if more > 0 else listed


def _keyed(notes: Mapping[str, Any]) -> dict[str, Any] | None:
    return {f"{META}{name}": value for name, value in notes.items()} or None
