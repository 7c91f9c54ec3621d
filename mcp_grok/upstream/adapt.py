"""The adaptation of a call's parameters and messages to its provider and its model.

Only documented differences are applied; all other parameters are sent unchanged.
"""

from typing import Any

from mcp_grok.models import Model
from mcp_grok.providers import Provider
from mcp_grok.upstream.schema_check import invalid

MAX_TOKENS_NAMES = ("max_tokens", "max_completion_tokens")
PENALTIES = ("presence_penalty", "frequency_penalty")

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
"""Every value of `reasoning_effort` that some model accepts."""

Values = dict[str, Any]


def adapt(values: Values, provider: Provider, model: Model | None) -> tuple[Values, dict[str, str]]:
    """The parameters to send, and the reason for each parameter and each message's field that is dropped.

    A penalty of 0 is the default of every model; where it would be refused, it is dropped silently.

    Args:
        values: The given parameters, after their check.
        provider: The provider that they are sent to.
        model: The documented properties of the model; None for an unknown one.

    Raises:
        InvalidRequest: no model accepts that `reasoning_effort`, and the values that this model accepts are known.
    """
    kept: Values = {}
    dropped: dict[str, str] = {}
    for name, value in values.items():
        reason = _why_refused(name, value, provider, model)
        if reason is None:
            kept[_name(name, provider)] = _form(name, value, provider)
        elif name not in PENALTIES or value != 0:
            dropped[name] = reason
    if "messages" in kept:
        kept["messages"] = [
            _adapt_message(f"messages[{index}]", message, provider, dropped)
            for index, message in enumerate(kept["messages"])
        ]
    return kept, dropped


def _adapt_message(path: str, message: Values, provider: Provider, dropped: dict[str, str]) -> Values:
    if provider.names_only_users and "name" in message and message["role"] != "user":
        message = {name: value for name, value in message.items() if name != "name"}
        dropped[f"{path}.name"] = f"{provider.title} accepts it only in a user's message"
    if provider.needs_content and message.get("content") is None:
        message = {**message, "content": ""}
    return message


def _why_refused(name: str, value: Any, provider: Provider, model: Model | None) -> str | None:
    if name in provider.rejects:
        return f"{provider.title} does not accept it"
    if model is None:
        return None
    if name in model.rejects:
        return f"{model.name} does not accept it"
    return _why_effort_refused(value, model) if name == "reasoning_effort" else None


def _why_effort_refused(effort: str, model: Model) -> str | None:
    if model.efforts is None or effort in model.efforts:
        return None
    if not model.efforts:
        return f"{model.name} does not accept it"
    takes = f"{', '.join(model.efforts[:-1])} or {model.efforts[-1]}"
    if effort not in EFFORTS:
        raise invalid("reasoning_effort", f"{takes} for {model.name}", effort)
    return f"{model.name} accepts {takes}"


def _name(name: str, provider: Provider) -> str:
    return provider.max_tokens_name or name if name in MAX_TOKENS_NAMES else name


def _form(name: str, value: Any, provider: Provider) -> Any:
    return [value] if name == "stop" and provider.stop_is_list and isinstance(value, str) else value
