"""The tokens of an ended call: stated by the API, or estimated."""

from mcp_grok.calls.call import Call, Outcome, Work
from mcp_grok.errors import GrokError
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.token_estimate import answer_tokens, byte_tokens, prompt_tokens, utf8_length


def estimated_tokens(work: Work, chat: ChatRequest, outcome: Outcome) -> int:
    """The estimate for a call that may be billed, but whose tokens the API did not state; 0 for any other.

    Args:
        work: The work on the call, with the text that was received.
        chat: The request.
        outcome: The outcome.
    """
    if isinstance(outcome, GrokError):
        if outcome.billed == "no":
            return 0
        # Only the first choice arrives as text; the others are about as long.
        received = byte_tokens(utf8_length("".join(work.pieces)) + work.reasoning_bytes)
        return prompt_tokens(chat.body) + received * chat.choices
    if outcome.tokens["total_tokens"]:
        return 0
    return prompt_tokens(chat.body) + answer_tokens(outcome)


def tokens_of(call: Call, outcome: Outcome) -> int:
    """The tokens that a call counts: those that the API stated, or the estimate."""
    if call.estimated_tokens or isinstance(outcome, GrokError):
        return call.estimated_tokens
    return outcome.tokens["total_tokens"]
