"""The cost of a call: stated by the upstream, or estimated from a library of prices."""

import importlib.util
import sys
import time
from functools import cache, lru_cache
from typing import Any, TypeGuard

from mcp_grok.json_parser import JSONObject

TICKS = 10**10
"""Units of xAI's `cost_in_usd_ticks` in a dollar (https://docs.x.ai/docs/api-reference)."""

UNIFORM_PRICE_LIMIT = 100_000
"""Maximum prompt tokens for a constant price; with some models longer prompts cost more per token."""

SAMPLE_TOKENS = 1000

MAX_AMOUNT = 10**6
MAX_TOKENS = 10**9
"""Most dollars, and tokens, that a call can cost. A usage that states more states nothing."""

MAX_CURRENCY = 20
"""Maximum characters of a currency."""

TOOL_PRICES = {
    "web_search_calls": 0.005,
    "code_interpreter_calls": 0.005,
    "x_posts_fetched": 0.005,
    "x_users_fetched": 0.01,
}
"""Dollars for each use of a server-side tool: xAI charges for what an X search fetches, not for the search, since
2026-09-21 (https://docs.x.ai/docs/models)."""

Cost = dict[str, Any]
"""`{"amount", "currency"}`, and `"estimate": True` if the upstream did not state it."""


def stated_cost(usage: Any) -> Cost | None:
    """The cost that a completion's usage states; None if it states none.

    AceData states `cost.amount` and `cost.currency`, xAI `cost_in_usd_ticks`, OpenRouter `cost` in dollars.
    """
    if not isinstance(usage, dict):
        return None
    cost, ticks = usage.get("cost"), usage.get("cost_in_usd_ticks")
    if isinstance(cost, dict) and _is_amount(cost.get("amount")):
        currency = cost.get("currency")
        return {"amount": cost["amount"], "currency": currency[:MAX_CURRENCY] if isinstance(currency, str) else "USD"}
    if _is_amount(ticks, TICKS):
        return {"amount": ticks / TICKS, "currency": "USD"}
    return {"amount": cost, "currency": "USD"} if _is_amount(cost) else None


@cache
def can_estimate() -> bool:
    """Whether the library of prices (the extra `prices`) is installed."""
    return importlib.util.find_spec("genai_prices") is not None


def estimate_is_quick() -> bool:
    """Whether the library of prices has been imported, which takes a quarter of a second."""
    return "genai_prices" in sys.modules


def estimated_cost(model: str, usage: Any) -> Cost | None:
    """The cost of a call's tokens and searches by the vendor's price lists; None if the model's price is not known.

    Imports the library when first used: call it in a thread unless `estimate_is_quick`.
    """
    counts = token_counts(usage)
    if not counts["total_tokens"]:
        return None
    prompt, cached = counts["prompt_tokens"], min(counts["cached_tokens"], counts["prompt_tokens"])
    output = counts["total_tokens"] - prompt
    if prompt <= UNIFORM_PRICE_LIMIT:
        rates = _rates(model, time.strftime("%Y-%m-%d"))
        amount = rates and (prompt - cached) * rates[0] + cached * rates[1] + output * rates[2]
    else:
        amount = _price(model, prompt, cached, output)
    if amount is None:
        return None
    return {"amount": round(amount + _tools_price(usage), 12), "currency": "USD", "estimate": True}


def _tools_price(usage: JSONObject) -> float:
    used = usage.get("server_side_tool_usage_details")
    if not used:
        return 0.0
    return sum(_count(used, name) * price for name, price in TOOL_PRICES.items())


@lru_cache(maxsize=256)
def _rates(model: str, _day: str) -> tuple[float, float, float] | None:
    """Dollars per prompt token, cached prompt token and answer token; cached for a day, because the lookup is slow."""
    prices = [
        _price(model, *tokens)
        for tokens in ((SAMPLE_TOKENS, 0, 0), (SAMPLE_TOKENS, SAMPLE_TOKENS, 0), (0, 0, SAMPLE_TOKENS))
    ]
    known = [price / SAMPLE_TOKENS for price in prices if price is not None]
    return (known[0], known[1], known[2]) if len(known) == len(prices) else None


def _price(model: str, prompt: int, cached: int, output: int) -> float | None:
    import genai_prices

    used = genai_prices.Usage(input_tokens=prompt, cache_read_tokens=cached, output_tokens=output)
    try:
        price = genai_prices.calc_price(used, model_ref=model, provider_id="x-ai" if model.startswith("grok") else None)
    except (LookupError, ValueError):
        return None
    return float(price.total_price)


def token_counts(usage: Any) -> dict[str, int]:
    """The token counts of a usage; 0 for each that it does not state.

    xAI counts reasoning tokens in `total_tokens` but not in `completion_tokens`, so the stated total is used if larger.
    """
    usage = usage if isinstance(usage, dict) else {}
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    return {
        "prompt_tokens": prompt,
        "cached_tokens": _count(usage.get("prompt_tokens_details"), "cached_tokens"),
        "completion_tokens": completion,
        "reasoning_tokens": _count(usage.get("completion_tokens_details"), "reasoning_tokens"),
        "total_tokens": max(_count(usage, "total_tokens"), prompt + completion),
    }


def _count(counts: Any, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    # True is an int, too.
    return value if type(value) is int and 0 < value <= MAX_TOKENS else 0


def _is_amount(value: Any, unit: int = 1) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_AMOUNT * unit
