"""The merging of a field's values in the deltas of a stream.

Text is concatenated, lists are extended, objects are merged; a value that names something is not a piece of text. For
anything else the last value that is not null is used. Thus unknown fields are preserved, too.
"""

from typing import Any

from mcp_grok.json_parser import JSONObject

TEXTS = frozenset(
    {
        *("content", "reasoning_content", "reasoning", "refusal"),
        *("arguments", "data", "input", "summary", "text", "thinking", "transcript"),
    }
)
"""Keys of texts: their pieces are always joined. The pieces of an unknown key count once if all are equal."""

SET_ONCE = frozenset({"id", "type", "name", "role", "index"})
"""Identifying keys; repeated values in later deltas are ignored."""

SET_LAST = frozenset({"channel", "format", "model", "provider", "status"})
"""Keys that name a property, often in every delta; the last value is used."""

NEAR = 16
"""Items at the end of a list among which the item that a new one continues is searched."""

MAX_FIELDS = 1000
"""Maximum number of fields that the deltas may add to one object."""


class Malformed(ValueError):
    """A chunk with the wrong structure."""


class Pieces(list[str]):
    """The pieces of a text, joined once at the end, so that the cost is linear."""


def merge(fields: JSONObject, key: str, new: Any) -> None:
    """Merges a value into a field.

    Raises:
        Malformed: there are too many fields.
    """
    old = fields.get(key)
    if old is None and len(fields) >= MAX_FIELDS:
        raise Malformed("an object has too many fields")
    if key in SET_ONCE:
        fields[key] = old or new
    elif key in SET_LAST and isinstance(new, str):
        fields[key] = new or old
    else:
        fields[key] = _merged(key, old, new)


def joined(value: Any, key: str = "") -> Any:
    """The merged value of a field, with its texts joined."""
    if isinstance(value, Pieces):
        return value[0] if key not in TEXTS and len(set(value)) == 1 else "".join(value)
    if isinstance(value, dict):
        return {name: joined(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [joined(item, key) for item in value]
    return value


def _merged(key: str, old: Any, new: Any) -> Any:
    if new is None or old is None:
        return old if new is None else Pieces([new]) if isinstance(new, str) else new
    if isinstance(old, Pieces) and isinstance(new, str):
        old.append(new)
        return old
    if isinstance(old, str) and isinstance(new, str):
        return Pieces([old, new])
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in new.items():
            merge(old, name, value)
        return old
    if key == "content":
        old, new = _parts(old), _parts(new)
    if isinstance(old, list) and isinstance(new, list) and not isinstance(old, Pieces):
        for item in new:
            _add_item(old, item)
        return old
    # Of two types, an empty value is not worth the other one.
    return new or old


def _parts(content: Any) -> Any:
    """A content as a list of parts: some models send parts first, then text."""
    if isinstance(content, Pieces | str):
        text = "".join(content)
        return [{"type": "text", "text": text}] if text else []
    return [content] if isinstance(content, dict) else content


def _add_item(items: list[Any], item: Any) -> None:
    if isinstance(item, str) or (isinstance(item, dict) and not item.keys().isdisjoint(("index", "type"))):
        for place in range(len(items) - 1, max(-1, len(items) - 1 - NEAR), -1):
            if _is_repeated(items[place], item):
                return
            is_last = place == len(items) - 1
            if _is_same_index(items[place], item) or (is_last and _is_continued(items[place], item)):
                items[place] = _merged("", items[place], item)
                return
    items.append(item)


def _is_repeated(old: Any, new: Any) -> bool:
    """Whether a list, such as citations, is sent again; equal items with text, or without a type, are pieces."""
    if isinstance(new, dict):
        return "type" in new and not TEXTS & new.keys() and bool(old == new)
    return isinstance(new, str) and old == new


def _is_same_index(old: Any, new: Any) -> bool:
    if not (isinstance(old, dict) and isinstance(new, dict)) or not isinstance(new.get("index"), int):
        return False
    same = (not old.get(key) or not new.get(key) or old[key] == new[key] for key in ("type", "id"))
    return old.get("index") == new["index"] and all(same)


def _is_continued(old: Any, new: Any) -> bool:
    """Whether an item is the next piece of a part with the same properties."""
    if not (isinstance(old, dict) and isinstance(new, dict)) or "type" not in new or not TEXTS & new.keys():
        return False
    return all(key in TEXTS or old.get(key) == value for key, value in new.items())
