"""A short video as an MP4: one picture a second.

https://developer.apple.com/documentation/quicktime-file-format
"""

import struct

from mcp_grok.sandbox.h264 import PICTURE_PARAMETERS, PROFILE, picture, sequence_parameters

MILLISECONDS = 1000
"""The unit of its times: this many are a second."""

UNDETERMINED = 0x55C40000
"""No language."""

UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""The matrix that turns nothing."""


def mp4(colours: bytes, width: int, height: int, seconds: int) -> bytes:
    """The video.

    Args:
        colours: Six bytes that the colours depend on.
        width: Its width in pixels, even.
        height: Its height in pixels, even.
        seconds: How long it plays.
    """
    samples = [_sized(">I", picture(number, colours, width, height)) for number in range(seconds)]
    kind = _box(b"ftyp", b"isom", _numbers(0), b"isomavc1")
    table = _box(
        b"stbl",
        _box(b"stsd", _numbers(0, 1), _format(width, height)),
        _box(b"stts", _numbers(0, 1, seconds, MILLISECONDS)),
        _box(b"stsc", _numbers(0, 1, 1, seconds, 1)),
        _box(b"stsz", _numbers(0, 0, seconds, *map(len, samples))),
        _box(b"stco", _numbers(0, 1, len(kind) + len(_box(b"mdat")))),
    )
    return kind + _box(b"mdat", *samples) + _movie(table, width, height, seconds * MILLISECONDS)


def _movie(table: bytes, width: int, height: int, duration: int) -> bytes:
    here = _box(b"dinf", _box(b"dref", _numbers(0, 1), _box(b"url ", _numbers(1))))
    media = _box(
        b"mdia",
        _box(b"mdhd", _numbers(0, 0, 0, MILLISECONDS, duration, UNDETERMINED)),
        _box(b"hdlr", _numbers(0, 0), b"vide", bytes(13)),
        _box(b"minf", _box(b"vmhd", _numbers(1, 0, 0)), here, table),
    )
    sides = _numbers(width << 16, height << 16)
    track = _box(b"tkhd", _numbers(7, 0, 0, 1, 0, duration, 0, 0, 0, 0), UPRIGHT, sides)
    times = _numbers(0, 0, 0, MILLISECONDS, duration, 0x10000, 0x1000000, 0, 0)
    return _box(b"moov", _box(b"mvhd", times, UPRIGHT, bytes(24), _numbers(2)), _box(b"trak", track, media))


def _format(width: int, height: int) -> bytes:
    """The description of the pictures, with the parameters that their decoder needs."""
    sequence = _sized(">H", sequence_parameters(width, height))
    decoder = _box(b"avcC", b"\x01", PROFILE, b"\xff\xe1", sequence, b"\x01", _sized(">H", PICTURE_PARAMETERS))
    size = struct.pack(">HH", width, height)
    end = b"\0\x01", bytes(32), b"\0\x18\xff\xff"
    return _box(b"avc1", _numbers(0, 1), bytes(16), size, _numbers(0x480000, 0x480000, 0), *end, decoder)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + kind + content


def _sized(form: str, content: bytes) -> bytes:
    return struct.pack(form, len(content)) + content


def _numbers(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)
