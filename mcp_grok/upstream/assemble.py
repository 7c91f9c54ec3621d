"""The assembly of a stream's chunks into one `chat.completion`, with nothing lost."""

from typing import Any

from mcp_grok.json_parser import JSONObject
from mcp_grok.limits import MAX_ANSWER_ITEMS, MAX_CHOICES
from mcp_grok.upstream.content_text import content_text
from mcp_grok.upstream.merge import MAX_FIELDS, SET_ONCE, Malformed, joined, merge
from mcp_grok.upstream.tool_call_deltas import ToolCallDeltas, index_of

FIRST_WINS = frozenset({"id", "created", "model"})
"""Keys of a chunk that identify the completion; the first value is used."""

NO_ADDITION = SET_ONCE | {"annotations"}
"""Keys of a delta that do not continue an answer; sources may follow its end."""


CHUNK_TYPES = ("", "message")
"""Types of events that contain chunks. Others, such as `ping`, contain one only with choices, usage or an error."""

PINGS = ("ping", "heartbeat", "keepalive", "keep-alive", "keep_alive")
"""Values of `type` in objects that only keep a connection open."""


class Assembler:
    """Collects the chunks of one stream.

    Args:
        expected: The number of requested choices (`n`).
    """

    max_items = MAX_ANSWER_ITEMS
    is_closed = False

    def __init__(self, expected: int = 1) -> None:
        self._expected = expected
        self._head: JSONObject = {}
        self._usage: Any = None
        self._choices: dict[int, _Choice] = {}

    def accepts(self, event_type: str, chunk: JSONObject) -> bool:
        """Whether an object in the stream is a chunk, or an error."""
        is_other = event_type not in CHUNK_TYPES or chunk.get("type") in PINGS
        return not is_other or not chunk.keys().isdisjoint(("choices", "usage", "error"))

    def add(self, chunk: Any) -> str:
        """Adds one chunk and returns the text that it adds to the first choice's content.

        Raises:
            Malformed: it is not a chunk. The chunks added before remain.
        """
        if not isinstance(chunk, dict):
            raise Malformed("a chunk is not an object")
        choices = chunk.get("choices")
        choices = [] if choices is None else choices
        if not isinstance(choices, list):
            raise Malformed("a chunk's choices are not a list")
        for key, value in chunk.items():
            if key == "usage":
                self._usage = self._usage if value is None else value
            elif key == "choices" or (key in FIRST_WINS and self._head.get(key)):
                continue
            elif value is not None or key not in self._head:
                self._head[key] = value
        if len(self._head) > MAX_FIELDS:
            raise Malformed("a completion has too many fields")
        return "".join([self._add_choice(choice) for choice in choices])

    def _add_choice(self, part: Any) -> str:
        if not isinstance(part, dict):
            raise Malformed("a choice is not an object")
        index = index_of(part) if part.get("index") else 0
        if index is None:
            raise Malformed("a choice's index is not a number")
        choice = self._choices.get(index)
        if choice is None:
            if len(self._choices) >= MAX_CHOICES:
                raise Malformed("there are too many choices")
            choice = self._choices[index] = _Choice()
        text = choice.add(part)
        return text if index == 0 else ""

    def take_reasoning(self) -> str:
        """The reasoning of the first choice since the last call of this method."""
        first = self._choices.get(0)
        return first.take_reasoning() if first else ""

    @property
    def text(self) -> str:
        """The content so far, with a blank line between choices."""
        texts = [self._choices[index].content for index in sorted(self._choices)]
        return "\n\n".join(text for text in texts if text)

    @property
    def has_begun(self) -> bool:
        """Whether any part of the answer was received."""
        return bool(self._head or self._choices or self._usage)

    def is_complete(self, *, done: bool) -> bool:
        """Whether every expected choice has a finish reason that nothing has followed.

        Args:
            done: Whether `[DONE]` was received. Only then is an empty finish reason (seen with tool calls) accepted,
                and only then may choices be missing.
        """
        if not self._choices or (len(self._choices) < self._expected and not done):
            return False
        # After each piece of a stream: a generator would take twice the time.
        for choice in self._choices.values():  # noqa: SIM110
            if not choice.finish and not (done and choice.finish == ""):
                return False
        return True

    @property
    def has_unfinished_answer(self) -> bool:
        """Whether no choice has finished, although each has text or whole tool calls. True without any choice."""
        return all(not choice.finish and choice.has_answer for choice in self._choices.values())

    @property
    def continued_after_finish(self) -> bool:
        """Whether text or a tool call followed a finish reason, which therefore did not mean the end."""
        return any(choice.continued_after_finish for choice in self._choices.values())

    def completion(self) -> JSONObject:
        """The `chat.completion` assembled from the chunks. Call it once, after the last chunk."""
        choices = [self._choices[index].finished(index) for index in sorted(self._choices)]
        head = {key: value for key, value in self._head.items() if key != "object"}
        identity = {"id": head.pop("id")} if "id" in head else {}
        completion = {**identity, "object": "chat.completion", **head, "choices": choices}
        if self._usage is not None:
            completion["usage"] = self._usage
        return completion


