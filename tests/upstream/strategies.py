"""Strategies for values that a caller or an upstream may send."""

from hypothesis import strategies as st

TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=8)
"""Text, perhaps with lone surrogates."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""
