import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.json_bounds import JSONBounds, exceeds

PROPERTY = settings(derandomize=True, deadline=None, max_examples=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\[]{},:1é\n')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def items_of(text: str) -> int:
    """The items of a JSON text, counted by taking its strings out."""
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    return sum(outside.count(sign) for sign in "[{,")


def exceeded(pieces: list[bytes], max_items: int) -> bool:
    """Whether a text in pieces is over the bounds at its end."""
    bounds = JSONBounds(max_items)
    return [bounds.exceeded_by(piece) for piece in pieces][-1]


@given(JSON, st.booleans(), st.data())
@PROPERTY
def test_items_are_counted_however_the_text_is_cut(value: Any, as_ascii: bool, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=as_ascii)
    content, items = text.encode(), items_of(text)
    edges = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pieces = [content[a:b] for a, b in zip([0, *edges], [*edges, len(content)], strict=True)]
    assert not exceeded(pieces, max(items, text.count('"')))
    assert exceeded(pieces, items - 1)


@pytest.mark.parametrize(
    ("content", "too_many"),
    [
        (b"[" + b"[]," * 60_000 + b"0]", True),
        (b"[" + b"{}," * 60_000 + b"0]", True),
        (b"[" + b'"",' * 110_000 + b"0]", True),
        (b"[" + b"1," * 110_000 + b"1]", True),
        (b'"' + b"[]," * 60_000 + b'"', False),
        (b'"' + b'\\"[],' * 60_000 + b'"', False),
        (b'{"a":"' + b"\\\\" * 200_000 + b'"}', False),
        (b" " * 1_000_000, False),
        (b'"' * 1_000_000, True),
    ],
)
def test_text_that_takes_much_memory_exceeds(content: bytes, too_many: bool) -> None:
    assert exceeds(content, 100_000) is too_many


@pytest.mark.parametrize("size", [1, 7, 64, 10**6])
def test_many_digits_in_long_numbers_exceed(size: int) -> None:
    content = b"[" + b",".join([b"9" * 4000] * 14) + b"]"
    pieces = [content[i : i + size] for i in range(0, len(content), size)]
    assert exceeded(pieces, 1000)


@pytest.mark.parametrize("size", [1, 7, 64, 10**6])
def test_a_few_long_numbers_are_read(size: int) -> None:
    content = b"[" + b",".join([b"9" * 3000] * 8) + b"]"
    assert not exceeded([content[i : i + size] for i in range(0, len(content), size)], 30_000)


def test_many_short_numbers_are_no_long_ones() -> None:
    assert not exceeds(b"[" + b",".join([b"1234567890123456789012345678901234567890"] * 5000) + b"]", 10_000)
