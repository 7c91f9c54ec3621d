"""Adding and removing one table of a TOML file, without changing any other byte.

tomlkit writes the values, and changes servers that are written as dotted keys or in an inline table. Tables with a
header are cut and appended here, because tomlkit 0.15 inserts a new table before dotted keys of the root, removes the
comment above the next table together with the table, and writes `\\n` in a file with `\\r\\n`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

read = tomllib.loads

HEADER = re.compile(r"^[ \t]*\[[^\n]*\n?", re.MULTILINE)
REMARKS = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\r?\n)*(?:^[ \t]*(?:#[^\n]*)?)?\Z", re.MULTILINE)
"""Blank lines and comments at the end of a text."""

BLANK_LINE_AT_END = re.compile(r"^\r?\n\Z", re.MULTILINE)


def put(text: str, table: str, name: str, value: Mapping[str, Any]) -> str:
    """The text with the table `[table.name]` at its end, which replaces an existing one.

    Raises:
        ValueError: the text is not TOML, or `table` is not a table.
    """
    import tomlkit

    servers = read(text).get(table, {})
    if not isinstance(servers, dict):
        raise ValueError(f"{table} is not a table")
    if servers.get(name) == value:
        return text
    text = remove(text, table, name)
    document = tomlkit.parse(text)
    if isinstance(inline := document.get(table), tomlkit.items.InlineTable):
        inline[name] = value
        return document.as_string()
    newline = "\r\n" if "\r\n" in text else "\n"
    added = tomlkit.dumps({table: {name: value}}).replace("\n", newline)
    if not text:
        return added
    if not text.endswith("\n"):
        return text + newline * 2 + added.removesuffix(newline)
    return text + newline + added


def remove(text: str, table: str, name: str) -> str:
    """The text without that table; the same text if there is none.

    Raises:
        ValueError: the text is not TOML.
    """
    import tomlkit

    if not _holds(text, table, name):
        return text
    rest = ""
    for section in _sections(text):
        header = HEADER.match(section)
        if header and _holds(header[0], table, name):
            # The blank line above this server's table is removed with it.
            remarks = REMARKS.search(section)
            rest = BLANK_LINE_AT_END.sub("", rest) + (remarks[0] if remarks else "")
        else:
            rest += section
    if not text.endswith("\n"):
        rest = re.sub(r"\r?\n\Z", "", rest)
    if _holds(rest, table, name):
        document = tomlkit.parse(rest)
        del document[table][name]
        rest = document.as_string()
    return rest


def _holds(text: str, table: str, name: str) -> bool:
    servers = read(text).get(table)
    return isinstance(servers, dict) and name in servers


def _sections(text: str) -> Iterator[str]:
    """The sections of a text: the lines before the first header, then each header with its lines."""
    start = 0
    for header in HEADER.finditer(text):
        if _is_toml(text[: header.start()]):
            yield text[start : header.start()]
            start = header.start()
    yield text[start:]


def _is_toml(text: str) -> bool:
    """Whether a text is valid TOML; a text that ends inside a multi-line value is not."""
    try:
        read(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
