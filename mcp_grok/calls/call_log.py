"""The log line of a call: how it ended and why, without its content."""

import logging

from mcp_grok.calls.call import Call, Outcome
from mcp_grok.calls.token_count import tokens_of
from mcp_grok.errors import GrokError
from mcp_grok.log_format import CALL

logger = logging.getLogger("mcp_grok.calls")


def log_call(call: Call, outcome: Outcome) -> None:
    """Logs one line for a call that has ended."""
    code = outcome.code if isinstance(outcome, GrokError) else "answered"
    level = logging.INFO if code in ("answered", "cancelled") else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    known = {
        "caller": call.principal,
        "request_id": call.id,
        "model": call.model,
        "tokens": tokens_of(call, outcome),
        "tokens_estimated": bool(call.estimated_tokens),
        "duration": round(call.elapsed, 3),
        "outcome": code,
        "reason": call.reason or "",
    }
    reason = f" reason={str(call.reason)!r}" if call.reason else ""
    text = "call model=%r outcome=%s seconds=%.3f%s"
    logger.log(level, text, call.model, code, call.elapsed, reason, extra={CALL: known})
