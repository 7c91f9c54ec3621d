"""What a call cost: as the upstream says it, and as price lists say it where it does not."""

from typing import Any

import genai_prices
import pytest

from mcp_grok.upstream.cost import estimated_cost, stated_cost, token_counts

PLAIN = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}

HUGE = 10**400
"""No float can be so large."""

NONE_STATED: list[Any] = [
    *(None, {}, PLAIN, [], "x", {"cost": "1"}, {"cost": True}, {"cost": -1}, {"cost": {}}),
    *({"cost": HUGE}, {"cost_in_usd_ticks": HUGE}, {"cost_in_usd_ticks": -1}, {"cost": {"amount": HUGE}}),
]


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        *[(usage, None) for usage in NONE_STATED],
        ({"cost": {"amount": 0.5, "currency": "CNY", "list_amount": 1}}, {"amount": 0.5, "currency": "CNY"}),
        ({"cost": {"amount": 0}}, {"amount": 0, "currency": "USD"}),
        ({"cost_in_usd_ticks": 37_756_000}, {"amount": 0.0037756, "currency": "USD"}),
        ({"cost": 0.01}, {"amount": 0.01, "currency": "USD"}),
        ({"cost": {"amount": "1"}, "cost_in_usd_ticks": None}, None),
        ({"cost_in_usd_ticks": 10**400}, None),
    ],
)
def test_cost_is_read_in_the_form_of_each_provider(usage: Any, cost: Any) -> None:
    assert stated_cost(usage) == cost


def test_cost_from_a_price_list_is_marked_as_an_estimate() -> None:
    cost = estimated_cost("grok-4", PLAIN)
    assert cost is not None
    assert (cost["currency"], cost["estimate"]) == ("USD", True)
    assert 0 < cost["amount"] < 1


def test_reasoning_tokens_beside_the_completion_cost() -> None:
    with_reasoning = {**PLAIN, "total_tokens": 2100, "completion_tokens_details": {"reasoning_tokens": 1000}}
    dear, cheap = estimated_cost("grok-4", with_reasoning), estimated_cost("grok-4", PLAIN)
    assert dear is not None
    assert cheap is not None
    assert dear["amount"] > cheap["amount"]


def test_cached_tokens_cost_less() -> None:
    cached = {**PLAIN, "prompt_tokens_details": {"cached_tokens": 900}}
    dear, cheap = estimated_cost("grok-4", PLAIN), estimated_cost("grok-4", cached)
    assert dear is not None
    assert cheap is not None
    assert dear["amount"] > cheap["amount"]


@pytest.mark.parametrize("model", ["grok-of-tomorrow", "", "nobody/knows"])
def test_model_without_a_price_has_no_estimate(model: str) -> None:
    assert estimated_cost(model, PLAIN) is None


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 0}, {"prompt_tokens": "7"}, {"prompt_tokens": -7}, [1]])
def test_usage_without_tokens_has_no_estimate(usage: Any) -> None:
    assert estimated_cost("grok-4", usage) is None


def test_counts_are_read_from_any_usage() -> None:
    usage = {**PLAIN, "prompt_tokens_details": None, "completion_tokens_details": {"reasoning_tokens": 7}}
    assert token_counts(usage) == {**PLAIN, "cached_tokens": 0, "reasoning_tokens": 7}
    assert token_counts({"prompt_tokens": 1, "completion_tokens": 2})["total_tokens"] == 3


@pytest.mark.parametrize("model", ["grok-4", "grok-4.5", "grok-4.3"])
@pytest.mark.parametrize("prompt", [1, 999, 100_000, 100_001, 400_000])
def test_estimate_follows_the_price_list(model: str, prompt: int) -> None:
    cached = prompt // 3
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": 77,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    used = genai_prices.Usage(input_tokens=prompt, cache_read_tokens=cached, output_tokens=77)
    expected = float(genai_prices.calc_price(used, model_ref=model, provider_id="x-ai").total_price)
    cost = estimated_cost(model, usage)
    assert cost is not None
    assert cost["amount"] == pytest.approx(expected)


def test_searches_are_estimated_once_by_what_xai_charges_for() -> None:
    used = {"web_search_calls": 3, "x_search_calls": 9, "x_posts_fetched": 20, "x_users_fetched": 1}
    searched = {**PLAIN, "server_side_tool_usage_details": used}
    with_searches, without = estimated_cost("grok-4.5", searched), estimated_cost("grok-4.5", PLAIN)
    assert with_searches is not None
    assert without is not None
    assert with_searches["amount"] - without["amount"] == pytest.approx(3 * 0.005 + 20 * 0.005 + 0.01)
    assert with_searches["estimate"] is True
    assert stated_cost({**searched, "cost_in_usd_ticks": 10**10}) == {"amount": 1.0, "currency": "USD"}


@pytest.mark.parametrize("count", [HUGE, -1, True, 1.5, "1"])
def test_absurd_count_of_tokens_is_none(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": count, "total_tokens": count}
    assert set(token_counts(usage).values()) == {0}
    assert estimated_cost("grok-4", usage) is None
