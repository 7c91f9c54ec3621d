"""A completion: the answer of a call."""

from dataclasses import dataclass, field
from typing import Any

from mcp_grok.upstream.assemble import JSONObject
from mcp_grok.upstream.cost import Cost, token_counts
from mcp_grok.upstream.json_output import Violation


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


def is_completion(body: Any) -> bool:
    """Whether a JSON body has the form of a completion: choices, each with a message."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        return False
    return all(isinstance(choice, dict) and isinstance(choice.get("message"), dict) for choice in choices)
