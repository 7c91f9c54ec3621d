"""The bounds on JSON from outside, checked in its bytes before it is parsed.

Python needs thirty times the bytes of `[],[],…` to represent it, and parses in one step, during which nothing else
runs: 31 MB of it take 970 MB and 4 seconds.
"""

import re

STRINGS_PER_ITEM = 2
"""A member of an object has up to two strings."""

LONG_NUMBER = re.compile(rb"\d{100,}")
LONG = 100
"""Digits of a long number."""

MAX_LONG_DIGITS = 50_000
"""Digits of all long numbers together: the time to read one grows with the square of its length."""

PIECE = 64 * 1024
"""Bytes that are counted at once, so that a text over the bounds costs no more than its beginning."""

TRAILING_DIGITS = re.compile(rb"\d{1,100}\Z")


class JSONBounds:
    """Counts the items of JSON texts that arrive whole or in pieces. They need not be valid.

    Args:
        max_items: Maximum number of items of all lists and objects together.
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._items = 0
        self._quotes = 0
        self._long_digits = 0
        self._digits = b""
        self._is_escaped = False
        self._in_string = 0

    def exceeded_by(self, piece: bytes) -> bool:
        """Adds a piece; returns whether the text is over the bounds."""
        piece = self._without_escapes(piece)
        parts = piece.split(b'"')
        outside = b'"'.join(parts[self._in_string :: 2])
        if not self._in_string:
            outside = self._digits + outside
        self._in_string ^= (len(parts) - 1) % 2
        self._quotes += len(parts) - 1
        # Each item of a list or an object needs one of these.
        self._items += outside.count(b"[") + outside.count(b"{") + outside.count(b",")
        self._count_digits(outside)
        return (
            self._items > self._max_items
            or self._quotes > 2 * STRINGS_PER_ITEM * self._max_items
            or self._long_digits > MAX_LONG_DIGITS
        )

    def exceeded_by_text(self, text: str | bytes) -> bool:
        """Adds a whole text, which counts together with those before; returns whether they are over the bounds."""
        self._is_escaped, self._in_string, self._digits = False, 0, b""
        content = text.encode("utf-8", "replace") if isinstance(text, str) else text
        return any(self.exceeded_by(content[start : start + PIECE]) for start in range(0, len(content), PIECE))

    def _without_escapes(self, piece: bytes) -> bytes:
        if self._is_escaped and piece:
            self._is_escaped, piece = False, piece[1:]
        if b"\\" not in piece:
            return piece
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        if backslashes % 2:
            self._is_escaped, piece = True, piece[:-1]
        return piece.replace(b"\\\\", b"").replace(b'\\"', b"")

    def _count_digits(self, outside: bytes) -> None:
        counted = len(self._digits) if len(self._digits) == LONG else 0
        self._long_digits += sum(map(len, LONG_NUMBER.findall(outside))) - counted
        tail = TRAILING_DIGITS.search(outside, max(0, len(outside) - LONG))
        self._digits = b"" if tail is None or self._in_string else tail[0]


def exceeds(text: str | bytes, max_items: int) -> bool:
    """Whether a whole JSON text is over the bounds. Shorter texts than `max_items` characters cannot be."""
    return len(text) > max_items and JSONBounds(max_items).exceeded_by_text(text)
