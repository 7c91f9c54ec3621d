"""Text that can be put into UTF-8, whatever the upstream or a client wrote into JSON escapes."""


def without_lone_surrogates(text: str) -> str:
    r"""The text with surrogate pairs joined and every surrogate left alone as U+FFFD.

    JSON can spell half a character (`"\ud83d"`); two deltas can hold the two halves of one.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
