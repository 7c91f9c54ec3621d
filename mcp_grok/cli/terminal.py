"""The standard streams of a command, whose text may come from a model, a provider or another program's file."""

import io
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Any, TextIO, cast

from mcp_grok.printable import one_line, printable

NARROW_COLUMN = 4
"""The column of further lines, of a row on a terminal that has no room for more."""


class PrintableStream:
    """A text stream that writes control characters as escapes, so that a terminal does not act on them.

    Args:
        stream: The stream that it writes to, and that has all other attributes.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Writes the text, made printable."""
        return self.stream.write(printable(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each text, made printable."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard_streams() -> None:
    """Makes stderr printable, and stdout if it is a terminal; a file or pipe gets the bytes as they are.

    A character that stdout cannot encode becomes a question mark, so that it does not end the command.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if sys.stdout.isatty():
        sys.stdout = _printable(sys.stdout)
    sys.stderr = _printable(sys.stderr)


def styled_stdout() -> TextIO:
    """Stdout for text that a command styles itself. Such a command prints no text from outside."""
    return sys.stdout.stream if isinstance(sys.stdout, PrintableStream) else sys.stdout


def plain_stderr() -> TextIO:
    """Stderr for text that a command has made printable itself."""
    return sys.stderr.stream if isinstance(sys.stderr, PrintableStream) else sys.stderr


def table_row(head: str, text: str, column: int) -> str:
    """A row of a table on stdout, with its newline.

    On a terminal the text is wrapped at words, and all its lines begin in one column. Elsewhere a row is one line, so
    that a search finds the whole of it.

    Args:
        head: The beginning of the row.
        text: The rest.
        column: Where the text begins.
    """
    head, text = f"{one_line(head):<{column - 1}} ", one_line(text)
    if not sys.stdout.isatty():
        return f"{head}{text}".rstrip() + "\n"
    width = shutil.get_terminal_size().columns
    lines = wrapped(head, text, width, column if column <= width // 2 else NARROW_COLUMN)
    return (lines or head.rstrip()) + "\n"


def wrapped(begin: str, text: str, width: int, column: int = NARROW_COLUMN) -> str:
    """A text whose lines break between words.

    Args:
        begin: How its first line begins.
        text: The text.
        width: The longest line, in characters; a longer word is not broken.
        column: Where its further lines begin.
    """
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=begin,
        subsequent_indent=" " * column,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _printable(stream: TextIO) -> TextIO:
    return stream if isinstance(stream, PrintableStream) else cast("TextIO", PrintableStream(stream))
