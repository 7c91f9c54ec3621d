"""Usage: the answers, tokens and cost of a principal's calls, by model."""

import time
from typing import Any

from mcp_grok.calls.call import Call, Outcome
from mcp_grok.errors import GrokError


class Usage:
    """Totals of the ended calls since the start of the process."""

    def __init__(self) -> None:
        self._since = time.time()
        self._models: dict[str, dict[str, Any]] = {}

    def add(self, call: Call, outcome: Outcome) -> None:
        """Counts a call that has ended, unless nothing was billed.

        An answer counts for the model that it names, if it names one; a failed call, for the requested one.
        """
        answer = None if isinstance(outcome, GrokError) else outcome
        if answer is None and not call.estimated_tokens:
            return
        totals = self._models.setdefault((answer and answer.model) or call.model, {"answers": 0, "cost": {}})
        if call.estimated_tokens:
            totals["estimated_tokens"] = totals.get("estimated_tokens", 0) + call.estimated_tokens
        if answer is None:
            return
        totals["answers"] += 1
        for count, tokens in answer.tokens.items():
            totals[count] = totals.get(count, 0) + tokens
        if cost := answer.cost:
            kind = "estimated" if cost.get("estimate") else "stated"
            amounts = totals["cost"].setdefault(cost["currency"], {})
            amounts[kind] = round(amounts.get(kind, 0) + cost["amount"], 10)

    def as_dict(self) -> dict[str, Any]:
        """`{"since", "models"}`: for each model the number of answers, the tokens, and the cost by currency.

        `estimated_tokens` are those of calls whose usage the provider did not state, also of calls that failed. A cost
        is `stated` by the provider, or `estimated` from price lists if the provider does not state it.
        """
        return {"since": timestamp(self._since), "models": self._models}


def timestamp(seconds: float) -> str:
    """A time in seconds since 1970 as ISO 8601 text in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
