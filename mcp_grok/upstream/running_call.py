"""A running call: its state before it has an answer."""

import re
import time
from collections.abc import Callable, Sequence

from mcp_grok.errors import IN_PARTIAL, GrokError
from mcp_grok.json_parser import JSONObject
from mcp_grok.redaction import REMOVED, without_secrets
from mcp_grok.upstream.answer_assembler import AnswerAssembler
from mcp_grok.upstream.assemble import Assembler
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.cost import stated_cost
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.response_body import BoundedBody
from mcp_grok.upstream.responses.assembler import ResponseAssembler
from mcp_grok.upstream.stream import OnText, StreamReader

REFUSED = (400, 404, 410)
"""Statuses with which the upstream refuses a request permanently."""

USAGE_REQUEST = re.compile(rb"stream_?options(?!\\*[\"']\s*:\s*\\*\{)", re.IGNORECASE)
"""A mention of the request for usage in a refusal, unless the refusal only quotes the request."""


CONTINUED = "previous_response_id"


class RunningCall:
    """A running call: the attempts so far, and the received part of the answer.

    Args:
        request: The request to send.
        on_text: Called with each piece of the first choice's text.
        on_reasoning: Called with each piece of the model's reasoning.
        on_sent: Called whenever an attempt leaves the queue for a slot.
        headers: Further headers.
        secrets: The keys of the call, which are removed from its answer.
        caller: The name of the caller.
    """

    def __init__(
        self,
        request: ChatRequest,
        on_text: OnText,
        on_reasoning: OnText,
        on_sent: Callable[[], None],
        headers: dict[str, str] | None = None,
        secrets: Sequence[str] = (),
        caller: str = "",
    ) -> None:
        self.request = request
        self._secrets = secrets
        self.headers = headers
        self.caller = caller
        self.body = request.body
        self.assembler = self._new_assembler()
        self.attempts = 0
        self.response_body: BoundedBody | None = None
        self.refusal = b""
        self._maybe_billed = False
        self.sent_at: float | None = None
        self.first_text_at: float | None = None
        self.answer: Completion | None = None
        self.stream: StreamReader | None = None
        self.on_text = on_text
        self.on_reasoning = on_reasoning
        self.on_sent = on_sent

    def begin_attempt(self) -> None:
        """Prepares for the answer of the next attempt."""
        self.attempts += 1
        self.refusal = b""
        self.response_body = None
        self.stream = None
        self.answer = None
        self.assembler = self._new_assembler()
        self.on_sent()

    @property
    def size(self) -> int:
        """The bytes that were received of the answer."""
        return self.response_body.size if self.response_body else 0

    def _new_assembler(self) -> AnswerAssembler:
        form = self.request.form
        return ResponseAssembler(form) if form else Assembler(self.request.choices)

    @property
    def left_out_usage_request(self) -> bool:
        """Whether the body lacks `stream_options` which this server would have added."""
        return self.body is not self.request.body

    def refuses_usage_request(self, error: GrokError) -> bool:
        """Whether the upstream refused `stream_options`, which this server added to the request."""
        said = self.refusal or (error.upstream_message or "").encode("utf-8", "replace")
        is_added = self.request.asks_usage and not self.left_out_usage_request
        return is_added and error.type == "invalid_request_error" and USAGE_REQUEST.search(said) is not None

    def leave_out_usage_request(self) -> None:
        """Sends the body without `stream_options` from now on, if this server added it."""
        self.body = self.request.body_without_usage or self.body

    def text_streamed(self, text: str) -> None:
        """Passes a piece of text to `on_text`, and records the time of the first one."""
        if self.first_text_at is None:
            self.first_text_at = time.monotonic()
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        self.on_text(text)

    def failed(self, error: GrokError) -> None:
        """Records that an attempt failed, and whether it may have been charged."""
        self._maybe_billed = self._maybe_billed or error.billed != "no"

    def complete_error(self, failure: GrokError) -> None:
        """Adds to the call's error the fields that depend on all attempts."""
        failure.attempts = self.attempts
        failure.partial = failure.partial or self.assembler.text
        if failure.partial:
            failure.message += f" {IN_PARTIAL}"
        failure.param = self.request.given_name(failure.param)
        if self.request.retired_for and failure.status in REFUSED:
            failure.message += f" {self.request.model} has been withdrawn; use {self.request.retired_for}."
        if CONTINUED in self.request.given and failure.status == 404:
            failure.param = CONTINUED
            failure.message += (
                f" It may not know {CONTINUED} either: only answers with store: true are kept, for 30 days. Send the "
                "whole conversation without it."
            )
        if self._maybe_billed and failure.billed == "no":
            failure.billed = "unknown"

    def whole_answer(self) -> Completion | None:
        """The answer, if it was received completely before the time limit; otherwise None."""
        if self.answer is None and self.stream is not None and self.stream.whole:
            self.streamed_completion()
        return self.answer

    def streamed_completion(self) -> Completion:
        """The answer assembled from the chunks of a complete stream."""
        if self.answer is None:
            self.answer = self.completion(self.assembler.completion())
        return self.answer

    def completion(self, body: JSONObject, content: bytes | None = None) -> Completion:
        """The answer with this body.

        Args:
            body: The completion.
            content: The JSON of the completion, if it came whole: searching it for keys is faster.
        """
        if content is None or any(secret.encode() in content for secret in self._secrets):
            body = without_secrets(body, self._secrets)
        choices = body["choices"]
        waited = self.first_text_at - self.sent_at if self.first_text_at and self.sent_at else None
        missing = max(0, self.request.choices - len(choices))
        cost = stated_cost(body.get("usage"))
        in_doubt = self.stream.in_doubt if self.stream else None
        return Completion(
            body, self.attempts, waited, missing, self.request.dropped, self.size, cost=cost, in_doubt=in_doubt
        )
