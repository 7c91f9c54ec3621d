"""Adding and removing one member of an object in a JSON file, without changing any other byte.

The files may have comments, trailing commas and manual layout, so they are not parsed and written again. For
reading, comments and trailing commas are replaced by spaces; the change is then inserted into the original text.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

STRING = r'"(?:\\.|[^"\\])*"'
COMMENT = re.compile(rf"({STRING})|//[^\n]*|/\*.*?\*/", re.DOTALL)
TRAILING_COMMA = re.compile(rf"({STRING})|,(?=\s*[}}\]])", re.DOTALL)

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Member:
    """The positions of a member: its key, its value, its end, and the comma after it, if any."""

    key: str
    start: int
    value: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True)
class _Object:
    """The positions of an object: its braces and its members."""

    start: int
    members: list[_Member]
    close: int

    def get(self, key: str) -> _Member | None:
        return next((member for member in self.members if member.key == key), None)


def read(text: str) -> dict[str, Any]:
    """The object in a JSON text with comments and trailing commas; an empty text is an empty object.

    Raises:
        ValueError: the text is not a JSON object; the message contains the position of a syntax error.
    """
    if not text.strip(BYTE_ORDER_MARK).strip():
        return {}
    value = json.loads(_blanked(COMMENT, TRAILING_COMMA, text=text))
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def put(text: str, table: str, name: str, value: Any) -> str:
    """The text with the member `name` in the object `table` of the root; either is created if it is missing.

    Raises:
        ValueError: the text is not a JSON object, or `table` is not an object.
    """
    if not read(text):
        text = text if "{" in text else "{}\n"
    root = _object_at(text, 0)
    found = root.get(table)
    if found is None:
        return _inserted(text, root, table, {name: value})
    if not isinstance(read(text)[table], dict):
        raise ValueError(f"{table} is not an object")
    servers = _object_at(text, found.value)
    member = servers.get(name)
    if member is None:
        return _inserted(text, servers, name, value)
    if read(text)[table][name] == value:
        return text
    return text[: member.value] + _rendered(text, value, _indent(text, member.start)) + text[member.end :]


def remove(text: str, table: str, name: str) -> str:
    """The text without that member; the same text if there is none.

    Raises:
        ValueError: the text is not a JSON object.
    """
    if not isinstance(read(text).get(table), dict):
        return text
    found = _object_at(text, 0).get(table)
    servers = _object_at(text, found.value if found else 0)
    member = servers.get(name)
    return text if member is None else _cut(text, servers, servers.members.index(member))


def _blanked(*patterns: re.Pattern[str], text: str) -> str:
    """The text with all matches of the patterns replaced by spaces, so that positions do not change."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[1] else re.sub(r"\S", " ", match[0])

    text = text.replace(BYTE_ORDER_MARK, " ", 1)
    for pattern in patterns:
        text = pattern.sub(blank, text)
    return text


def _object_at(text: str, position: int) -> _Object:
    plain = _blanked(COMMENT, text=text)
    strict = _blanked(TRAILING_COMMA, text=plain)
    decoder = json.JSONDecoder()

    def skip(position: int) -> int:
        return len(plain) - len(plain[position:].lstrip())

    start = skip(position)
    members: list[_Member] = []
    position = skip(start + 1)
    while plain[position] != "}":
        key, after_key = decoder.raw_decode(strict, position)
        value = skip(skip(after_key) + 1)
        _, end = decoder.raw_decode(strict, value)
        comma = skip(end) if plain[skip(end)] == "," else None
        members.append(_Member(key, position, value, end, comma))
        position = skip(end if comma is None else comma + 1)
    return _Object(start, members, position)


def _inserted(text: str, target: _Object, name: str, value: Any) -> str:
    """The text with a new member at the end of an object, below the comments there."""
    newline, outer = _newline(text), _indent(text, target.start)
    inside = text[target.start + 1 : target.close]
    if target.members and newline not in inside:
        end = target.members[-1].end
        return f"{text[:end]}, {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}{text[end:]}"
    indent = _indent(text, target.members[-1].start) if target.members else outer + _unit(text)
    added = f"{newline}{indent}{json.dumps(name)}: {_rendered(text, value, indent)}"
    body = target.start + 1 + len(inside.rstrip())
    tail = text[body : target.close] if newline in text[body : target.close] else newline + outer
    if not target.members:
        return text[:body] + added + tail + text[target.close :]
    last = target.members[-1]
    if last.comma is not None:
        return f"{text[:body]}{added},{tail}{text[target.close :]}"
    return f"{text[: last.end]},{text[last.end : body]}{added}{tail}{text[target.close :]}"


def _cut(text: str, target: _Object, index: int) -> str:
    """The text without a member, the space before it and one comma."""
    member = target.members[index]
    before = len(text[: member.start].rstrip())
    if member.comma is not None:
        return text[:before] + text[member.comma + 1 :]
    if index:
        comma = target.members[index - 1].comma or before
        return text[:comma] + text[comma + 1 : before] + text[member.end :]
    rest = text[target.start + 1 : before] + text[member.end : target.close]
    return text[: target.start + 1] + (rest if rest.strip() else "") + text[target.close :]


def _rendered(text: str, value: Any, indent: str) -> str:
    """A value as JSON in the layout of the text."""
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return f"{_newline(text)}{indent}".join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str) -> str:
    """The indentation of the first line that has one."""
    indented = re.search(r"\n([ \t]+)\S", text)
    return indented[1] if indented else "  "


def _indent(text: str, position: int) -> str:
    """The indentation of the line at a position."""
    line = text[text.rfind("\n", 0, position) + 1 : position].lstrip(BYTE_ORDER_MARK)
    return line[: len(line) - len(line.lstrip(" \t"))]
