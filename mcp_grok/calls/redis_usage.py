"""Usage as a Redis hash that servers share: each field is a total, named by its path in `Usage.as_dict`."""

import json
import time
from typing import Any

from mcp_grok.calls.call import Call, Outcome
from mcp_grok.calls.usage import Usage, timestamp

SINCE = "since"


def increments(call: Call, outcome: Outcome) -> list[tuple[str, float]]:
    """The amounts that a call adds, by path."""
    usage = Usage()
    usage.add(call, outcome)
    return _leaves(usage.as_dict()["models"], [])


def nested(totals: dict[str, str]) -> dict[str, Any]:
    """The totals of a hash in the form of `Usage.as_dict`; `since` is one of the fields."""
    since = float(totals.get(SINCE, time.time()))
    models: dict[str, Any] = {}
    for path, amount in totals.items():
        if path == SINCE:
            continue
        *above, name = json.loads(path)
        totals_at = models
        for step in above:
            totals_at = totals_at.setdefault(step, {})
        number = round(float(amount), 10)
        totals_at[name] = int(number) if number.is_integer() and "cost" not in above else number
    for model in models.values():
        model.setdefault("cost", {})
    return {"since": timestamp(since), "models": models}


def _leaves(value: Any, path: list[str]) -> list[tuple[str, float]]:
    if not isinstance(value, dict):
        return [(json.dumps(path), value)]
    return [leaf for name, inner in value.items() for leaf in _leaves(inner, [*path, name])]
