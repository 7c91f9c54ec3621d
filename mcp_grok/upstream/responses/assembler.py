"""The assembly of a Responses API's stream into one response, with nothing lost."""

from typing import Any

from mcp_grok.json_parser import JSONObject
from mcp_grok.limits import MAX_RESPONSE_ITEMS
from mcp_grok.upstream.merge import MAX_FIELDS, Malformed
from mcp_grok.upstream.responses.chat_form import BETWEEN_MESSAGES, ChatForm
from mcp_grok.upstream.responses.searches import progress_line, search_of

PREFIX = "response."
CLOSING = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
"""The events that end a stream; each holds the whole response."""

TEXT = "response.output_text.delta"
ITEM_DONE = "response.output_item.done"
REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")

MAX_ITEMS = 10_000
"""Maximum items of a response."""


class ResponseAssembler:
    """Collects the events of one stream; it has the methods of `Assembler`.

    The closing event's response is used, since it is whole. Without its items, those that came before it are.

    Args:
        form: The translation of the response.
    """

    max_items = MAX_RESPONSE_ITEMS
    has_unfinished_answer = False
    continued_after_finish = False

    def __init__(self, form: ChatForm) -> None:
        self._form = form
        self._response: JSONObject = {}
        self._items: dict[int, JSONObject] = {}
        self._texts: dict[tuple[int, int], list[str]] = {}
        self._told: set[int] = set()
        self._reasoning = ""
        self.is_closed = False

    def accepts(self, event_type: str, chunk: JSONObject) -> bool:
        """Whether an object in the stream is an event of the response, or an error."""
        kind = chunk.get("type")
        return (isinstance(kind, str) and kind.startswith((PREFIX, "error"))) or "error" in chunk

    def add(self, chunk: Any) -> str:
        """Adds one event and returns the text that it adds to the answer.

        Raises:
            Malformed: it is not an event. The events added before remain.
        """
        kind = chunk.get("type")
        if isinstance(response := chunk.get("response"), dict):
            self._response |= response
            if len(self._response) > MAX_FIELDS:
                raise Malformed("a response has too many fields")
        if isinstance(item := chunk.get("item"), dict):
            self._add_item(_index(chunk, "output_index"), item, is_done=kind == ITEM_DONE)
        if kind in CLOSING:
            self.is_closed = True
        elif kind == TEXT and isinstance(chunk.get("delta"), str):
            return self._add_text((_index(chunk, "output_index"), _index(chunk, "content_index")), chunk["delta"])
        elif kind in REASONING and isinstance(chunk.get("delta"), str):
            self._reasoning += chunk["delta"]
        return ""

    def _add_item(self, index: int, item: JSONObject, *, is_done: bool) -> None:
        if len(self._items) >= MAX_ITEMS and index not in self._items:
            raise Malformed("a response has too many items")
        self._items[index] = item
        search = search_of(item)
        if search is not None and index not in self._told and (is_done or "query" in search or "url" in search):
            self._told.add(index)
            self._reasoning += f"\n{progress_line(search)}\n"

    def _add_text(self, place: tuple[int, int], text: str) -> str:
        is_next = bool(self._texts) and place[0] != next(reversed(self._texts))[0]
        if len(self._texts) >= MAX_FIELDS and place not in self._texts:
            raise Malformed("a response has too many texts")
        self._texts.setdefault(place, []).append(text)
        return BETWEEN_MESSAGES + text if is_next else text

    def take_reasoning(self) -> str:
        """The reasoning, and a line for each search, since the last call of this method."""
        taken, self._reasoning = self._reasoning, ""
        return taken

    @property
    def text(self) -> str:
        """The content so far."""
        texts: dict[int, list[str]] = {}
        for (item, _), pieces in self._texts.items():
            texts.setdefault(item, []).extend(pieces)
        return BETWEEN_MESSAGES.join(text for pieces in texts.values() if (text := "".join(pieces)))

    @property
    def has_begun(self) -> bool:
        """Whether any part of the answer was received."""
        return bool(self._response or self._items)

    def is_complete(self, *, done: bool) -> bool:
        """Whether the closing event was received; `[DONE]` alone closes nothing."""
        return self.is_closed

    def completion(self) -> JSONObject:
        """The `chat.completion` for the response."""
        output = self._response.get("output")
        if not isinstance(output, list) or not output:
            output = [self._items[index] for index in sorted(self._items)]
        return self._form.completion({**self._response, "output": output})


def _index(chunk: JSONObject, name: str) -> int:
    index = chunk.get(name)
    return index if isinstance(index, int) else 0
