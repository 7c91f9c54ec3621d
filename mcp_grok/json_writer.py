"""The writing of compact JSON."""

import json
from typing import Any

from pydantic_core import to_json


def json_bytes(value: Any) -> bytes:
    """A value as compact JSON in UTF-8; lone surrogates are preserved.

    Raises:
        RecursionError: the value is nested too deeply.
    """
    try:
        return to_json(value)
    except ValueError:
        # It takes a third of the time of the standard library, but refuses lone surrogates and deep nesting.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
