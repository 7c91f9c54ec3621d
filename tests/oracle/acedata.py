"""The rules of AceData alone."""

from collections.abc import Iterator
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.violation import violation


def violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule in a body that keeps the shared ones."""
    if not body["model"].startswith("grok"):
        yield violation("model", "must be one of Grok's")
