"""The rules of llmprovider.ai alone, by its reference of 2025-07-13."""

from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.violation import violation

PARAMETERS = (
    *("model", "messages", "stream", "max_tokens", "temperature", "top_p"),
    *("stop", "presence_penalty", "frequency_penalty"),
    # The reference points to xAI's documentation for tools and JSON. It names nothing else.
    *("tools", "tool_choice", "parallel_tool_calls", "response_format"),
)
"""The parameters that have an effect. All others are ignored."""


def violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule in a body that keeps the shared ones."""
    if isinstance(body.get("stop"), str):
        yield violation("stop", "must be a list")
    if not body["model"].startswith("grok"):
        yield violation("model", "must be one of Grok's")
