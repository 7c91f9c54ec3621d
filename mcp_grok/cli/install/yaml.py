"""One entry as YAML, to be put into a file by hand."""

import json
from collections.abc import Mapping
from typing import Any


def put(text: str, table: str, name: str, value: Mapping[str, Any]) -> str:
    """The text with the entry `name` in the mapping `table`, below it.

    Args:
        text: The text, which does not have that mapping.
        table: The key of the mapping.
        name: The key of the entry.
        value: The entry.
    """
    return text + "".join(f"{line}\n" for line in _lines({table: {name: value}}))


def _lines(value: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, one in value.items():
        if isinstance(one, Mapping) and one:
            lines += [f"{key}:", *(f"  {line}" for line in _lines(one))]
        else:
            # What is JSON is YAML.
            lines.append(f"{key}: {json.dumps(one, ensure_ascii=False)}")
    return lines
