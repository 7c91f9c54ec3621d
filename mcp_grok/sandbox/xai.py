"""What is xAI's own: its models, what they refuse, and how it words errors and usage.

Where no other source stands beside a fact, it is of https://docs.x.ai/docs/api-reference#chat-completions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_grok.sandbox.faults import MODEL_PREFIX
from mcp_grok.sandbox.refusals import Refusal, bad_request

TEAM = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Model:
    """A current model.

    Attributes:
        efforts: The values of `reasoning_effort` that it takes; empty where it refuses the parameter.
        reasons: Whether it thinks before it answers.
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
"""Any other name, those retired in https://docs.x.ai/developers/migration/may-15-retirement too, is unknown."""

REFUSED = {"presence_penalty": "presencePenalty", "logit_bias": "logitBias"}
"""Refused by every model, at 0 as well (https://github.com/miaoxworld/NativeTavern/issues/83); its names in errors."""

REFUSED_BY_REASONING = {"frequency_penalty": "frequencyPenalty", "stop": "stop"}
"""https://docs.x.ai/docs/guides/reasoning"""

MOST_TOP_LOGPROBS = 8
IMAGE_TYPES = ("image/png", "image/jpeg", "image/jpg")

CODES = {
    400: "Client specified an invalid argument",
    401: "The request does not have valid authentication credentials",
    403: "The caller does not have permission to execute the specified operation",
    404: "Some requested entity was not found",
    429: "Some resource has been exhausted",
    500: "Internal error",
    504: "Deadline expired before operation could complete",
}
"""gRPC's sentences. A 410 carries none (https://github.com/langgenius/dify-official-plugins/issues/2493)."""

# https://github.com/continuedev/continue/issues/10373
USED_UP = (
    f"Your team {TEAM} has either used all available credits or reached its monthly spending limit. To continue making "
    "API requests, please purchase more credits or raise your spending limit."
)
# https://github.com/cline/cline/issues/4826
TOO_MANY = (
    f"Too many requests for team {TEAM}. Your team's rate limit is — Requests per Second (actual/limit): 2/2. "
    "You can view your team rate limits at https://console.x.ai."
)
OWN_WORDS = {"used_up": (429, USED_UP), "too_many_requests": (429, TOO_MANY), "rate_limited": (429, TOO_MANY)}
"""Faults that have another status here, or words that tell one 429 from the other."""


def error(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """A refusal as xAI puts it: the status, and a body of two strings."""
    status, message = OWN_WORDS.get(refusal.code, (refusal.status, refusal.message))
    code = {"code": CODES[status]} if status in CODES else {}
    return status, {**code, "error": message}


def bad_key(key: str) -> Refusal:
    """A key that is not the sandbox's: HTTP 400, not 401."""
    masked = f"{key[:2]}***{key[-2:]}"
    return Refusal(
        400,
        "invalid_token",
        f"Incorrect API key provided: {masked}. You can obtain an API key from https://console.x.ai.",
    )


def usage(prompt: int, generated: int, reasoning: int) -> dict[str, Any]:
    """Counts with the reasoning outside `completion_tokens`, and what it cost (10^10 ticks a dollar): nothing."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated + reasoning,
        "prompt_tokens_details": {"text_tokens": prompt, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
        "cost_in_usd_ticks": 0,
    }


def refusal(body: dict[str, Any]) -> Refusal | None:
    """What xAI refuses of a request that keeps the common rules."""
    name = body["model"]
    model = MODELS.get(name)
    if model is None and not name.startswith(MODEL_PREFIX):
        return Refusal(
            404,
            "no_api",
            f"The model {name} does not exist or your team {TEAM} does not have access to it. Please ensure you're "
            "using the correct API key. If you believe this is a mistake, please contact support and quote your team "
            "ID and the model name.",
            "model",
        )
    if body.get("search_parameters") is not None:
        return Refusal(
            410,
            "bad_request",
            "Live search is deprecated. Please switch to the Agent Tools API: "
            "https://docs.x.ai/docs/guides/tools/overview",
            "search_parameters",
        )
    return next(_refused_parameters(body, model), None)


def _refused_parameters(body: dict[str, Any], model: Model | None) -> Iterator[Refusal]:
    refused = REFUSED | (REFUSED_BY_REASONING if model and model.reasons else {})
    if model and not model.efforts:
        refused = {**refused, "reasoning_effort": "reasoningEffort"}
    for parameter, own_name in refused.items():
        if body.get(parameter) is not None:
            yield bad_request(f"Model {body['model']} does not support parameter {own_name}.", parameter)
    effort = body.get("reasoning_effort")
    if model and effort is not None and effort not in model.efforts:
        known = ", ".join(model.efforts)
        yield bad_request(f"reasoning_effort of {body['model']} must be one of {known}.", "reasoning_effort")
    if isinstance(body.get("stop"), str):
        yield bad_request("stop must be an array.", "stop")
    if (body.get("top_logprobs") or 0) > MOST_TOP_LOGPROBS:
        yield bad_request(f"top_logprobs must be from 0 to {MOST_TOP_LOGPROBS}.", "top_logprobs")
    for url in _image_urls(body):
        if url.startswith("data:") and url[5:].partition(";")[0].lower() not in IMAGE_TYPES:
            # https://github.com/cline/cline/pull/5278
            yield bad_request("Downloaded response does not contain a valid JPG or PNG image.", "messages")


def _image_urls(body: dict[str, Any]) -> Iterator[str]:
    for message in body["messages"]:
        parts = message.get("content")
        for part in parts if isinstance(parts, list) else []:
            if part["type"] == "image_url":
                yield part["image_url"]["url"]
