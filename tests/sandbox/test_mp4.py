"""The video, read box by box."""

import struct
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.sandbox.h264 import PICTURE_PARAMETERS, picture, sequence_parameters
from mcp_grok.sandbox.mp4 import mp4

COLOURS = bytes(range(6))
INSIDE = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"dinf": 0, b"stbl": 0, b"dref": 8, b"stsd": 8, b"avc1": 78}
"""The boxes with boxes in them, and what precedes these."""


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, and where its content starts and ends."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", content, start)
        assert size >= 8
        yield kind, start + 8, start + size
        if kind in INSIDE:
            yield from _boxes(content, start + 8 + INSIDE[kind], start + size)
        start += size
    assert start == end


def _found(content: bytes) -> dict[bytes, bytes]:
    return {kind: content[start:end] for kind, start, end in _boxes(content, 0, len(content))}


def _numbers(box: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(box) // 4}I", box[: len(box) // 4 * 4])


@given(st.integers(1, 30))
def test_plays_as_long_as_asked(seconds: int) -> None:
    boxes = _found(mp4(COLOURS, 64, 36, seconds))
    assert _numbers(boxes[b"mvhd"])[3:5] == (1000, seconds * 1000)
    assert _numbers(boxes[b"mdhd"])[3:5] == (1000, seconds * 1000)
    assert _numbers(boxes[b"tkhd"])[5] == seconds * 1000
    assert _numbers(boxes[b"stts"]) == (0, 1, seconds, 1000)


def test_states_its_size_and_decoder() -> None:
    boxes = _found(mp4(COLOURS, 36, 64, 1))
    assert _numbers(boxes[b"tkhd"])[-2:] == (36 << 16, 64 << 16)
    assert struct.unpack_from(">HH", boxes[b"avc1"], 24) == (36, 64)
    sequence = sequence_parameters(36, 64)
    decoder = b"\x01" + sequence[1:4] + b"\xff\xe1" + struct.pack(">H", len(sequence)) + sequence
    assert boxes[b"avcC"] == decoder + b"\x01" + struct.pack(">H", len(PICTURE_PARAMETERS)) + PICTURE_PARAMETERS


def test_its_pictures_are_found() -> None:
    content = mp4(COLOURS, 64, 64, 3)
    boxes = _found(content)
    _, same, count, *sizes = _numbers(boxes[b"stsz"])
    assert (same, count, _numbers(boxes[b"stsc"])) == (0, 3, (0, 1, 1, 3, 1))
    *_, position = _numbers(boxes[b"stco"])
    for number, size in enumerate(sizes):
        assert content[position + 4 : position + size] == picture(number, COLOURS, 64, 64)
        assert struct.unpack_from(">I", content, position) == (size - 4,)
        position += size
    assert len(boxes[b"mdat"]) == sum(sizes)
