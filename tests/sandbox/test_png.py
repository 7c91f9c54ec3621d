"""The picture, read chunk by chunk."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.sandbox.png import png

SIDE = st.integers(1, 64)


def _chunks(content: bytes) -> dict[bytes, bytes]:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    found, position = {}, 8
    while position < len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", content, end)
        assert zlib.crc32(content[position + 4 : end]) == checksum
        found[kind] = content[position + 8 : end]
        position = end + 4
    return found


@given(st.binary(min_size=6, max_size=6), SIDE, SIDE)
def test_picture_is_whole(colours: bytes, width: int, height: int) -> None:
    chunks = _chunks(png(colours, width, height))
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">II5B", chunks[b"IHDR"]) == (width, height, 8, 2, 0, 0, 0)
    lines = zlib.decompress(chunks[b"IDAT"])
    assert len(lines) == height * (1 + width * 3)
    assert set(lines[:: 1 + width * 3]) == {0}
    assert lines[1:4] == colours[:3]


def test_colours_go_from_one_to_the_other() -> None:
    lines = zlib.decompress(_chunks(png(bytes((0, 200, 50, 64, 0, 50)), 4, 1))[b"IDAT"])
    assert lines == bytes((0, *(0, 200, 50), *(16, 150, 50), *(32, 100, 50), *(48, 50, 50)))
