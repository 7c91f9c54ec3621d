"""Text for terminals and logs, where a control character is shown and has no effect."""

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 controls, line separators, and characters that change the direction of text (https://trojansource.codes)."""


def printable(text: str) -> str:
    r"""The text with every control character except newline and tab as its JSON escape, like `\u001b`.

    So a title, a clipboard or a cursor sequence of a terminal becomes plain text, and JSON stays the same JSON.
    A return and newline become a newline.
    """
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    r"""The printable text with `\n` and `\t` for newline and tab, so that it cannot imitate another line."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")
