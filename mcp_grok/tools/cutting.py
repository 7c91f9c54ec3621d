"""The truncation of results over the size limit: long texts are cut, everything else is unchanged."""

import json
from typing import Any

from mcp_grok.errors import BadUpstreamResponse
from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.upstream.completion import Completion

JSONObject = dict[str, Any]

GET = "grok_get_completion"
"""The name of the tool that returns the rest of a result that was cut."""

TEXTS = ("reasoning_content", "content")
"""The texts of a message that may be cut."""

NOTE_ROOM = 400
"""Bytes reserved for the note at the end of a text that was cut."""


def compact(value: Any) -> str:
    """A value as compact JSON that any client can read.

    Raises:
        RecursionError: the value is nested too deeply.
    """
    return without_lone_surrogates(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def completion_json(completion: Completion) -> str:
    """The whole completion as compact JSON.

    Raises:
        BadUpstreamResponse: it cannot be written as JSON.
    """
    try:
        return compact(completion.body)
    except RecursionError:
        raise BadUpstreamResponse("The answer is nested too deeply to be passed on; the call may be billed.") from None


def uri_of(call_id: str) -> str:
    """The URI of the resource with the whole completion."""
    return f"grok://completions/{call_id}"


def text_of(body: JSONObject, choice: int) -> str:
    """The whole content of a choice; empty if it has none.

    Raises:
        IndexError: there is no such choice.
    """
    return _text(body["choices"][choice].get("message"), "content")


def fits(text: str, limit: int) -> bool:
    """Whether a text has at most `limit` bytes; 0 means no limit."""
    return not limit or 4 * len(text) <= limit or len(text.encode()) <= limit


def prefix(text: str, room: int) -> str:
    """The longest prefix of a text that has at most `room` bytes as a JSON string."""
    low, high = 0, min(len(text), max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle]) <= room else (low, middle - 1)
    return text[:low]


def cut(body: JSONObject, call_id: str, limit: int) -> JSONObject:
    """A completion with its longest texts cut so that its JSON has at most `limit` bytes.

    If the rest alone exceeds the limit, as with very long arguments of tool calls, nothing is cut, because that would
    not help.

    Args:
        body: The completion, over the limit.
        call_id: The id of the call, for the note at the end of each text that is cut.
        limit: Maximum bytes.
    """
    texts = {
        (position, key): _text(choice.get("message"), key)
        for position, choice in enumerate(body["choices"])
        for key in TEXTS
        if _text(choice.get("message"), key)
    }
    sizes = [_size(text) for text in texts.values()]
    room = limit - (len(compact(body).encode()) - sum(sizes))
    if room < NOTE_ROOM * len(sizes):
        return body
    share = _share(sizes, room)
    choices = [{**choice, "message": choice.get("message") and {**choice["message"]}} for choice in body["choices"]]
    for (position, key), text in texts.items():
        if _size(text) > share:
            shown = prefix(text, share - NOTE_ROOM)
            choices[position]["message"][key] = shown + _note(call_id, position, key, len(shown), len(text))
    return {**body, "choices": choices}


def cut_error(details: JSONObject, call_id: str, limit: int) -> JSONObject:
    """An error whose `partial` is cut so that its JSON has at most `limit` bytes."""
    partial = details["partial"]
    room = limit - _size({**details, "partial": ""}) - NOTE_ROOM
    shown = prefix(partial, room)
    return {**details, "partial": shown + _note(call_id, 0, "partial", len(shown), len(partial))}


def next_part(call_id: str, choice: int, offset: int) -> dict[str, Any]:
    """The arguments of `GET` for the part that begins at an offset."""
    return {"id": call_id, "offset": offset, **({"choice": choice} if choice else {})}


def _note(call_id: str, choice: int, key: str, offset: int, total: int) -> str:
    more = f" The next part: {GET} with {compact(next_part(call_id, choice, offset))}." if key == "content" else ""
    return f"\n\n[Cut here: {total - offset} of {total} characters are missing. The whole: {uri_of(call_id)}.{more}]"


def _share(sizes: list[int], room: int) -> int:
    """The maximum size of each text with which all together fit into the room."""
    remaining = room
    for index, size in enumerate(sorted(sizes)):
        share = remaining // (len(sizes) - index)
        if size > share:
            return share
        remaining -= size
    return max(sizes, default=0)


def _text(message: JSONObject | None, key: str) -> str:
    text = message and message.get(key)
    return without_lone_surrogates(text) if isinstance(text, str) else ""


def _size(value: Any) -> int:
    return len(compact(value).encode())
