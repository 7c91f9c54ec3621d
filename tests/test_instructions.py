"""The server's instructions, for every provider and every choice of tools."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mcp_grok.instructions import instructions
from mcp_grok.providers import PROVIDERS
from mcp_grok.server import create_server, tools_in_force
from mcp_grok.settings import Settings
from mcp_grok.toolsets import CANCEL, CHAT, IMAGE, IMAGE_TO_VIDEO, SEARCH, TEXT_TO_VIDEO

MAX_BYTES = 2000


def settings_with(provider: str, **changes: Any) -> Settings:
    """Settings of a provider."""
    return Settings(provider=provider, base_url="https://api.example.com", **changes)


def text_for(provider: str, **changes: Any) -> str:
    """The instructions of a server with these settings."""
    settings = settings_with(provider, **changes)
    return instructions(settings, tools_in_force(settings))


CHOICES = [
    {
        "handoff_after": seconds,
        "max_result_bytes": size,
        "allowed_dirs": folders,
        "exclude_tools": excluded,
        "toolsets": toolsets,
    }
    for seconds, size, folders, excluded, toolsets in product(
        (0, 50, 86_399.5), (0, 100_000), ("", str(Path("/pictures").absolute())), ("", CANCEL), ("chat,search", "all")
    )
]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_instructions_are_short_and_name_the_listed_tools_alone(provider: str) -> None:
    for changes in CHOICES:
        text = text_for(provider, **changes)
        assert len(text.encode()) <= MAX_BYTES
        named = set(re.findall(r"grok_\w+", text))
        listed = set(tools_in_force(settings_with(provider, **changes)))
        assert named <= listed
        assert {CHAT, SEARCH, IMAGE, TEXT_TO_VIDEO, IMAGE_TO_VIDEO} & listed <= named


@pytest.mark.parametrize("provider", PROVIDERS)
def test_handoff_is_explained_only_where_it_is_on(provider: str) -> None:
    assert "after 50 s returns chat.completion.pending" in text_for(provider)
    without = text_for(provider, handoff_after=0)
    assert "pending" not in without
    assert "offset" in without
    assert "offset" not in text_for(provider, max_result_bytes=0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_search_is_explained_only_where_it_is_listed(provider: str) -> None:
    assert ("search" in text_for(provider)) is (provider in ("xai", "sandbox"))


def test_chat_is_explained_only_where_it_is_listed() -> None:
    text = text_for("xai", toolsets="search")
    assert text.startswith(SEARCH)
    assert [word for word in (CHAT, "image_url", "conversation") if word in text] == []


@pytest.mark.parametrize(
    ("toolsets", "pending"),
    [
        ("image", "image.pending"),
        ("video", "video.pending"),
        ("image,video", "image.pending or video.pending"),
        ("search,video", "chat.completion.pending or video.pending"),
    ],
)
def test_pending_results_are_those_of_the_listed_tools(toolsets: str, pending: str) -> None:
    assert f"after 50 s returns {pending} with an id" in text_for("xai", toolsets=toolsets)


@pytest.mark.parametrize("toolsets", ["image", "video", "image,video"])
def test_prices_of_text_and_its_cutting_are_left_out_where_only_media_is_made(toolsets: str) -> None:
    text = text_for("xai", toolsets=toolsets)
    assert [word for word in ("token", "reasoning_effort", "offset", "image_url") if word in text] == []
    assert "charged" in text
    assert "billed" in text


def test_image_example_is_json() -> None:
    [example] = re.findall(r'\{"type":"image_url".*?\}\}', text_for("xai"))
    assert json.loads(example) == {"type": "image_url", "image_url": {"url": "…"}}
    assert "file" not in text_for("xai").rpartition("\n")[2]
    assert "path of a file" in text_for("xai", allowed_dirs=str(Path("/pictures").absolute()))


def test_only_the_sandbox_says_that_its_answers_are_made_up() -> None:
    assert [provider for provider in PROVIDERS if "made up" in text_for(provider)] == ["sandbox"]


async def test_client_gets_the_instructions() -> None:
    settings = settings_with("xai")
    async with Client(create_server(settings)) as client:
        assert client.instructions == text_for("xai")
