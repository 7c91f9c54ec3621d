from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.upstream.merge import joined, merge


def merged(key: str, *values: Any) -> Any:
    """The value of a field with these values in the deltas."""
    fields: dict[str, Any] = {}
    for value in values:
        merge(fields, key, value)
    return joined(fields)[key]


@pytest.mark.parametrize("key", ["content", "reasoning", "refusal", "text", "data"])
def test_equal_pieces_of_text_are_joined(key: str) -> None:
    assert merged(key, "ha", "ha", None, "") == "haha"


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("vendor", ("v", "v", "v"), "v"),
        ("notes", ("one ", "two"), "one two"),
        ("channel", ("analysis", "analysis", "final", ""), "final"),
        ("id", ("a", "b", ""), "a"),
        ("score", (1, None, 2), 2),
    ],
)
def test_names_are_not_joined(key: str, values: tuple[Any, ...], expected: Any) -> None:
    assert merged(key, *values) == expected


def test_items_of_one_index_are_one_unless_their_types_differ() -> None:
    items = [{"index": 1, "type": "a", "text": "x"}, {"index": 1, "type": "b", "text": "y"}, {"index": 1, "text": "z"}]
    assert merged("details", *[[item] for item in items]) == [
        {"index": 1, "type": "a", "text": "x"},
        {"index": 1, "type": "b", "text": "yz"},
    ]


@pytest.mark.parametrize(
    "values",
    [
        (["https://a.example"], ["https://a.example"]),
        (["https://a.example"], ["https://a.example"], ["https://a.example"]),
        ([{"type": "url_citation", "url": "u"}], [{"type": "url_citation", "url": "u"}]),
    ],
)
def test_list_sent_again_counts_once(values: tuple[Any, ...]) -> None:
    assert merged("sources", *values) == values[0]


def test_items_without_type_are_never_repetitions() -> None:
    assert merged("tokens", [{"token": "ha"}], [{"token": "ha"}]) == [{"token": "ha"}, {"token": "ha"}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("", [{"type": "text", "text": "a"}], "b"), [{"type": "text", "text": "ab"}]),
        (("a", [{"type": "image_url", "image_url": {"url": "u"}}]), None),
        ((["odd"], "b"), ["odd", {"type": "text", "text": "b"}]),
    ],
)
def test_content_of_text_and_parts_becomes_parts(values: tuple[Any, ...], expected: Any) -> None:
    image = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]
    assert merged("content", *values) == (expected or image)


@pytest.mark.parametrize("values", [("text", {"a": 1}), ({}, "text"), (7, [1]), ([1], 0)])
def test_field_that_changes_its_type_has_the_last_value_that_is_not_empty(values: tuple[Any, Any]) -> None:
    assert merged("odd", *values) == (values[1] or values[0])


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "index", "type", "text", "id", "x"]), inner, max_size=3)
    ),
)


@given(st.sampled_from(["content", "reasoning_details", "id", "channel", "x"]), st.lists(ANY, max_size=5))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_values_merge(key: str, values: list[Any]) -> None:
    fields: dict[str, Any] = {}
    for value in values:
        merge(fields, key, value)
    joined(fields)
