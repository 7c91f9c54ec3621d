"""The truncation of results over the size limit: long texts and lists are cut, everything else is unchanged."""

import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any

from mcp_grok.calls import Outcome
from mcp_grok.json_parser import JSONObject
from mcp_grok.json_writer import json_bytes
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.toolsets import GET
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.content_text import content_text

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

NOTE_ROOM = 300
"""Bytes reserved for the note at the end of what was cut."""

SHORT_NOTE = "[cut]"
"""Replaces a note that has no room."""

LEAST_ITEM = 500
LEAST_FIELD = len(f'"{SHORT_NOTE}"')
"""Bytes to which an item of a list, or a field of an object, may be cut. If so many are not there for each, the last
are left out."""

WHOLE = frozenset(
    ("id", "object", "created", "model", "usage", "role", "type", "index", "finish_reason", "name", "tool_call_id")
)
"""Fields that stay whole unless they need more than half of the room."""

ANSWER = frozenset(("choices", "message", "content"))
"""Fields that lead to the answer; they get the room that the others leave."""

ALL_OR_NOTHING = frozenset(("arguments", "input", "data", "b64_json"))
"""Fields that are shown whole or not at all. A part of encoded data is useless. A part of a tool call's arguments is
dangerous: a client that repairs JSON could run the tool with it."""

CUTTABLE = (str, list, dict)
"""The types that can be cut; numbers cannot."""

DATA_URI = re.compile(r"data:[^,\s]*;base64,")
"""The beginning of a data URI, which is shown without its data."""

DEEPEST = 30
"""Levels of nesting below which a list or object over its room is emptied."""

MOST_PLACES = 20
LONGEST_PATH = 200
"""Maximum number of cut places in `_meta`, and of the characters of each."""


def compact(value: Any) -> str:
    """A value as compact JSON that any client can read."""
    content = json_bytes(value)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return without_lone_surrogates(content.decode("utf-8", "surrogatepass"))


def body_of(outcome: Outcome) -> JSONObject:
    """The object that a result contains: the completion, or the error as `{"error": …}`."""
    return outcome.body if isinstance(outcome, Completion) else {"error": outcome.as_dict()}


def whole_json(outcome: Outcome) -> str:
    """The whole outcome as compact JSON."""
    return compact(body_of(outcome))


def uri_of(call_id: str) -> str:
    """The URI of the resource with the whole completion."""
    return f"grok://completions/{call_id}"


def text_of(body: JSONObject, choice: int) -> str:
    """The whole content of a choice; empty if it has none.

    Raises:
        IndexError: there is no such choice.
    """
    message = body["choices"][choice].get("message") or {}
    return without_lone_surrogates(content_text(message.get("content")))


def fits(text: str, limit: int) -> bool:
    """Whether a text has at most `limit` bytes; 0 means no limit."""
    return not limit or 4 * len(text) <= limit or len(text.encode()) <= limit


def fits_as_json(value: Any, limit: int) -> bool:
    """Whether the JSON of a value has at most `limit` bytes, without writing it; 0 means no limit."""
    return not limit or _size(value, limit + 1) <= limit


def prefix(text: str, room: int) -> str:
    """The longest prefix of a text that has at most `room` bytes as a JSON string."""
    end, step, left = 0, 2**20, room - len('""')
    while step:
        piece = text[end : end + step]
        size = _text_size(piece) - len('""')
        if piece and size <= left:
            end, left = end + len(piece), left - size
        else:
            step //= 2
    return text[:end]


def next_part(call_id: str, choice: int, offset: int) -> dict[str, Any]:
    """The arguments of `GET` for the part that begins at an offset."""
    return {"id": call_id, "offset": offset, **({"choice": choice} if choice else {})}


def cut(body: JSONObject, call_id: str, limit: int) -> tuple[JSONObject, JSONObject]:
    """A completion or an error, cut so that its JSON has at most `limit` bytes, and a summary of what is missing.

    The longest parts of each object and list are cut, to the same size. A text that was cut ends with a note; so does
    the last text in a list that was cut.

    Args:
        body: The completion or error, over the limit.
        call_id: The id of the call, for the notes.
        limit: Maximum bytes.
    """
    cutter = _Cutter(call_id)
    short = cutter.fit(body, limit, ())
    missing = dict(list(cutter.missing.items())[:MOST_PLACES])
    if len(cutter.missing) > MOST_PLACES:
        missing["…"] = f"{len(cutter.missing) - MOST_PLACES} more places"
    return short, {"whole": uri_of(call_id), "missing": missing}


