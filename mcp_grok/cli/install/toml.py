"""One table of a TOML file, put in or taken out without touching another byte.

A table may stand at the end of any TOML file, so ours is appended there, and taken out by its lines.
"""

import json
import re
import tomllib
from typing import Any

read = tomllib.loads


def put(text: str, table: str, name: str, value: dict[str, Any]) -> str:
    """The text with the table `[table.name]` at its end, instead of the one of that name.

    Raises:
        ValueError: the text is not TOML, or the table cannot be added to it.
    """
    read(text)
    text = remove(text, table, name)
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    return f"{text}{gap}{newline.join(_lines(f'{table}.{name}', value))}{newline}"


def remove(text: str, table: str, name: str) -> str:
    """The text without that table; the same text if there is none.

    Raises:
        ValueError: the text is not TOML.
    """
    if name not in read(text).get(table, {}):
        return text
    quoted = "|".join(re.escape(f"{quote}{name}{quote}") for quote in ("", '"', "'"))
    ours = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\.\s*(?:{quoted})\s*[.\]]")
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if re.match(r"\s*\[", line):
            inside = bool(ours.match(line))
        if not inside:
            kept.append(line)
    rest = "".join(kept)
    # The blank line that set it apart goes with it.
    blank = re.search(r"(?<=\n)\r?\n\Z", rest)
    return rest[: blank.start()] if blank else rest


def _lines(name: str, value: dict[str, Any]) -> list[str]:
    plain = {key: part for key, part in value.items() if not isinstance(part, dict)}
    lines = [f"[{name}]", *(f"{key} = {_written(part)}" for key, part in plain.items())]
    for key, part in value.items():
        if isinstance(part, dict) and part:
            lines += ["", *_lines(f"{name}.{key}", part)]
    return lines


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_written(key)} = {_written(part)}' for key, part in value.items())}}}"
    if isinstance(value, str | bool):
        # TOML's truth values and basic strings are JSON's, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
