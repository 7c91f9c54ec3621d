"""The links in requests and answers."""

import re
import time
from typing import Any

from mcp_grok.json_parser import JSONObject

MAX_LENGTH = 8192
"""Characters of a link. A signed one has about 2000."""

LINK = re.compile(r"https?://[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", re.IGNORECASE)

LIFETIME = 3600
"""Seconds that a link works, where the API states no time: xAI's live about an hour."""

LAST_TIME = 10**11
"""A time after this one is none."""


def is_link(value: Any) -> bool:
    """Whether a value is the address of something on the web."""
    return isinstance(value, str) and len(value) <= MAX_LENGTH and LINK.fullmatch(value) is not None


def expires_at(answer: JSONObject) -> int:
    """The time, in seconds since 1970, after which the links of an answer may no longer work."""
    stated = answer.get("expires_at")
    if isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated < LAST_TIME:
        return stated
    return int(time.time()) + LIFETIME
