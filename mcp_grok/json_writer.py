"""The writing of compact JSON."""

import json
from typing import Any

from pydantic_core import to_json


def json_bytes(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; lone surrogates are preserved.

    Args:
        value: One with at most some 250 levels of lists and objects: `mcp_grok.json_parser` accepts fewer.
    """
    try:
        # In a third of the time of the standard library.
        return to_json(value)
    except ValueError:
        # It has lone surrogates.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