class _Choice:
    def __init__(self) -> None:
        self.finish: str | None = None
        self.continued_after_finish = False
        self._stated_finish: str | None = None
        self._has_deltas = False
        self._message: JSONObject = {}
        self._tool_calls = ToolCallDeltas()
        self._fields: JSONObject = {}
        self._new_reasoning = ""

    def take_reasoning(self) -> str:
        taken, self._new_reasoning = self._new_reasoning, ""
        return taken

    @property
    def content(self) -> str:
        return content_text(joined(self._message.get("content"), "content"))

    @property
    def has_answer(self) -> bool:
        if self._tool_calls:
            return self._tool_calls.are_whole
        return bool(self.content or joined(self._message.get("refusal")))

    def add(self, part: JSONObject) -> str:
        delta, message = part.get("delta"), part.get("message")
        if delta is not None and not isinstance(delta, dict):
            raise Malformed("a delta is not an object")
        if delta and _adds(delta):
            self._has_deltas = True
            self._continue()
            text = self._add_delta(delta)
        else:
            self._add_delta(delta or {})
            text = self._add_message(message) if isinstance(message, dict) and _adds(message) else ""
        for key, value in part.items():
            if key == "finish_reason":
                self._finish(value)
            elif key not in ("index", "delta", "message"):
                self._add_field(key, value)
        return text

    def _add_field(self, key: str, value: Any) -> None:
        if key == "logprobs":
            self._add_logprobs(value)
        elif value is not None or key not in self._fields:
            self._fields[key] = value
            if len(self._fields) > MAX_FIELDS:
                raise Malformed("a choice has too many fields")

    def _add_logprobs(self, logprobs: Any) -> None:
        """Extends the lists of log probabilities: unlike other lists, equal items are not repetitions."""
        old = self._fields.get("logprobs")
        if not isinstance(old, dict) or not isinstance(logprobs, dict):
            self._fields["logprobs"] = logprobs or old
            return
        for key, new in logprobs.items():
            if isinstance(old.get(key), list) and isinstance(new, list):
                old[key].extend(new)
            elif new is not None:
                old[key] = new

    def _add_message(self, message: JSONObject) -> str:
        """Adds a message: all so far, or the next piece where a stream has messages instead of deltas."""
        before, content = self.content, content_text(message.get("content"))
        if not content.startswith(before) and not self._has_deltas:
            self._continue()
            return self._add_delta(message)
        for key, value in message.items():
            if key == "tool_calls" and value:
                self._tool_calls = ToolCallDeltas()
            elif value:
                self._message.pop(key, None)
        self._add_delta(message)
        added = content.removeprefix(before) if content.startswith(before) else ""
        if added:
            self._continue()
        return added

    def _continue(self) -> None:
        """Takes back an earlier finish reason: some servers set one on every chunk."""
        if self.finish:
            self._stated_finish, self.finish = self.finish, None
            self.continued_after_finish = True

    def _finish(self, reason: Any) -> None:
        if reason is not None and not isinstance(reason, str):
            raise Malformed("a finish_reason is not a string")
        self.finish = reason or self.finish or reason

    def _add_delta(self, delta: JSONObject) -> str:
        for key, value in delta.items():
            if key == "tool_calls":
                self._tool_calls.add(value)
            else:
                merge(self._message, key, value)
        if isinstance(reasoning := delta.get("reasoning_content") or delta.get("reasoning"), str):
            self._new_reasoning += reasoning
        return content_text(delta.get("content"))

    def finished(self, index: int) -> JSONObject:
        fields: JSONObject = joined(self._message)
        calls = self._tool_calls.finished()
        silent = None if calls or len(fields.keys() - {"role", "content"}) else ""
        content = fields.pop("content", None)
        message = {
            "role": fields.pop("role", None) or "assistant",
            "content": silent if content is None else content,
            **fields,
        }
        if calls:
            message["tool_calls"] = calls
        finish = self._stated_finish if self.finish is None else self.finish
        return {"index": index, "message": message, **self._fields, "finish_reason": finish}


def _adds(delta: JSONObject) -> bool:
    """Whether a delta or a message contains a piece of the answer."""
    # In each chunk: a generator would take twice the time.
    for key, value in delta.items():  # noqa: SIM110
        if value and key not in NO_ADDITION:
            return True
    return False
