"""Repair of text that UTF-8 cannot encode."""


def as_utf8(text: str) -> bytes:
    """The text in UTF-8, repaired like `without_lone_surrogates`, which takes six times the memory."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_lone_surrogates(text).encode()


def without_lone_surrogates(text: str) -> str:
    r"""The text with surrogate pairs joined and each lone surrogate replaced by U+FFFD.

    A JSON escape can be half a character (`"\ud83d"`), and two deltas of a stream can contain one half each.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
