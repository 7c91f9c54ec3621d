"""The assembly of a stream's chunks into one `chat.completion`, with nothing lost.

Text is concatenated, lists are extended, objects are merged; identifying fields are set once; for anything else the
last value that is not null is used. Thus unknown fields are preserved, too.
"""

import json
from typing import Any

JSONObject = dict[str, Any]

SET_ONCE = frozenset({"id", "type", "name", "role", "index"})
"""Identifying keys in a message; repeated values in later deltas are ignored."""

FIRST_WINS = frozenset({"id", "created", "model"})
"""Keys of a chunk that identify the completion; the first value is used."""


class Malformed(ValueError):
    """A chunk with the wrong structure."""


class _Pieces(list[str]):
    """The pieces of a text, joined once at the end, so that the cost is linear."""


class Assembler:
    """Collects the chunks of one stream.

    Args:
        expected: The number of requested choices (`n`).
    """

    def __init__(self, expected: int = 1) -> None:
        self._expected = expected
        self._head: JSONObject = {}
        self._usage: Any = None
        self._choices: dict[int, _Choice] = {}

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
        return "".join([self._add_choice(choice) for choice in choices])

    def _add_choice(self, part: Any) -> str:
        if not isinstance(part, dict):
            raise Malformed("a choice is not an object")
        index = part.get("index") or 0
        if not isinstance(index, int):
            raise Malformed("a choice's index is not a number")
        choice = self._choices.get(index)
        if choice is None:
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
    def missing_choices(self) -> int:
        """The number of expected choices that have not begun."""
        return max(0, self._expected - len(self._choices))

    def is_complete(self, *, done: bool) -> bool:
        """Whether every expected choice has ended.

        Args:
            done: Whether `[DONE]` was received. Only then is an empty finish reason (seen with tool calls) accepted,
                and only then may choices be missing.
        """
        if not self._choices or (self.missing_choices and not done):
            return False
        return all(choice.finish or (done and choice.finish == "") for choice in self._choices.values())

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
        self._message: JSONObject = {}
        self._tool_calls = _ToolCalls()
        self._fields: JSONObject = {}
        self._new_reasoning = ""

    def take_reasoning(self) -> str:
        taken, self._new_reasoning = self._new_reasoning, ""
        return taken

    @property
    def content(self) -> str:
        content = _joined(self._message.get("content"))
        return content if isinstance(content, str) else ""

    def add(self, part: JSONObject) -> str:
        text = ""
        for key, value in part.items():
            if key == "delta":
                text += self._add_delta(value)
            elif key == "message":
                text += self._replace(value) if isinstance(value, dict) and value else ""
            elif key == "finish_reason":
                self._finish(value)
            elif key == "logprobs":
                self._fields[key] = _merged(self._fields.get(key), value)
            elif key != "index" and (value is not None or key not in self._fields):
                self._fields[key] = value
        return text

    def _replace(self, message: JSONObject) -> str:
        """Replaces the message so far by a complete one; returns the new part of its content."""
        before = self.content
        self._message, self._tool_calls = {}, _ToolCalls()
        content = self._add_delta(message)
        return content.removeprefix(before) if content.startswith(before) else ""

    def _finish(self, reason: Any) -> None:
        if reason is not None and not isinstance(reason, str):
            raise Malformed("a finish_reason is not a string")
        self.finish = reason or self.finish or reason

    def _add_delta(self, delta: Any) -> str:
        if delta is None:
            return ""
        if not isinstance(delta, dict):
            raise Malformed("a delta is not an object")
        for key, value in delta.items():
            if key == "tool_calls":
                self._tool_calls.add(value)
            elif key in SET_ONCE:
                self._message[key] = self._message.get(key) or value
            else:
                self._message[key] = _merged(self._message.get(key), value)
        if isinstance(reasoning := delta.get("reasoning_content") or delta.get("reasoning"), str):
            self._new_reasoning += reasoning
        content = delta.get("content")
        return content if isinstance(content, str) else ""

    def finished(self, index: int) -> JSONObject:
        fields = {key: _joined(value) for key, value in self._message.items()}
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
        others = {key: _joined(value) for key, value in self._fields.items()}
        return {"index": index, "message": message, **others, "finish_reason": self.finish}


class _ToolCalls:
    """The tool calls of a message, in the order in which they began.

    A delta belongs to the call with its index; the same index with another id is a new call. Without an index, a new
    id begins a call, and a delta without an id continues the last one.
    """

    def __init__(self) -> None:
        self._calls: list[JSONObject] = []
        self._by_index: dict[int, JSONObject] = {}
        self._by_id: dict[str, JSONObject] = {}

    def add(self, deltas: Any) -> None:
        if deltas is None:
            return
        if not isinstance(deltas, list) or not all(isinstance(delta, dict) for delta in deltas):
            raise Malformed("tool_calls are not a list of objects")
        for delta in deltas:
            call = self._call_of(delta)
            for key, value in _with_text_arguments(delta).items():
                if key != "index":
                    call[key] = (call.get(key) or value) if key in SET_ONCE else _merged(call.get(key), value)
            if isinstance(call.get("id"), str):
                self._by_id.setdefault(call["id"], call)

    def _call_of(self, delta: JSONObject) -> JSONObject:
        index, call_id = delta.get("index"), delta.get("id")
        if isinstance(index, int):
            call = self._by_index.get(index)
            another_id = call_id and call is not None and call.get("id") and call["id"] != call_id
            if call is None or another_id or (not call_id and _begins_another(delta, call)):
                call = self._by_index[index] = self._open()
            return call
        if isinstance(call_id, str) and call_id:
            return self._by_id.get(call_id) or self._open()
        last = self._calls[-1] if self._calls else None
        return self._open() if last is None or _begins_another(delta, last) else last

    def _open(self) -> JSONObject:
        self._calls.append({})
        return self._calls[-1]

    def finished(self) -> list[JSONObject]:
        return [_joined(call) for call in self._calls]


def _begins_another(delta: JSONObject, call: JSONObject) -> bool:
    """Whether a delta without an id names a function although the call already has a name and arguments."""
    new, old = _function(delta), _function(call)
    return bool(new.get("name") and old.get("name") and old.get("arguments"))


def _function(call: JSONObject) -> JSONObject:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def _with_text_arguments(delta: JSONObject) -> JSONObject:
    function = delta.get("function")
    if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
        # The format requires JSON text, but a few servers send an object.
        text = json.dumps(function["arguments"], ensure_ascii=False, separators=(",", ":"))
        return {**delta, "function": {**function, "arguments": text}}
    return delta


def _merged(old: Any, new: Any) -> Any:
    if new is None or old is None:
        return old if new is None else _Pieces([new]) if isinstance(new, str) else new
    if isinstance(old, _Pieces | str) and isinstance(new, str):
        pieces = old if isinstance(old, _Pieces) else _Pieces([old])
        pieces.append(new)
        return pieces
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            old[key] = (old.get(key) or value) if key in SET_ONCE else _merged(old.get(key), value)
        return old
    if isinstance(old, list) and isinstance(new, list) and not isinstance(old, _Pieces):
        old.extend(new)
        return old
    if isinstance(old, list | dict | str) or isinstance(new, list | dict | str):
        raise Malformed("a field changes its type between chunks")
    return new


def _joined(value: Any) -> Any:
    if isinstance(value, _Pieces):
        return "".join(value)
    if isinstance(value, dict):
        return {key: _joined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_joined(item) for item in value]
    return value
