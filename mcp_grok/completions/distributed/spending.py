"""A caller's spending as numbers that many processes add to: each is named by its path in `Spending.as_dict`."""

import json
import time
from typing import Any

from mcp_grok.completions.spending import Spending
from mcp_grok.upstream.completion import Completion


def increments(model: str, completion: Completion) -> list[tuple[str, float]]:
    """What an answer adds, by path."""
    spending = Spending()
    spending.add(model, completion)
    return _leaves(spending.as_dict()["models"], [])


def nested(spent: dict[str, str]) -> dict[str, Any]:
    """The sums as `Spending.as_dict` has them; `since` stands among the paths."""
    since = float(spent.get("since", time.time()))
    models: dict[str, Any] = {}
    for path, amount in spent.items():
        if path == "since":
            continue
        *above, name = json.loads(path)
        place = models
        for step in above:
            place = place.setdefault(step, {})
        number = round(float(amount), 10)
        place[name] = int(number) if number.is_integer() and "cost" not in above else number
    for totals in models.values():
        totals.setdefault("cost", {})
    return {"since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since)), "models": models}


def _leaves(value: Any, path: list[str]) -> list[tuple[str, float]]:
    if not isinstance(value, dict):
        return [(json.dumps(path), value)]
    return [leaf for name, inner in value.items() for leaf in _leaves(inner, [*path, name])]
