"""What the assemblers of streams have in common: of chat completions, and of responses."""

from typing import Any, Protocol

from mcp_grok.json_parser import JSONObject


class AnswerAssembler(Protocol):
    """Collects the chunks of one stream.

    Attributes:
        max_items: Maximum items of all lists and objects in the stream together.
    """

    max_items: int

    @property
    def text(self) -> str:
        """The content so far."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether any part of the answer was received."""
        ...

    @property
    def has_unfinished_answer(self) -> bool:
        """Whether an answer is there that `[DONE]` completes, although nothing in it says that it has ended."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether a chunk has closed the answer, so that nothing after it belongs to it."""
        ...

    @property
    def continued_after_finish(self) -> bool:
        """Whether more followed what should have been the end."""
        ...

    def accepts(self, event_type: str, chunk: JSONObject) -> bool:
        """Whether an object in the stream is a chunk, or an error."""
        ...

    def add(self, chunk: Any) -> str:
        """Adds one chunk and returns the text that it adds to the answer.

        Raises:
            Malformed: it is not a chunk. The chunks added before remain.
        """
        ...

    def take_reasoning(self) -> str:
        """The reasoning, and lines such as `[search] web: …`, since the last call of this method."""
        ...

    def is_complete(self, *, done: bool) -> bool:
        """Whether the answer has ended.

        Args:
            done: Whether `[DONE]` was received.
        """
        ...

    def completion(self) -> JSONObject:
        """The `chat.completion` assembled from the chunks. Call it once, after the last chunk."""
        ...
