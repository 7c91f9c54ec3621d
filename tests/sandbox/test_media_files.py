"""The names of files, and what they stand for."""

import struct

import pytest

from mcp_grok.sandbox.media_files import media_file, picture_name, video_name
from mcp_grok.sandbox.mp4 import mp4

RATIOS = [("1:1", (64, 64)), ("16:9", (64, 36)), ("9:16", (36, 64)), ("19.5:9", (64, 30)), ("99:1", (64, 2))]


@pytest.mark.parametrize(("ratio", "size"), RATIOS)
def test_picture_has_the_ratio(ratio: str, size: tuple[int, int]) -> None:
    file = media_file(picture_name("a cat", ratio))
    assert file
    assert (struct.unpack(">II", file[0][16:24]), file[1]) == (size, "image/png")


@pytest.mark.parametrize(("ratio", "size"), RATIOS)
def test_video_has_the_ratio_and_time(ratio: str, size: tuple[int, int]) -> None:
    name = video_name("a cat", ratio, 6)
    assert media_file(name) == (mp4(bytes.fromhex(name[:12]), *size, 6), "video/mp4")


def test_colours_depend_on_the_text() -> None:
    assert picture_name("a cat", "1:1") == picture_name("a cat", "1:1")
    assert picture_name("a cat", "1:1") != picture_name("a dog", "1:1")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "cat.png",
        "0123456789ab-0x1.png",
        "0123456789ab-100x1.png",
        "0123456789ab-1x1.gif",
        "0123456789ab-1x1-0s.mp4",
        "0123456789ab-1x1-100s.mp4",
        "0123456789ab-1x1.png\n",
        "0123456789ab-1x\u0661.png",
    ],
)
def test_other_names_stand_for_nothing(name: str) -> None:
    assert media_file(name) is None
