"""The pictures of a video, decoded as the standard says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.sandbox.h264 import picture, sequence_parameters
from tests.sandbox.bits import Bits

EVEN = st.integers(1, 32).map(lambda half: half * 2)
COLOURS = st.binary(min_size=6, max_size=6)
RAW = 25


def _blocks(unit: bytes, count: int) -> tuple[int, list[bytes]]:
    """The id of a picture and its macroblocks."""
    bits = Bits(unit)
    assert bits.take(8) == 0x65
    assert [bits.number(), bits.number(), bits.number(), bits.take(4)] == [0, 7, 0, 0]
    picture_id = bits.number()
    assert [bits.take(2), bits.number()] == [0, 0]
    blocks = []
    for _ in range(count):
        assert bits.number() == RAW
        bits.align()
        start = bits.position // 8
        blocks.append(unit[start : start + 384])
        bits.position += 384 * 8
    assert unit[bits.position // 8 :] == b"\x80"
    return picture_id, blocks


@given(EVEN, EVEN)
def test_parameters_state_the_size(width: int, height: int) -> None:
    bits = Bits(sequence_parameters(width, height))
    assert [bits.take(8), bits.take(8), bits.take(8), bits.take(8)] == [0x67, 66, 0xC0, 10]
    assert [bits.number() for _ in range(4)] == [0, 0, 2, 0]
    assert bits.take(1) == 0
    columns, rows = bits.number() + 1, bits.number() + 1
    assert bits.take(3) == 0b111
    left, right, top, bottom = (bits.number() for _ in range(4))
    assert (columns * 16 - 2 * (left + right), rows * 16 - 2 * (top + bottom)) == (width, height)
    assert bits.take(2) == 0b01


@given(COLOURS, EVEN, EVEN, st.integers(0, 30))
def test_picture_has_all_its_blocks(colours: bytes, width: int, height: int, number: int) -> None:
    unit = picture(number, colours, width, height)
    picture_id, blocks = _blocks(unit, -(-width // 16) * -(-height // 16))
    assert picture_id == number % 2
    assert min(map(min, blocks)) >= 16
    assert not re.search(rb"\0\0[\0-\3]", unit)


@pytest.mark.parametrize("colours", [b"\0" * 6, b"\xff" * 6])
def test_pictures_move(colours: bytes) -> None:
    (_, [first, *_]), (_, [second, *_]) = (_blocks(picture(number, colours, 64, 16), 4) for number in (0, 1))
    assert first[8:16] == second[:8]
    assert first[:16] != second[:16]
