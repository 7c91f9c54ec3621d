"""Fitting a call to what its provider and its model take. Pure: values in, values out, and what was left out and why.

Only what is documented is acted on; what nobody says anything about goes through.
"""

from typing import Any

from mcp_grok.models import Model
from mcp_grok.providers import Provider
from mcp_grok.upstream.parameters import invalid

MOST_TOKENS = ("max_tokens", "max_completion_tokens")
PENALTIES = ("presence_penalty", "frequency_penalty")

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
"""Every value of `reasoning_effort` that some model takes."""

Values = dict[str, Any]


def fitted(values: Values, provider: Provider, model: Model | None) -> tuple[Values, dict[str, str]]:
    """The parameters as they may be sent, and those left out, each with the reason.

    A penalty of 0 is what a model does anyway; where it would be refused, it is left out without a word.

    Args:
        values: The parameters that were given, checked.
        provider: Where they go.
        model: What is known of the model; None for one that is not known.

    Raises:
        InvalidRequest: `reasoning_effort` is a word that no model takes, and those of this one are known.
    """
    kept: Values = {}
    dropped: dict[str, str] = {}
    for name, value in values.items():
        reason = _refused(name, value, provider, model)
        if reason is None:
            kept[_name(name, provider)] = _form(name, value, provider)
        elif name not in PENALTIES or value != 0:
            dropped[name] = reason
    return kept, dropped


def _refused(name: str, value: Any, provider: Provider, model: Model | None) -> str | None:
    if name in provider.rejects:
        return f"{provider.title} does not take it"
    if model is None:
        return None
    if name in model.rejects:
        return f"{model.name} does not take it"
    if name != "reasoning_effort" or model.efforts is None or value in model.efforts:
        return None
    if not model.efforts:
        return f"{model.name} does not take it"
    takes = f"{', '.join(model.efforts[:-1])} or {model.efforts[-1]}"
    if value not in EFFORTS:
        raise invalid(name, f"must be {takes} for {model.name}", value)
    return f"{model.name} takes {takes}"


def _name(name: str, provider: Provider) -> str:
    return provider.max_tokens_name or name if name in MOST_TOKENS else name


def _form(name: str, value: Any, provider: Provider) -> Any:
    return [value] if name == "stop" and provider.stop_is_list and isinstance(value, str) else value
