"""The decoding of a stream: bytes → events. No I/O; the bytes may be split anywhere.

Only CR, LF and CRLF end a line, as in the standard: U+2028 in an answer is text.
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mcp_grok.json_parser import BOM

DONE = "[DONE]"
"""The data of the event that ends a stream."""

FIELDS = (b"data", b"event", b"id", b"retry", b":")
LONGEST_FIELD = max(map(len, FIELDS))


class Event(NamedTuple):
    """One event: its type (empty if the stream does not state it) and its data."""

    type: str
    data: str


BEGINS_JSON = re.compile(r"\s{0,1000}[{\[]")
"""The beginning of pending data that is JSON. It is looked at for each further line, so it must not be copied."""

JSON_LINE = b' \t{}[]"'
"""The bytes that begin a line of JSON. No field of the standard begins with one of them."""


class EventDecoder:
    """The decoder of one stream. Its cost is linear in the bytes.

    It is more tolerant than the standard where real servers require it:

    - The last event, and `[DONE]`, need no blank line after them.
    - A line of JSON needs no `data:` before it. AceData's guide has a line break after an empty `data:`; other servers
      put spaces before the JSON, print it over several lines, or send an error without a field name.
    - Events of JSON may be one line apart (https://github.com/ggml-org/llama.cpp/issues/14268): JSON never continues
      with `{` on the line after `}` or `]`.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._at_start = True
        self._after_cr = False
        self._type = ""
        self._later_type = ""
        self._data: list[str] = []

    def feed(self, received: bytes) -> Iterator[Event]:
        """The events that these bytes complete."""
        if self._after_cr:
            self._after_cr = not received
            received = received.removeprefix(b"\n")
        if b"\n" not in received and b"\r" not in received:
            self._pending.append(received)
            return
        if self._pending:
            received = b"".join((*self._pending, received))
        lines = received.splitlines()
        self._pending = [] if received.endswith((b"\n", b"\r")) else [lines.pop()]
        self._after_cr = received.endswith(b"\r")
        for line in lines:
            yield from self._read_line(line)

    def close(self) -> Iterator[Event]:
        """The event that the end of the stream completes, if there is one."""
        rest = b"".join(self._pending)
        self._pending = []
        if rest:
            yield from self._read_line(rest)
        yield from self._dispatch()

    def _read_line(self, line: bytes) -> Sequence[Event]:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field == b"data":
            return self._add_data(value.removeprefix(b" ").decode("utf-8", "replace"))
        if field == b"event":
            self._set_type(value.removeprefix(b" ").decode("utf-8", "replace"))
        elif line[0] in JSON_LINE and (self._data or line.startswith(b"{")):
            if self._data and not self._data[-1].strip():
                self._data.pop()
            return self._add_data(line.decode("utf-8", "replace"))
        return ()

    def _set_type(self, name: str) -> None:
        if self._data:
            # It may belong to the pending data, or to the next event, one line apart.
            self._later_type = name
        else:
            self._type = name

    def _add_data(self, data: str) -> Sequence[Event]:
        events: list[Event] = []
        if self._data and _begins_event(data, self._data):
            events.append(Event(self._type, "\n".join(self._data)))
            self._type, self._later_type, self._data = self._later_type, "", []
        self._data.append(data)
        if data == DONE:
            events += self._dispatch()
        return events

    def _dispatch(self) -> Sequence[Event]:
        events = (Event(self._later_type or self._type, "\n".join(self._data)),) if self._data else ()
        self._type, self._later_type, self._data = "", "", []
        return events


def _begins_event(data: str, pending: Sequence[str]) -> bool:
    """Whether a line of data cannot continue the pending lines: it begins JSON, and they are JSON or no JSON at all."""
    if not data.lstrip().startswith(("{", DONE)):
        return False
    last = pending[-1].rstrip()
    return last.endswith(("}", "]")) or (last != "" and not BEGINS_JSON.match(pending[0]))


def is_undecided(start: bytes) -> bool:
    """Whether a body's beginning is too short for `is_event_stream`: only a part of a BOM or of a field's name."""
    beginning = start.removeprefix(BOM).lstrip()
    if len(beginning) >= LONGEST_FIELD:
        return False
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
