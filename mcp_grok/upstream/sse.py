"""The decoding of a body: bytes → events of a stream, and bytes → JSON. No I/O; the bytes may be split anywhere.

Only CR, LF and CRLF end a line, as in the standard: U+2028 in an answer is text.
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

BOM = b"\xef\xbb\xbf"
FIELDS = (b"data", b"event", b"id", b"retry", b":")


class Event(NamedTuple):
    """One event: its type (empty if the stream does not state it) and its data."""

    type: str
    data: str


class EventDecoder:
    """The decoder of one stream. Its cost is linear in the bytes.

    It is more tolerant than the standard in two cases that real servers require: the last event needs no blank line
    after it, and after an empty `data:` a line that begins with `{` is data (AceData's guide).
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._at_start = True
        self._after_cr = False
        self._type = ""
        self._data: list[str] = []

    def feed(self, received: bytes) -> Iterator[Event]:
        """The events that these bytes complete."""
        if self._after_cr:
            self._after_cr = not received
            received = received.removeprefix(b"\n")
        if b"\n" not in received and b"\r" not in received:
            self._pending.append(received)
            return
        lines = b"".join((*self._pending, received)).splitlines(keepends=True)
        self._pending = [] if lines[-1].endswith((b"\n", b"\r")) else [lines.pop()]
        self._after_cr = received.endswith(b"\r")
        for line in lines:
            event = self._read_line(line.rstrip(b"\r\n"))
            if event is not None:
                yield event

    def close(self) -> Iterator[Event]:
        """The event that the end of the stream completes, if there is one."""
        rest = b"".join(self._pending)
        self._pending = []
        for line in (rest, b""):
            event = self._read_line(line) if line or self._data else None
            if event is not None:
                yield event

    def _read_line(self, line: bytes) -> Event | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
        elif field == b"event":
            self._type = value.removeprefix(b" ").decode("utf-8", "replace")
        elif line.startswith(b"{") and self._data and not self._data[-1].strip():
            self._data[-1] = line.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> Event | None:
        if not self._data:
            self._type = ""
            return None
        event = Event(self._type, "\n".join(self._data))
        self._type = ""
        self._data = []
        return event


def is_undecided(start: bytes) -> bool:
    """Whether a body's beginning is too short for `is_event_stream`: only a part of a BOM or of a field's name."""
    beginning = start.removeprefix(BOM).lstrip()
    return BOM.startswith(start) or any(field.startswith(beginning) for field in FIELDS if field != beginning)


def is_event_stream(start: bytes, content_type: str) -> bool | None:
    """Whether a body is a stream of events (True), JSON (False) or neither (None).

    The body's beginning decides, because some servers send JSON instead of a requested stream, or the reverse.

    Args:
        start: The first bytes of the body: enough for `is_undecided` to be False, or the whole body.
        content_type: The header, used for a stream with an unusual beginning.
    """
    beginning = start.removeprefix(BOM).lstrip()
    if beginning.startswith((b"{", b"[")):
        return False
    if beginning.startswith(FIELDS) or content_type.partition(";")[0].strip().lower() == "text/event-stream":
        return True
    return None


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Unlike `json.loads`, this refuses NaN and Infinity.

    Raises:
        ValueError: the text is not JSON, contains NaN, Infinity or a number too large for a float, or is nested too
            deeply.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.removeprefix(BOM).decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
