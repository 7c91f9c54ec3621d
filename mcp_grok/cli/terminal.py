"""The standard streams of a command, whose text may come from a model, a provider or another program's file."""

import io
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from mcp_grok.printable import printable


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


def _printable(stream: TextIO) -> TextIO:
    return stream if isinstance(stream, PrintableStream) else cast("TextIO", PrintableStream(stream))
