"""Which tools a server has: by provider, toolsets, excluded names and the read-only switch."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.providers import PROVIDERS, Provider
from mcp_grok.toolsets import (
    ALL,
    CANCEL,
    CHAT,
    DEFAULT,
    GET,
    IMAGE,
    IMAGE_TO_VIDEO,
    SEARCH,
    TEXT_TO_VIDEO,
    TOOLS,
    TOOLSETS,
    lack,
    missing_toolsets,
    tools_in,
    toolsets_of,
)

XAI, ACEDATA = PROVIDERS["xai"], PROVIDERS["acedata"]

TOOLSETS_OF = {
    "acedata": ["chat", "video"],
    "llmprovider": ["chat"],
    "xai": ["chat", "search", "image", "video"],
    "custom": ["chat"],
    "sandbox": ["chat", "search", "image", "video"],
}


def test_each_provider_has_its_toolsets() -> None:
    assert {name: toolsets_of(provider) for name, provider in PROVIDERS.items()} == TOOLSETS_OF


@pytest.mark.parametrize(
    ("toolsets", "provider", "listed"),
    [
        (DEFAULT, "xai", [CHAT, SEARCH, GET, CANCEL]),
        (DEFAULT, "acedata", [CHAT, GET, CANCEL]),
        (["search"], "xai", [SEARCH, GET, CANCEL]),
        (["search"], "acedata", []),
        (["search", "chat"], "sandbox", [CHAT, SEARCH, GET, CANCEL]),
    ],
)
def test_toolsets_choose_what_the_provider_has(toolsets: list[str], provider: str, listed: list[str]) -> None:
    found = tools_in(toolsets, PROVIDERS[provider], excluded=(), read_only=False, fetches=True)
    assert found == listed


def test_excluded_tool_is_not_listed() -> None:
    assert tools_in(DEFAULT, XAI, excluded=[SEARCH, CANCEL], read_only=False, fetches=True) == [CHAT, GET]


def test_tools_that_fetch_are_listed_only_beside_others_and_where_they_are_needed() -> None:
    assert tools_in(DEFAULT, ACEDATA, excluded=[], read_only=False, fetches=False) == [CHAT]
    assert tools_in(DEFAULT, ACEDATA, excluded=[CHAT], read_only=False, fetches=True) == []


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_read_only_lists_no_tool_that_makes_pictures_or_videos(provider: Provider) -> None:
    listed = tools_in([ALL], provider, excluded=(), read_only=True, fetches=True)
    assert {IMAGE, TEXT_TO_VIDEO, IMAGE_TO_VIDEO}.isdisjoint(listed)
    assert CHAT in listed
    assert tools_in(["image", "video"], provider, excluded=(), read_only=True, fetches=True) == []


@given(
    toolsets=st.sets(st.sampled_from([*TOOLSETS, ALL])),
    provider=st.sampled_from(list(PROVIDERS.values())),
    excluded=st.sets(st.sampled_from(list(TOOLS))),
    fetches=st.booleans(),
)
def test_read_only_only_takes_away(toolsets: set[str], provider: Provider, excluded: set[str], fetches: bool) -> None:
    free, bound = (
        tools_in(toolsets, provider, excluded=excluded, read_only=read_only, fetches=fetches)
        for read_only in (False, True)
    )
    assert [name for name in bound if name in excluded or not TOOLS[name].read_only] == []
    assert {*bound} <= {*free}


@pytest.mark.parametrize(
    ("toolsets", "provider", "missing"),
    [
        (["chat", "search", "image", "video"], "acedata", ["search", "image"]),
        (["image", "chat"], "custom", ["image"]),
        (["chat", "image"], "xai", []),
    ],
)
def test_toolset_asked_for_by_name_is_missed(toolsets: list[str], provider: str, missing: list[str]) -> None:
    assert missing_toolsets(toolsets, PROVIDERS[provider]) == missing


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_default_and_all_miss_nothing(provider: Provider) -> None:
    for toolsets in [*itertools.permutations(DEFAULT), [ALL], ["chat"]]:
        assert missing_toolsets(toolsets, provider) == []


def test_message_names_the_providers_that_have_it() -> None:
    assert lack("image", ACEDATA) == "AceData has no image tools; xAI has them"
    assert lack("video", PROVIDERS["custom"]) == "The custom API has no video tools; AceData and xAI have them"


def test_server_imports_only_the_tools_that_it_lists() -> None:
    program = (
        "import sys; from mcp_grok import Settings, create_server; create_server(Settings());"
        "print(*(name for name in sys.modules if name.startswith('mcp_grok.')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    imported, listed = ended.stdout.split(), (CHAT, GET, CANCEL)
    for name, tool in TOOLS.items():
        assert (f"mcp_grok.tools.{tool.module}" in imported) is (name in listed), name
    assert [name for name in imported if ".media" in name] == []
