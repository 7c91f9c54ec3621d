"""The parsing of JSON from outside, within the bounds of `mcp_grok.json_bounds`."""

import json
import json.scanner
import math
from functools import partial
from typing import Any, NoReturn

from mcp_grok.json_bounds import exceeds
from mcp_grok.offload import LARGE, in_thread

JSONObject = dict[str, Any]

BOM = b"\xef\xbb\xbf"

MAX_DEPTH = 200
"""Levels of lists and objects. Whatever has no more can also be searched for keys, written, stored and read again: the
limits of those steps are higher.
"""

MAX_ITEMS = 100_000
"""Items that are parsed in one step, in some 50 milliseconds."""


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Unlike `json.loads`, this refuses NaN and Infinity.

    Raises:
        ValueError: the text is not JSON, contains NaN, Infinity or a number too large for a float, is nested too
            deeply, or has too many items.
    """
    if exceeds(text, MAX_ITEMS):
        raise ValueError("too many items")
    return _parsed(_DECODER, text)


async def parse_large_json(content: bytes) -> Any:
    """The value of a JSON text with any number of items. Other tasks run while a large one is parsed.

    Raises:
        ValueError: see `parse_json`.
    """
    if len(content) <= LARGE and not exceeds(content, MAX_ITEMS):
        return _parsed(_DECODER, content)
    return await in_thread(partial(_parsed_large, content))


def _parsed_large(content: bytes) -> Any:
    return _parsed(_INTERRUPTIBLE_DECODER if exceeds(content, MAX_ITEMS) else _DECODER, content)


def _parsed(decoder: json.JSONDecoder, content: str | bytes) -> Any:
    text = content if isinstance(content, str) else content.removeprefix(BOM).decode("utf-8", "replace")
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        raise ValueError("nested too deeply")
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            part
            for item in level
            if isinstance(item, list | dict)
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, list | dict)
        ]
        if not level:
            return False
    return True


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _InterruptibleDecoder(json.JSONDecoder):
    """A decoder in Python: in a thread it gives way to others, as the one in C does not."""

    def __init__(self) -> None:
        super().__init__(parse_float=_finite, parse_constant=_refuse_constant)
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
_INTERRUPTIBLE_DECODER = _InterruptibleDecoder()
