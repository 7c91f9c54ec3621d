"""What moderation withholds, and what was charged for it."""

import re
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import Billed, GrokError, UpstreamError
from mcp_grok.upstream.cost import stated_cost
from mcp_grok.upstream.refusal import Refusal

BY_MODERATION = re.compile(
    r"moderat|forbidden|\bsafety\b|inappropriate|content[ _-]?(policy|filter|review|violation)|审核", re.IGNORECASE
)
"""The codes and words of errors of moderation."""

BILLS: dict[Billed, str] = {
    "no": "It is not billed.",
    "yes": "It is billed all the same.",
    "unknown": "It may be billed.",
}


def is_moderation(error: GrokError) -> bool:
    """Whether an error of the API says that moderation refused something."""
    return BY_MODERATION.search(f"{error.code} {error.upstream_message or ''}") is not None


def billed_by(usage: Any) -> Billed:
    """Whether an answer with this usage is charged."""
    cost = stated_cost(usage)
    return "unknown" if cost is None else "yes" if cost["amount"] else "no"


def withheld(endpoint: Endpoint, what: str, billed: Billed, answer: Any, *, usage: Any = None) -> UpstreamError:
    """The error for a picture or video that moderation withholds.

    Args:
        endpoint: Where it was made.
        what: What is withheld.
        billed: Whether it is charged.
        answer: What the API said.
        usage: The usage, which may state the cost.
    """
    said, cost = Refusal.read(answer), stated_cost(usage)
    dollars = cost["amount"] if cost and cost["currency"] == "USD" else 0
    amount = f" It cost {dollars:g} USD." if dollars else ""
    return UpstreamError(
        f"The moderation of {endpoint.provider.title} withholds the {what}; change the prompt or the image. "
        f"{BILLS[billed]}{amount}",
        code="content_filter",
        type="permission_error",
        billed=billed,
        status=200,
        provider=endpoint.provider.name,
        trace_id=said.trace_id,
        upstream_message=said.message,
    )
