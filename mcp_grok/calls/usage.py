"""Usage: the answers, tokens and cost of a principal's calls, by model."""

import time
from typing import Any

from mcp_grok.upstream.completion import Completion


class Usage:
    """Totals of the answers since the start of the process."""

    def __init__(self) -> None:
        self._since = time.time()
        self._models: dict[str, dict[str, Any]] = {}

    def add(self, model: str, completion: Completion) -> None:
        """Counts an answer.

        Args:
            model: The requested model.
            completion: The answer; it counts for the model that it names, or for `model` if it names none.
        """
        totals = self._models.setdefault(completion.model or model, {"answers": 0, "cost": {}})
        totals["answers"] += 1
        for count, tokens in completion.tokens.items():
            totals[count] = totals.get(count, 0) + tokens
        if cost := completion.cost:
            kind = "estimated" if cost.get("estimate") else "stated"
            amounts = totals["cost"].setdefault(cost["currency"], {})
            amounts[kind] = round(amounts.get(kind, 0) + cost["amount"], 10)

    def as_dict(self) -> dict[str, Any]:
        """`{"since", "models"}`: for each model the number of answers, the tokens, and the cost by currency.

        A cost is `stated` by the provider, or `estimated` from price lists if the provider does not state it.
        """
        return {"since": timestamp(self._since), "models": self._models}


def timestamp(seconds: float) -> str:
    """A time in seconds since 1970 as ISO 8601 text in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
