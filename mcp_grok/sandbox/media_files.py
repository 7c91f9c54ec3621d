"""The pictures and videos of the sandbox, each made from its name when it is fetched, so that none is stored."""

import hashlib
import re

from mcp_grok.sandbox.mp4 import mp4
from mcp_grok.sandbox.png import png

LONGEST_SIDE = 64
SIDE = r"[1-9][0-9]?(?:\.[0-9])?"
NAME = re.compile(rf"([0-9a-f]{{12}})-({SIDE}x{SIDE})(?:\.png|-([1-9][0-9]?)s\.mp4)")


def picture_name(text: str, ratio: str) -> str:
    """The name of a picture.

    Args:
        text: What its colours depend on.
        ratio: Its width and height, such as `16:9`.
    """
    return f"{_stem(text, ratio)}.png"


def video_name(text: str, ratio: str, seconds: int) -> str:
    """The name of a video.

    Args:
        text: What its colours depend on.
        ratio: Its width and height, such as `16:9`.
        seconds: How long it plays.
    """
    return f"{_stem(text, ratio)}-{seconds}s.mp4"


def media_file(name: str) -> tuple[bytes, str] | None:
    """The file with this name and its media type; None if there is none."""
    match = NAME.fullmatch(name)
    if not match:
        return None
    colours, ratio, seconds = bytes.fromhex(match[1]), match[2], match[3]
    if seconds:
        return mp4(colours, *_size(ratio), int(seconds)), "video/mp4"
    return png(colours, *_size(ratio)), "image/png"


def _stem(text: str, ratio: str) -> str:
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{ratio.replace(':', 'x')}"


def _size(ratio: str) -> tuple[int, int]:
    """The width and height in pixels: even, as a video's must be."""
    width, height = map(float, ratio.split("x"))
    scale = LONGEST_SIDE / max(width, height) / 2
    return max(1, round(width * scale)) * 2, max(1, round(height * scale)) * 2
