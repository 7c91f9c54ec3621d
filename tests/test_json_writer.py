"""The writing of compact JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.json_writer import json_bytes

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TEXTS = st.text(st.characters())
"""Also with lone surrogates."""


@given(st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_value_is_read_back_as_it_was(value: Any) -> None:
    assert json.loads(json_bytes(value).decode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize("value", [{"a": [1, 2.5, "é\n"]}, {"a": ["\ud800", 1]}])
def test_nothing_is_between_the_values(value: Any) -> None:
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert json_bytes(value) == compact.encode("utf-8", "surrogatepass")
