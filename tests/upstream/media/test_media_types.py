"""The type of a picture or video, by its content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.upstream.media.media_types import EXTENSIONS, media_type
from tests.upstream.media.samples import MP4, SAVED, WEBM


@pytest.mark.parametrize("extension", SAVED)
def test_type_is_told_by_the_content(extension: str) -> None:
    found = media_type(SAVED[extension])
    assert found is not None
    assert EXTENSIONS[found] == extension


@pytest.mark.parametrize("brand", [b"isom", b"iso5", b"mp42", b"avc1", b"M4V ", b"dash"])
def test_main_brand_tells_an_mp4(brand: bytes) -> None:
    assert media_type(b"\0\0\0\x10ftyp" + brand + b"\0\0\0\0") == "video/mp4"


def test_other_brand_tells_an_mp4() -> None:
    assert media_type(MP4.replace(b"ftypisom", b"ftypXAVC")) == "video/mp4"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"<html><body>Not found</body></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%PDF-1.7",
        b"BM" + bytes(60),
        b"MZ" + bytes(60),
        b"#!/bin/sh\nexit\n",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1isom",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heicisom",
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  isom",  # the last brand is beyond the box
        WEBM.replace(b"webm", b"matr"),
        b"RIFF\0\0\0\0WAVEfmt ",
    ],
)
def test_other_content_has_no_type(content: bytes) -> None:
    assert media_type(content) is None


@given(st.binary(max_size=600), st.sampled_from([b"", b"\0\0\0\x18ftyp", b"\xff\xff\xff\xffftyp", b"\x1a\x45\xdf\xa3"]))
def test_any_content_is_read(content: bytes, start: bytes) -> None:
    assert media_type(start + content) in {None, "image/jpeg", *EXTENSIONS}
