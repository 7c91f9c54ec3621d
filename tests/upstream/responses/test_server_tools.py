"""The tools that run at the API: which they are, and how their fields are checked."""

from typing import Any

import pytest

from mcp_grok.upstream.responses.server_tools import is_server_tool, read_server_tool
from tests.upstream.refusal import refusal_of


def read(kind: str, **fields: Any) -> dict[str, Any]:
    """The fields of a checked tool."""
    tool = read_server_tool("tools[0]", {"type": kind, **fields})
    return {name: value for name, value in tool.items() if name != "type"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("web_search", "web_search"),
        ("web_search_preview", "web_search"),
        ("x_search", "x_search"),
        ("code_execution", "code_interpreter"),
        ("collections_search", "file_search"),
        ("mcp", "mcp"),
    ],
)
def test_tool_has_the_name_of_the_api(given: str, sent: str) -> None:
    assert is_server_tool({"type": given})
    assert read_server_tool("tools[0]", {"type": given})["type"] == sent


@pytest.mark.parametrize("kind", ["function", "live_search", "browser_search", "custom"])
def test_other_types_are_no_server_tools(kind: str) -> None:
    assert not is_server_tool({"type": kind})


@pytest.mark.parametrize("handle", ["xai", "@xai", " @xai ", "https://x.com/xai", "x.com/xai/"])
def test_handle_is_read_in_any_form(handle: str) -> None:
    assert read("x_search", allowed_x_handles=[handle]) == {"allowed_x_handles": ["xai"]}


@pytest.mark.parametrize(
    ("domain", "sent"),
    [
        ("docs.x.ai", "docs.x.ai"),
        (" Docs.X.ai ", "docs.x.ai"),
        ("https://docs.x.ai/guides?a=b", "docs.x.ai"),
        ("docs.x.ai/guides", "docs.x.ai"),
        ("bücher.example", "bücher.example"),
    ],
)
def test_domain_is_read_in_any_form(domain: str, sent: str) -> None:
    assert read("web_search", excluded_domains=[domain]) == {"excluded_domains": [sent]}


def test_forms_of_other_libraries_are_read() -> None:
    assert read("web_search", filters={"allowed_domains": ["x.ai"]}) == {"allowed_domains": ["x.ai"]}
    assert read("x_search", included_x_handles=["xai"]) == {"allowed_x_handles": ["xai"]}
    assert read("file_search", collection_ids=["c"], filters={"key": "a"}) == {
        "vector_store_ids": ["c"],
        "filters": {"key": "a"},
    }


def test_empty_fields_are_left_out_and_unknown_ones_kept() -> None:
    assert read("web_search", allowed_domains=[], user_location=None, new_field=1) == {"new_field": 1}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"allowed_domains": ["not a domain"]}, "allowed_domains[0]"),
        ({"allowed_domains": ["x.ai", "localhost"]}, "allowed_domains[1]"),
        ({"allowed_domains": ["http://["]}, "allowed_domains[0]"),
        ({"allowed_domains": ["x.ai\r\nevil.example"]}, "allowed_domains[0]"),
        ({"allowed_domains": [f"{name}.example" for name in "abcdef"]}, "allowed_domains"),
        ({"allowed_domains": "x.ai"}, "allowed_domains"),
        ({"allowed_domains": ["x.ai"], "excluded_domains": ["x.com"]}, "excluded_domains"),
        ({"allowed_x_handles": ["two words"]}, "allowed_x_handles[0]"),
        ({"allowed_x_handles": ["a" * 16]}, "allowed_x_handles[0]"),
        ({"allowed_x_handles": ["ünïcode"]}, "allowed_x_handles[0]"),
        ({"excluded_x_handles": [f"user{number}" for number in range(11)]}, "excluded_x_handles"),
        ({"allowed_x_handles": ["a"], "excluded_x_handles": ["b"]}, "excluded_x_handles"),
        ({"from_date": "yesterday"}, "from_date"),
        ({"from_date": "2026-02-30"}, "from_date"),
        ({"to_date": "2026-02-01T00:00:00Z"}, "to_date"),
        ({"to_date": 20260201}, "to_date"),
        ({"from_date": "2026-02-02", "to_date": "2026-02-01"}, "from_date"),
        ({"vector_store_ids": [str(number) for number in range(11)]}, "vector_store_ids"),
    ],
)
def test_wrong_field_is_refused(fields: dict[str, Any], param: str) -> None:
    message, named = refusal_of(lambda: read("x_search", **fields))
    assert named == f"tools[0].{param}"
    assert named.partition("[1]")[0].rpartition(".")[2].partition("[")[0] in message
