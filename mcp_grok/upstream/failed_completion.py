"""The judgement of a whole answer in the form of a completion: whether the model answered at all."""

import json
import re
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, GrokError, UpstreamError
from mcp_grok.upstream.completion import text_of
from mcp_grok.upstream.cost import token_counts
from mcp_grok.upstream.failures import error_in_answer

FAILED = re.compile(r"error|fail|abort|cancel|exception|malformed|insufficient_system_resource", re.IGNORECASE)
"""Finish reasons of an answer that broke off: `error` (OpenRouter), `abort` (vLLM), `network_error` (Zhipu), …

https://github.com/cherryHQ/cherry-studio/issues/16079, https://api-docs.deepseek.com/api/create-chat-completion
"""

FILTERED = re.compile(r"filter|safety|block|prohibit|moderat|recitation|sensitive|refus|policy|spii", re.IGNORECASE)
"""Finish reasons of an answer that was withheld: `content_filter`, and Google's `SAFETY`, `PROHIBITED_CONTENT`, …"""

FINISH_REASONS = ("finish_reason", "native_finish_reason")

MAX_REASON = 80
"""Maximum characters of a finish reason in a message."""


def failure_in_completion(endpoint: Endpoint, body: Any) -> GrokError | None:
    """The error for a completion that holds no answer; None if it holds one, or is not a completion at all.

    A completion of which one choice has an answer is an answer: its other choices say themselves how they ended.

    Args:
        endpoint: The source of the completion.
        body: The `chat.completion`, plain or assembled from a stream. `partial` gets its text.
    """
    choices = (body["choices"] or []) if isinstance(body, dict) and "choices" in body else None
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        return None
    failures = [_failure(endpoint, choice) for choice in choices] or [_empty(endpoint, "no choices")]
    failure = failures[0]
    if failure is None or None in failures:
        return None
    failure.status = failure.status or 200
    failure.partial = text_of(choices)
    failure.message += _counted(body)
    failure.upstream_message = failure.upstream_message or (
        None if failure.partial else json.dumps(body, ensure_ascii=False)
    )
    return failure


def _failure(endpoint: Endpoint, choice: dict[str, Any]) -> GrokError | None:
    if error := error_in_answer(endpoint, 200, {"choices": [choice]}):
        return error
    reason = _reason(choice)
    finish = str(choice.get("finish_reason") or "")
    if FAILED.search(finish):
        return UpstreamError(
            f"The answer of {endpoint.provider.title} failed ({reason}); send the call again. The call may be billed.",
            retryable=True,
        )
    if isinstance(choice.get("message"), dict):
        return None
    if FILTERED.search(finish):
        return UpstreamError(
            f"{endpoint.provider.subject} withheld the answer ({reason}); change the messages. The call may be billed.",
            code="content_filter",
            type="permission_error",
        )
    return _empty(endpoint, reason) if choice.get("message", choice) is None else None


def _empty(endpoint: Endpoint, reason: str) -> GrokError:
    return BadUpstreamResponse(
        f"{endpoint.provider.subject} gave no answer ({reason}): moderation may have refused it, or the model said "
        "nothing. Change the messages, or send the call again. The call may be billed."
    )


def _reason(choice: dict[str, Any]) -> str:
    reasons = [f"{name}: {choice[name]}"[:MAX_REASON] for name in FINISH_REASONS if choice.get(name)]
    return ", ".join(" ".join(reason.split()) for reason in reasons) or "no finish_reason"


def _counted(body: dict[str, Any]) -> str:
    tokens = token_counts(body.get("usage"))["total_tokens"]
    return f" Its usage counts {tokens} tokens." if tokens else ""
