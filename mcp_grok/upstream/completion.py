"""A completion: the answer of a call, a chat completion or pictures or a video."""

from dataclasses import dataclass, field
from typing import Any, TypedDict

from mcp_grok.json_parser import JSONObject
from mcp_grok.upstream.content_text import content_text
from mcp_grok.upstream.cost import Cost, token_counts
from mcp_grok.upstream.json_output import Violation

MAX_MODEL = 200
"""Maximum characters of a model's name."""

MEDIA = ("image", "video")
"""The values of `object` in the body of an answer that is no chat completion."""


class Preview(TypedDict):
    """A picture for the client to show.

    Attributes:
        media_type: Its type, like `image/png`.
        data: Its bytes in base64.
    """

    media_type: str
    data: str


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer.

    Attributes:
        body: The `chat.completion` from the upstream, or assembled from its stream; or an object of `MEDIA`.
        attempts: The number of times that the call was sent.
        first_text_after: Seconds from sending to the first text of a stream; None without a stream or text.
        missing_choices: The number of requested choices (`n`) that were not received.
        dropped: Parameters that were given but not sent, each with the reason.
        size: Bytes of the answer as received.
        violations: The differences between the answer and the requested JSON.
        cost: The cost of the call; None if it is not known.
        in_doubt: Why a streamed answer may be incomplete, in a sentence; None if its end is certain.
        preview: A small picture of the answer; None without one.
    """

    body: JSONObject
    attempts: int = 1
    first_text_after: float | None = None
    missing_choices: int = 0
    dropped: dict[str, str] = field(default_factory=dict)
    size: int = 0
    violations: list[Violation] = field(default_factory=list)
    cost: Cost | None = None
    in_doubt: str | None = None
    preview: Preview | None = None

    @property
    def model(self) -> str:
        """The model that the answer names; empty if it names none, or one whose name would be too long to keep."""
        name = self.body.get("model")
        return name if isinstance(name, str) and len(name) <= MAX_MODEL else ""

    @property
    def has_no_search(self) -> bool:
        """Whether a search was asked for, and the model made none."""
        return self.body.get("searches") == []

    @property
    def text(self) -> str:
        """The text of the first choice; empty if it has none."""
        if is_media(self.body):
            return ""
        message = self.body["choices"][0].get("message") or {}
        return content_text(message.get("content"))

    @property
    def tokens(self) -> dict[str, int]:
        """The token counts of its usage by kind; 0 for a kind that it does not state."""
        return token_counts(self.body.get("usage"))


def text_of(choices: list[Any]) -> str:
    """The text of all choices, with a blank line between them."""
    messages = [choice["message"] for choice in choices if isinstance(choice.get("message"), dict)]
    texts = [content_text(message.get("content")) or message.get("refusal") for message in messages]
    return "\n\n".join(text for text in texts if text and isinstance(text, str))


def is_media(body: Any) -> bool:
    """Whether a JSON body is the answer of a call for pictures or a video, in the form of this server."""
    return isinstance(body, dict) and body.get("object") in MEDIA and "choices" not in body


def is_completion(body: Any) -> bool:
    """Whether a JSON body has the form of a completion: choices, of which at least one has a message."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        return False
    messages = [message for choice in choices if (message := choice.get("message")) is not None]
    return bool(messages) and all(isinstance(message, dict) for message in messages)
