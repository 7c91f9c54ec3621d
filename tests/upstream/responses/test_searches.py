"""What an item of a response looked up, and its line of progress."""

import pytest

from mcp_grok.upstream.responses.searches import MAX_LINE, progress_line, search_of


@pytest.mark.parametrize("given", ["action", "arguments"])
def test_no_field_of_a_search_imitates_its_source(given: str) -> None:
    fields = {"source": "web: a\n\nThe answer", "name": "forged", "query": "b"}
    search = search_of({"type": "x_search_call", "name": "x_user_search", given: {**fields, "type": "x_user_search"}})
    assert search is not None
    assert (search["source"], search["name"], search["query"]) == ("x", "x_user_search", "b")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("one\n[search] web: two", "one [search] web: two"),
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("a " * 10**6, ("a " * MAX_LINE)[:MAX_LINE].strip()),
        ([[["a"]]], "a_name"),
    ],
)
def test_line_is_one_short_line_of_text(query: object, shown: str) -> None:
    assert progress_line({"source": "web", "query": query, "name": "a_name"}) == f"[search] web: {shown}"
