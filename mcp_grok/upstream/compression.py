"""The compression of a body, which no request of this server asks for.

The bytes decide, not the header: some proxies compress without naming it
(https://github.com/gadievron/raptor/pull/547), others name a compression that they have undone
(https://github.com/freelensapp/freelens-ai-extension/issues/272).
"""

import codecs
import zlib
from collections.abc import Iterator

import httpx2

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
"""The first bytes of these formats."""

DECIDING_BYTES = 4
"""Bytes that tell the format of a body."""

NOT_COMPRESSED = ("", "identity")
OURS = (*NOT_COMPRESSED, "gzip", "x-gzip", "deflate")
"""Content encodings that `inflater_of` decides on; httpx2 knows the others if their library is installed."""

MAX_PIECE = 2**20
"""Maximum bytes of decompressed data at once."""

BEGINNING = 64
"""Bytes that tell text from binary data."""


class Inflater:
    """The decompression of a gzip or deflate body, piece by piece.

    Args:
        window: zlib's `wbits`, which selects the format.
        encoding: The name of the format, for errors.
    """

    def __init__(self, window: int, encoding: str) -> None:
        self._window = window
        self._encoding = encoding
        self._zlib = zlib.decompressobj(window)

    def feed(self, received: bytes) -> Iterator[bytes]:
        """What these bytes add to the decompressed body.

        Raises:
            httpx2.DecodingError: they are damaged; the text of the error names the compression.
        """
        try:
            while received:
                while piece := self._zlib.decompress(received, MAX_PIECE):
                    yield piece
                    received = self._zlib.unconsumed_tail
                received = self._zlib.unused_data
                # A body may consist of several gzip members; other bytes after the end are padding.
                if received.startswith(GZIP):
                    self._zlib = zlib.decompressobj(self._window)
                else:
                    return
        except zlib.error:
            raise httpx2.DecodingError(self._encoding) from None


def inflater_of(start: bytes, encoding: str) -> Inflater | None:
    """The decompression that a body needs; None if it can be read as it is.

    Args:
        start: The first bytes of the body: at least `DECIDING_BYTES`, or all.
        encoding: Its content encoding, in lower case; empty if none is named.

    Raises:
        httpx2.DecodingError: the body cannot be decompressed; the text of the error names the compression.
    """
    if start.startswith(GZIP):
        return Inflater(16 + zlib.MAX_WBITS, encoding or "gzip")
    if start.startswith(ZSTD):
        raise httpx2.DecodingError(encoding or "zstd")
    if encoding in NOT_COMPRESSED or _is_text(start):
        return None
    if encoding == "deflate":
        # Some servers leave out the zlib header, whose two bytes are a multiple of 31 (RFC 1950).
        has_header = int.from_bytes(start[:2], "big") % 31 == 0
        return Inflater(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS, encoding)
    raise httpx2.DecodingError(encoding)


def _is_text(start: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start[:BEGINNING])
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n" for character in text)
