"""The rules of xAI alone: its models, and what each of them refuses.

The source is https://docs.x.ai/docs/api-reference#chat-completions unless another one is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_grok.sandbox.api_errors import ApiError
from tests.oracle.violation import violation


@dataclass(frozen=True, slots=True)
class Model:
    """A current model.

    Attributes:
        efforts: The values of `reasoning_effort` that it takes; empty if it refuses the parameter.
        reasons: Whether it reasons.
    """

    efforts: tuple[str, ...] = ()
    reasons: bool = True


# https://docs.x.ai/developers/models; https://docs.x.ai/developers/model-capabilities/text/reasoning
MODELS = {
    "grok-4.7": Model(("low", "medium", "high", "xhigh")),
    "grok-4.6": Model(("low", "medium", "high", "xhigh")),
    "grok-4.5": Model(("low", "medium", "high")),
    "grok-4.3": Model(("none", "low", "medium", "high")),
    "grok-4.20-0309-reasoning": Model(),
    "grok-4.20-reasoning": Model(),
    "grok-4.20-0309-non-reasoning": Model(reasons=False),
    "grok-4.20-non-reasoning": Model(reasons=False),
    "grok-build-0.1": Model(),
}
"""All others are unknown, also those retired in https://docs.x.ai/developers/migration/may-15-retirement."""

REFUSED = {"presence_penalty": "presencePenalty", "logit_bias": "logitBias"}
"""Refused by every model, even at 0 (https://github.com/miaoxworld/NativeTavern/issues/83): parameter → its name in
errors."""

REFUSED_WITH_REASONING = {"frequency_penalty": "frequencyPenalty", "stop": "stop"}
"""https://docs.x.ai/docs/guides/reasoning"""

MAX_TOP_LOGPROBS = 8
IMAGE_TYPES = ("image/png", "image/jpeg")


def violations(body: dict[str, Any]) -> Iterator[ApiError]:
    """What breaks a rule in a body that keeps the shared ones."""
    model = MODELS.get(body["model"])
    if model is None:
        message = f"The model {body['model']} does not exist or your team does not have access to it."
        yield ApiError(404, "no_api", message, "model")
        return
    if body.get("search_parameters") is not None:
        message = "Live search is deprecated. Please switch to the Agent Tools API."
        yield ApiError(410, "bad_request", message, "search_parameters")
    yield from _parameter_violations(body, model)
    if isinstance(body.get("stop"), str):
        yield violation("stop", "must be an array")
    if (body.get("top_logprobs") or 0) > MAX_TOP_LOGPROBS:
        yield violation("top_logprobs", f"must be from 0 to {MAX_TOP_LOGPROBS}")
    yield from _message_violations(body["messages"])
    for url in _image_urls(body):
        if url.startswith("data:") and url[5:].partition(";")[0].lower() not in IMAGE_TYPES:
            # https://github.com/cline/cline/pull/5278
            yield ApiError(400, "bad_request", "Downloaded response does not contain a valid JPG or PNG image.")


def _message_violations(messages: list[dict[str, Any]]) -> Iterator[ApiError]:
    for message in messages:
        if "name" in message and message["role"] != "user":
            # https://github.com/BerriAI/litellm/issues/9720
            yield ApiError(400, "bad_request", "Only messages of role 'user' can have a name.", "messages")
        if message.get("content") is None:
            # https://github.com/langchain-ai/langchain/issues/34140
            rule = "Invalid request content: Each message must have at least one content element."
            yield ApiError(400, "bad_request", rule, "messages")


def _parameter_violations(body: dict[str, Any], model: Model) -> Iterator[ApiError]:
    refused = REFUSED | (REFUSED_WITH_REASONING if model.reasons else {})
    effort = body.get("reasoning_effort")
    if not model.efforts:
        refused = {**refused, "reasoning_effort": "reasoningEffort"}
    elif effort is not None and effort not in model.efforts:
        yield violation("reasoning_effort", f"of {body['model']} must be one of {', '.join(model.efforts)}")
    for parameter, name in refused.items():
        if body.get(parameter) is not None:
            message = f"Model {body['model']} does not support parameter {name}."
            yield ApiError(400, "bad_request", message, parameter)


def _image_urls(body: dict[str, Any]) -> Iterator[str]:
    for message in body["messages"]:
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else []:
            if part["type"] == "image_url":
                yield part["image_url"]["url"]