class _Cutter:
    """The cutting of one body.

    Attributes:
        missing: How much is missing at each place that was cut.
    """

    def __init__(self, call_id: str) -> None:
        self.missing: dict[str, str] = {}
        self._call_id = call_id

    def fit(self, value: Any, room: int, place: Place) -> Any:
        """A text, list or object, cut to at most `room` bytes of JSON."""
        if _size(value, room + 1) <= room:
            return value
        if isinstance(value, str) or ALL_OR_NOTHING.intersection(place[-1:]):
            return self._fit_text(value if isinstance(value, str) else compact(value), room, place)
        if len(place) > DEEPEST:
            self._note(place, len(value), len(value), "parts")
            return type(value)()
        return self._fit_list(value, room, place) if isinstance(value, list) else self._fit_object(value, room, place)

    def _fit_text(self, text: str, room: int, place: Place) -> str:
        text = without_lone_surrogates(text)
        shown = prefix(_usable(text, place), room - NOTE_ROOM)
        note = self._note(place, len(text) - len(shown), len(text), "characters")
        return shown + note if room >= NOTE_ROOM else prefix(SHORT_NOTE, room)

    def _fit_list(self, items: list[Any], room: int, place: Place) -> list[Any]:
        kept = _first(enumerate(items), room - NOTE_ROOM, LEAST_ITEM)
        missing = len(items) - len(kept)
        if not missing:
            return list(self._fit_each(kept, room, place).values())
        fitted = list(self._fit_each(kept, room - NOTE_ROOM, place).values())
        note = self._note(place, missing, len(items), "items")
        return [*fitted[:-1], *(_with_note(item, note) for item in fitted[-1:])]

    def _fit_object(self, fields: JSONObject, room: int, place: Place) -> JSONObject:
        kept = _first(fields.items(), room, LEAST_FIELD)
        if len(kept) < len(fields):
            self._note(place, len(fields) - len(kept), len(fields), "fields")
        return self._fit_each(kept, room, place)

    def _fit_each(self, parts: dict[Any, Any], room: int, place: Place) -> dict[Any, Any]:
        """The parts of a list or object, the longest cut to the same size, so that all together fit."""
        left = room - len("[]") - sum(map(_head_size, parts))
        left -= sum(_size(part, left) for part in parts.values() if not isinstance(part, CUTTABLE))
        cuttable = {key: part for key, part in parts.items() if isinstance(part, CUTTABLE)}
        whole = sum(_size(part, left) for key, part in cuttable.items() if key in WHOLE)
        if whole <= left // 2:
            left -= whole
            cuttable = {key: part for key, part in cuttable.items() if key not in WHOLE}
        long, left = _longest(cuttable, left)
        fitted = dict(parts)
        for done, key in enumerate(sorted(long, key=ANSWER.__contains__)):
            fitted[key] = self.fit(parts[key], left // (len(long) - done), (*place, key))
            left -= _size(fitted[key], left)
        return fitted

    def _note(self, place: Place, missing: int, total: int, unit: str) -> str:
        """Records what is missing, and returns the note that says it."""
        what = f"{missing} of {total} {unit} are missing"
        self.missing[_path(place)] = what
        more = ""
        match place:
            case ("choices", int(choice), "message", "content") if unit == "characters":
                more = f" The next part: {GET} with {compact(next_part(self._call_id, choice, total - missing))}."
        return f"\n\n[Cut here: {what}. The whole: {uri_of(self._call_id)}.{more}]"


def _path(place: Place) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")
    return path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"


def _usable(text: str, place: Place) -> str:
    """The part of a text that may be shown without the rest."""
    if ALL_OR_NOTHING.intersection(place[-1:]):
        return ""
    data_uri = DATA_URI.match(text)
    return data_uri[0] if data_uri else text


def _first(parts: Iterable[tuple[Any, Any]], room: int, least: int) -> dict[Any, Any]:
    """The first parts of a list or object, as many as fit if each is cut to `least` bytes."""
    kept, used = {}, len("[]")
    for key, part in parts:
        size = _size(part, least)
        used += _head_size(key) + (min(size, least) if isinstance(part, CUTTABLE) else size)
        if used > room:
            break
        kept[key] = part
    return kept


def _with_note(value: Any, note: str) -> Any:
    """The value with a note at the end of its last long text; unchanged if it has no text."""
    if isinstance(value, str):
        return value + note
    if isinstance(value, list) and value:
        return [*value[:-1], _with_note(value[-1], note)]
    if isinstance(value, dict):
        lengths = {key: len(part) for key, part in value.items() if key not in WHOLE and isinstance(part, CUTTABLE)}
        if lengths:
            longest = max(lengths, key=lengths.__getitem__)
            return {**value, longest: _with_note(value[longest], note)}
    return value


def _longest(parts: dict[Any, Any], room: int) -> tuple[list[Any], int]:
    """The keys of the parts that must be cut, and the room that the others leave for them."""
    # Sizes are counted only as far as needed, so that the time depends on the room and not on the parts.
    enough = room // max(len(parts), 1) + 1
    while (share := _share([_size(part, enough) for part in parts.values()], room)) >= enough <= room:
        enough *= 4
    sizes = {key: _size(part, enough) for key, part in parts.items()}
    return [key for key in sizes if sizes[key] > share], room - sum(size for size in sizes.values() if size <= share)


def _share(sizes: list[int], room: int) -> int:
    """The maximum size of each part with which all together fit into the room."""
    remaining = room
    for index, size in enumerate(sorted(sizes)):
        share = remaining // (len(sizes) - index)
        if size > share:
            return share
        remaining -= size
    return max(sizes, default=0)


def _size(value: Any, enough: int) -> int:
    """The bytes of a value as JSON, or a number of at least `enough` if it has so many: the rest is not counted."""
    size, parts = 0, [value]
    while parts and size < enough:
        part = parts.pop()
        if isinstance(part, str):
            size += len(part) if len(part) >= enough else _text_size(part)
        elif isinstance(part, (list, dict)):
            # The brackets, the commas between the parts and the colons of an object.
            size += max(len(part) + 1, 2) + (len(part) if isinstance(part, dict) else 0)
            if size < enough:
                parts.extend((*part, *part.values()) if isinstance(part, dict) else part)
        else:
            size += len(json_bytes(part))
    return size


def _text_size(text: str) -> int:
    return len(without_lone_surrogates(encode_basestring(text)).encode())


def _head_size(key: str | int) -> int:
    """The bytes of a comma, and of a field's name and colon."""
    return 1 + (_text_size(key) + 1 if isinstance(key, str) else 0)
