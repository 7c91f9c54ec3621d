"""The tokens of an ended call: stated by the API, or estimated."""

import math

from mcp_grok.calls.call import Call, Outcome, Work
from mcp_grok.errors import GrokError
from mcp_grok.upstream.api_request import ApiRequest
from mcp_grok.upstream.cost import Cost
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.token_estimate import answer_tokens, byte_tokens, prompt_tokens, utf8_length

TOKENS_PER_DOLLAR = 500_000
"""The tokens that count for a dollar of pictures or videos: the price of grok-4.7's input
(https://docs.x.ai/docs/models)."""

MEDIA_TOKENS = {"image": 20_000, "video": 150_000}
"""The tokens that a call for pictures or a video counts if the API does not state its cost."""


def requested_tokens(api_request: ApiRequest) -> int:
    """The tokens that a request counts before it has an answer, estimated."""
    if isinstance(api_request, ChatRequest):
        return prompt_tokens(api_request.body)
    return MEDIA_TOKENS[api_request.kind]


def estimated_tokens(work: Work, api_request: ApiRequest | None, outcome: Outcome) -> int:
    """The estimate for a call that may be billed, but whose tokens the API did not state; 0 for any other.

    Args:
        work: The work on the call, with the text that was received.
        api_request: The request; None for a call of which only the job is known.
        outcome: The outcome.
    """
    if not isinstance(api_request, ChatRequest):
        return 0
    if isinstance(outcome, GrokError):
        if outcome.billed == "no":
            return 0
        # Only the first choice arrives as text; the others are about as long.
        received = byte_tokens(utf8_length("".join(work.pieces)) + work.reasoning_bytes)
        return prompt_tokens(api_request.body) + received * api_request.choices
    if outcome.tokens["total_tokens"]:
        return 0
    return prompt_tokens(api_request.body) + answer_tokens(outcome)


def tokens_of(call: Call, outcome: Outcome) -> int:
    """The tokens that a call counts: those that the API stated, or the estimate; for media, those of its cost."""
    if call.kind in MEDIA_TOKENS:
        is_free = isinstance(outcome, GrokError) and outcome.billed == "no"
        return 0 if is_free else _media_tokens(call.kind, None if isinstance(outcome, GrokError) else outcome.cost)
    if call.estimated_tokens or isinstance(outcome, GrokError):
        return call.estimated_tokens
    return outcome.tokens["total_tokens"]


def _media_tokens(kind: str, cost: Cost | None) -> int:
    in_dollars = cost is not None and cost["currency"] == "USD"
    return math.ceil(cost["amount"] * TOKENS_PER_DOLLAR) if cost and in_dollars else MEDIA_TOKENS[kind]
