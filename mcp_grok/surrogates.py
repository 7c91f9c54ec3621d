"""Text that UTF-8 can hold, whatever JSON escapes it came from."""


def without_lone_surrogates(text: str) -> str:
    r"""The text with surrogate pairs joined and each lone surrogate replaced by U+FFFD.

    JSON can spell half a character (`"\ud83d"`), and two deltas of a stream can hold one half each.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
