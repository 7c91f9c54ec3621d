"""A small picture as a PNG: a gradient between two colours.

https://www.w3.org/TR/png-3/
"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR = b"\x08\x02\0\0\0"
"""Eight bits a channel, red, green and blue, and the only methods that there are."""


def png(colours: bytes, width: int, height: int) -> bytes:
    """The picture.

    Args:
        colours: Red, green and blue at the left edge, then those at the right one.
        width: Its width in pixels.
        height: Its height in pixels.
    """
    pairs = list(zip(colours[:3], colours[3:], strict=True))
    row = bytes(left + (right - left) * x // width for x in range(width) for left, right in pairs)
    pixels = zlib.compress((b"\0" + row) * height)
    size = struct.pack(">II", width, height)
    return SIGNATURE + _chunk(b"IHDR", size + TRUE_COLOUR) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
