"""Outcomes of calls → results of tools."""

import json
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic_core import to_json

from mcp_grok.completions import Outcome
from mcp_grok.errors import BadUpstreamResponse, GrokError
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.text import without_lone_surrogates

META = "mcp-grok/"
"""What this server adds to a result stands in `_meta` under keys that begin so, never in the completion."""


def json_result(value: dict[str, Any]) -> CallToolResult:
    """An object of our own as compact JSON."""
    return CallToolResult(content=[TextContent(text=_compact(value))])


def outcome_result(outcome: Outcome, *, structured: bool) -> CallToolResult:
    """The result for a call that has ended.

    Raises:
        GrokError: the call failed.
    """
    if isinstance(outcome, GrokError):
        raise outcome
    return completion_result(outcome, structured=structured)


def completion_result(completion: Completion, *, structured: bool) -> CallToolResult:
    """The completion as compact JSON, sent once; with `structured` also as `structuredContent`.

    Raises:
        BadUpstreamResponse: the completion cannot be written as JSON.
    """
    try:
        text = _compact(completion.body)
    except RecursionError:
        raise BadUpstreamResponse("The answer is nested too deeply to be passed on; the call may be billed.") from None
    content = _structured(text) if structured else None
    return CallToolResult(content=[TextContent(text=text)], structured_content=content, _meta=_meta(completion))


def error_result(error: GrokError) -> CallToolResult:
    """The error as the contract's JSON object, with `isError`."""
    meta = {f"{META}attempts": error.attempts} if error.attempts else None
    text = _compact({"error": error.as_dict()})
    return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta=meta)


def _structured(text: str) -> Any:
    content = json.loads(text)
    try:
        to_json(content)
    except ValueError:
        # Nested too deeply for the SDK's serializer; the text says it all.
        return None
    return content


def _meta(completion: Completion) -> dict[str, Any]:
    meta: dict[str, Any] = {f"{META}attempts": completion.attempts}
    if completion.first_text_after is not None:
        meta[f"{META}time_to_first_token"] = round(completion.first_text_after, 3)
    if completion.missing_choices:
        meta[f"{META}missing_choices"] = completion.missing_choices
    if completion.violations:
        meta[f"{META}invalid_json"] = completion.violations
    if completion.dropped:
        meta[f"{META}dropped"] = completion.dropped
    return meta


def _compact(value: Any) -> str:
    return without_lone_surrogates(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
