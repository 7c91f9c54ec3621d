"""The assembly of tool calls from the deltas of a stream.

A delta belongs to the call with its id, else with its index; without both, to the last one. Many servers identify
deltas badly, so a delta also begins another call if it names another function than a call that has arguments, and
continues a call if it has arguments but names none, whatever its id.
"""

import json
from itertools import groupby, pairwise
from typing import Any

from mcp_grok.json_parser import JSONObject, parse_json
from mcp_grok.upstream.merge import Malformed, joined, merge

MAX_CALLS = 1000
"""Maximum number of tool calls in a message."""


class ToolCallDeltas:
    """Collects the deltas of a message's tool calls. The calls stay in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def add(self, deltas: Any) -> None:
        """Adds the `tool_calls` of a delta.

        Raises:
            Malformed: they are not a list of objects.
        """
        deltas = [deltas] if isinstance(deltas, dict) else deltas or []
        if not isinstance(deltas, list) or not all(isinstance(delta, dict) for delta in deltas):
            raise Malformed("tool_calls are not a list of objects")
        for delta in deltas:
            call = self._call_of(delta)
            call.add(delta)
            if (index := index_of(delta)) is not None:
                self._by_index[index] = call
            if isinstance(call_id := delta.get("id"), str) and call_id:
                self._by_id.setdefault(call_id, call)

    def _call_of(self, delta: JSONObject) -> "_Call":
        index, call_id = index_of(delta), delta.get("id")
        known = self._by_id.get(call_id) if isinstance(call_id, str) and call_id else None
        last = self._calls[-1] if self._calls else None
        call = known or (last if index is None else self._by_index.get(index))
        if call is None or call.is_followed_by(delta):
            if len(self._calls) >= MAX_CALLS:
                raise Malformed("there are too many tool calls")
            call = _Call()
            self._calls.append(call)
        return call

    def __bool__(self) -> bool:
        """Whether there are calls."""
        return bool(self._calls)

    @property
    def are_whole(self) -> bool:
        """Whether each call has a name, and either no arguments or arguments that are JSON."""
        return all(call.is_whole for call in self._calls)

    def finished(self) -> list[JSONObject]:
        """The calls."""
        return [finished for call in self._calls for finished in call.finished()]


class _Call:
    """One call, or several of the same function whose deltas cannot be told apart before the end."""

    def __init__(self) -> None:
        self._name = ""
        self._arguments: list[list[str]] = [[]]
        self._function: JSONObject = {}
        self._fields: JSONObject = {}

    def add(self, delta: JSONObject) -> None:
        for key, value in delta.items():
            if key == "function" and isinstance(value, dict):
                self._fields[key] = self._function
                self._add_function(value)
            elif key != "index":
                merge(self._fields, key, value)

    def _add_function(self, function: JSONObject) -> None:
        name = function.get("name")
        if isinstance(name, str) and name:
            self._add_name(name)
        for key, value in function.items():
            if key == "arguments" and value not in (None, ""):
                self._arguments[-1].append(_json_text(value))
            if key in ("name", "arguments"):
                self._function.setdefault(key, "")
            else:
                merge(self._function, key, value)

    def _add_name(self, name: str) -> None:
        if not any(self._arguments):
            # Before the arguments a name may come in pieces, or whole in every delta.
            self._name += "" if name == self._name else name
        elif not self._name:
            self._name = name
        else:
            self._arguments.append([])

    def is_followed_by(self, delta: JSONObject) -> bool:
        """Whether a delta with this call's id or index, or with no index, begins another call."""
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        own_id, other_id, name = self._fields.get("id"), delta.get("id"), function.get("name")
        if other_id and other_id != own_id and (own_id or index_of(delta) is None):
            return bool(name) or not function.get("arguments")
        return bool(name and self._name and name != self._name and any(self._arguments))

    @property
    def is_whole(self) -> bool:
        return bool(self._name) and all(not text or _is_json(text) for text in _texts(self._arguments))

    def finished(self) -> list[JSONObject]:
        return [self._finished(text) for text in _texts(self._arguments)]

    def _finished(self, arguments: str) -> JSONObject:
        fields: JSONObject = joined(self._fields)
        if "function" in fields:
            own = {"name": self._name, "arguments": arguments}
            fields["function"] = {key: own.get(key, value) for key, value in fields["function"].items()}
        return fields


def index_of(fields: JSONObject) -> int | None:
    """The `index` of a choice or a tool call, which some servers send as text; None if it has none."""
    index = fields.get("index")
    if isinstance(index, str) and index.isdecimal():
        return int(index)
    return index if isinstance(index, int) else None


def _texts(segments: list[list[str]]) -> list[str]:
    """The arguments of each call, given their pieces. A new segment begins where the function is named again.

    Some servers send the whole arguments again at the end, or everything so far in each delta.
    """
    pieces = [piece for segment in segments for piece in segment]
    whole = "".join(pieces)
    if len(pieces) < 2 or _is_json(whole):
        return [whole]
    last = pieces[-1]
    is_cumulative = all(new.startswith(old) for old, new in pairwise(pieces))
    if (is_cumulative or last == "".join(pieces[:-1])) and _is_json(last):
        return [last]
    texts = [text for text, _ in groupby("".join(segment) for segment in segments if segment)]
    return texts if all(map(_is_json, texts)) else [whole]


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except ValueError:
        return False
    return True


def _json_text(arguments: Any) -> str:
    """Arguments as the JSON text that the format requires; a few servers send an object."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
