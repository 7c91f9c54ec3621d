"""Text without control characters."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.printable import one_line, printable

HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x07\r\n\t\x85\u2028\u202e\x7f")))


@given(HOSTILE)
def test_no_control_character_is_left(text: str) -> None:
    assert {unicodedata.category(letter) for letter in printable(text)} & {"Zl", "Zp"} == set()
    assert {letter for letter in printable(text) if unicodedata.category(letter) == "Cc"} <= {"\n", "\t"}
    assert not {letter for letter in one_line(text) if unicodedata.category(letter) == "Cc"}
    assert len(one_line(text).splitlines()) <= 1


@given(HOSTILE)
def test_json_stays_the_same_json(text: str) -> None:
    assert json.loads(printable(json.dumps(text, ensure_ascii=False))) == text


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_other_text_stays(text: str) -> None:
    assert printable(text) == text


def test_line_end_of_windows_is_a_newline() -> None:
    assert printable("a\r\nb\tc\rd") == "a\nb\tc\\u000dd"
