"""An answer, and what is known of a call while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from mcp_grok.errors import GrokError
from mcp_grok.upstream.assemble import Assembler, JSONObject
from mcp_grok.upstream.cost import Cost, token_counts, told_cost
from mcp_grok.upstream.json_output import Violation
from mcp_grok.upstream.request import ChatRequest
from mcp_grok.upstream.stream import OnText, StreamReader


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer.

    Attributes:
        body: The `chat.completion` as the upstream gave it, or as assembled from its stream.
        attempts: How often the call was sent.
        first_text_after: Seconds from sending to the first text of a stream; None where there was none.
        missing_choices: How many of the `n` choices asked for did not come.
        dropped: Parameters that were given and not sent, with the reason.
        size: Bytes of the answer as it came.
        violations: Where the answer is not the JSON that was asked for.
        cost: What it cost, where that is known.
    """

    body: JSONObject
    attempts: int = 1
    first_text_after: float | None = None
    missing_choices: int = 0
    dropped: dict[str, str] = field(default_factory=dict)
    size: int = 0
    violations: list[Violation] = field(default_factory=list)
    cost: Cost | None = None

    @property
    def model(self) -> str:
        """The model that answered, as the answer names it; empty where it names none."""
        name = self.body.get("model")
        return name if isinstance(name, str) else ""

    @property
    def text(self) -> str:
        """The text of the first choice; empty if it has none."""
        text = self.body["choices"][0]["message"].get("content")
        return text if isinstance(text, str) else ""

    @property
    def tokens(self) -> dict[str, int]:
        """What its usage counts, by kind; 0 for what it does not state."""
        return token_counts(self.body.get("usage"))


REFUSED = (400, 404, 410)
"""Statuses of a request that the upstream will not take."""


class RunningCall:
    """What is known of a call while it runs."""

    def __init__(
        self,
        request: ChatRequest,
        on_text: OnText,
        on_reasoning: OnText,
        on_sent: Callable[[], None],
        headers: dict[str, str] | None = None,
    ) -> None:
        self.request = request
        self.headers = headers
        self.body = request.body
        self.assembler = Assembler(request.choices)
        self.attempts = 0
        self.size = 0
        self._maybe_billed = False
        self.sent_at: float | None = None
        self.first_text_at: float | None = None
        self.answer: Completion | None = None
        self.stream: StreamReader | None = None
        self.on_text = on_text
        self.on_reasoning = on_reasoning
        self.on_sent = on_sent

    def text_streamed(self, text: str) -> None:
        if self.first_text_at is None:
            self.first_text_at = anyio.current_time()
        self.on_text(text)

    def failed(self, error: GrokError) -> None:
        """Remembers whether a failed attempt may have been charged."""
        self._maybe_billed = self._maybe_billed or error.billed != "no"

    def tell(self, failure: GrokError) -> None:
        """Adds to the error of the call what is known of all its attempts."""
        failure.attempts = self.attempts
        failure.add(partial=self.assembler.text)
        if self.request.retired_for and failure.status in REFUSED:
            failure.advise(f"{self.request.model} has been withdrawn; use {self.request.retired_for}.")
        if self._maybe_billed and failure.billed == "no":
            failure.billing_is_unknown()

    def whole_answer(self) -> Completion | None:
        """The answer, if all of it came before the time ran out; None if it did not."""
        if self.answer is None and self.stream is not None and self.stream.whole:
            self.answer = self.streamed_completion()
        return self.answer

    def streamed_completion(self) -> Completion:
        """The answer that the chunks of a whole stream make."""
        return self.completion(self.assembler.completion())

    def completion(self, body: JSONObject) -> Completion:
        choices = body["choices"]
        waited = self.first_text_at - self.sent_at if self.first_text_at and self.sent_at else None
        missing = max(0, self.request.choices - len(choices))
        cost = told_cost(body.get("usage"))
        return Completion(body, self.attempts, waited, missing, self.request.dropped, self.size, cost=cost)


def is_completion(body: Any) -> bool:
    """Whether a JSON body has the form of a completion: choices, each with a message."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        return False
    return all(isinstance(choice, dict) and isinstance(choice.get("message"), dict) for choice in choices)
