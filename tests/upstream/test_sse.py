import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.json_parser import parse_json
from mcp_grok.upstream.assemble import Assembler
from mcp_grok.upstream.sse import Event, EventDecoder, is_event_stream
from tests.wire import RECORDINGS, recorded

STREAMS = [recorded(name) for name in RECORDINGS if recorded(name)[:1] != b"{"]
PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)


def decode(*pieces: bytes) -> list[Event]:
    """All events of a stream that comes in pieces."""
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.close())


def test_lines_of_data_are_joined_and_one_space_is_dropped() -> None:
    assert decode(b"data: a\ndata:b\ndata:  c\n\n") == [Event("", "a\nb\n c")]


def test_event_type_belongs_to_its_event_alone() -> None:
    assert decode(b"event: error\ndata: a\n\ndata: b\n\n") == [Event("error", "a"), Event("", "b")]


def test_type_without_data_is_no_event() -> None:
    assert decode(b"event: ping\n\ndata: b\n\n") == [Event("", "b")]


def test_json_line_after_an_empty_data_line_is_data() -> None:
    assert decode(b'data:\n{"a":1} \n\ndata: \n{"b":2}\n\n') == [Event("", '{"a":1} '), Event("", '{"b":2}')]


@pytest.mark.parametrize(
    "stream",
    [
        b'data:\n {"a":1}\n\n',
        b'data:\n\t{"a":1}\n\n',
        b'{"a":1}\n\n',
        b'data: {"a":1}\n',
        b'data: {\n  "a": 1\n}\n\n',
        b'data: {\ndata:   "a": 1\ndata: }\n\n',
    ],
)
def test_json_is_read_on_any_lines(stream: bytes) -> None:
    assert [parse_json(event.data) for event in decode(stream)] == [{"a": 1}]


def test_line_that_is_neither_field_nor_json_is_ignored() -> None:
    assert decode(b"data: x\nunknown: y\n\n") == [Event("", "x")]


def test_events_one_line_apart_are_separate() -> None:
    stream = b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n'
    assert [event.data for event in EventDecoder().feed(stream)] == ['{"a":1}', '{"b":2}', "[DONE]"]


def test_comment_or_raw_error_one_line_apart_is_separate() -> None:
    stream = b'data: : PROCESSING\ndata: {"a":1}\n{"error":2}\n\n'
    assert [event.data for event in decode(stream)] == [": PROCESSING", '{"a":1}', '{"error":2}']


def test_types_of_events_one_line_apart_stay_with_their_data() -> None:
    stream = b'event: a\ndata: {"x":1}\nevent: error\ndata: {"y":2}\n\n'
    assert decode(stream) == [Event("a", '{"x":1}'), Event("error", '{"y":2}')]


def test_type_after_its_data_counts() -> None:
    assert decode(b'data: {"x":1}\nevent: error\n\n') == [Event("error", '{"x":1}')]


@pytest.mark.parametrize("items", [["{}", "{}"], ['"a"', '["}"]'], ["1", "[{}]"]])
def test_list_over_several_lines_of_data_is_one_event(items: list[str]) -> None:
    lines = "".join(f"data: {line}\n" for line in ("[", ",\ndata: ".join(items), "]"))
    assert [parse_json(event.data) for event in decode(lines.encode() + b"\n")] == [[json.loads(i) for i in items]]


def test_invalid_utf8_becomes_the_replacement_character() -> None:
    assert decode(b"data: a\xff\n\n") == [Event("", "a\ufffd")]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n"])
def test_last_event_counts_at_any_end_of_the_stream(end: bytes) -> None:
    assert decode(b"data: a" + end) == [Event("", "a")]


@given(st.sampled_from(STREAMS), st.data())
@PROPERTY
def test_any_split_of_a_stream_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=40)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert decode(*pieces) == decode(stream)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))), st.data())
@PROPERTY
def test_any_data_is_unchanged(texts: list[str], data: st.DataObject) -> None:
    line_end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    stream = b"".join(b"data: " + text.encode() + line_end * 2 for text in texts)
    cut = data.draw(st.integers(0, len(stream)))
    assert [event.data for event in decode(stream[:cut], stream[cut:])] == texts


@given(st.binary(max_size=400), st.integers(0, 400))
@PROPERTY
def test_any_bytes_are_decoded(content: bytes, cut: int) -> None:
    assert decode(content[:cut], content[cut:]) == decode(content)


def assemble(stream: bytes) -> tuple[Any, bool]:
    """What a stream assembles to, and whether it is whole."""
    assembler, done = Assembler(), False
    for event in decode(stream):
        if event.data.strip() == "[DONE]":
            done = True
        elif event.data.strip():
            assembler.add(parse_json(event.data))
    return assembler.text, assembler.is_complete(done=done)


@given(st.integers(0, 2_000))
@PROPERTY
def test_stream_cut_before_its_finish_is_not_whole(length: int) -> None:
    stream = recorded("many_bytes_a_character")
    before_finish = stream[: min(length, stream.index(b'"stop"'))]
    try:
        text, whole = assemble(before_finish)
    except ValueError:
        return
    assert not whole
    assert "Grüße, 世界 👋🏽 e\u0301".startswith(text)


@given(st.sampled_from(STREAMS), st.data())
@PROPERTY
def test_any_changed_byte_gives_an_answer_or_a_typed_failure(stream: bytes, data: st.DataObject) -> None:
    mutated = bytearray(stream)
    for _ in range(data.draw(st.integers(1, 8))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        text, _ = assemble(bytes(mutated))
    except ValueError:  # what the client calls a bad_upstream_response
        return
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("start", "content_type", "expected"),
    [
        (b'{"id"', "text/event-stream", False),
        (b' \r\n[{"error"', "text/plain", False),
        (b"\xef\xbb\xbf{", "application/json", False),
        (b"data: x", "application/json", True),
        (b": ping", "", True),
        (b"event: error", "text/plain", True),
        (b"\xef\xbb\xbfdata:", "application/json", True),
        (b"something: else", "text/event-stream; charset=utf-8", True),
        (b"<html>", "text/html", None),
        (b"", "application/json", None),
    ],
)
def test_beginning_of_a_body_shows_its_kind(start: bytes, content_type: str, expected: bool | None) -> None:
    assert is_event_stream(start, content_type) is expected
