"""Surrogates: a pair becomes its character, and a lone one U+FFFD."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.surrogates import without_lone_surrogates

ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs"]))
"""Surrogates are drawn on purpose, because their category is small."""


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("", ""),
        ("plain", "plain"),
        ("é 日本 \U0001f600 \u2028\x00", "é 日本 \U0001f600 \u2028\x00"),
        ("\ud83d\ude00", "\U0001f600"),
        ("a\ud83d", "a\ufffd"),
        ("\ude00a", "\ufffda"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        ("\ud83d\U0001f600\ude00", "\ufffd\U0001f600\ufffd"),
    ],
)
def test_pairs_are_joined_and_lone_surrogates_replaced(text: str, clean: str) -> None:
    assert without_lone_surrogates(text) == clean


@settings(derandomize=True, deadline=None, max_examples=200)
@given(ANY_TEXT)
def test_any_text_becomes_encodable_and_only_surrogates_change(text: str) -> None:
    joined = re.sub(
        "[\ud800-\udbff][\udc00-\udfff]",
        lambda pair: chr(0x10000 + ((ord(pair[0][0]) - 0xD800) << 10) + ord(pair[0][1]) - 0xDC00),
        text,
    )
    clean = without_lone_surrogates(text)
    assert clean == re.sub("[\ud800-\udfff]", "\ufffd", joined)
    assert clean.encode().decode() == clean


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text())
def test_text_without_surrogates_is_unchanged(text: str) -> None:
    assert without_lone_surrogates(text) == text
