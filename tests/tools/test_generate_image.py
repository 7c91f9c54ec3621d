"""`grok_generate_image`: what it sends, and what comes back."""

import base64
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import ImageContent

from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.toolsets import IMAGE
from tests.chat import body_of, use
from tests.conftest import settings_for
from tests.media_api import MediaApi
from tests.replay import Replay

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAAAAAAeQfPuAAAAD0lEQVR42mNoQAMMg0QAAIXUSAG1CN3UAAAAAElFTkSuQmCC"
)
PICTURE = {"b64_json": base64.b64encode(PNG).decode()}


@pytest.fixture
def api(upstream: Replay) -> MediaApi:
    return MediaApi(upstream)


@pytest.fixture
def settings(upstream: Replay, tmp_path: Path) -> Settings:
    """Settings of a server that saves its pictures."""
    return settings_for(upstream, provider="xai", toolsets="image", output_dir=str(tmp_path / "made"))


async def test_pictures_are_saved_and_the_first_is_shown(api: MediaApi, settings: Settings, tmp_path: Path) -> None:
    api.pictures = (200, {"data": [PICTURE, PICTURE], "usage": {"cost_in_usd_ticks": 400_000_000}})
    async with Client(create_server(settings)) as client:
        result = await client.call_tool(IMAGE, {"prompt": "A cat", "n": "2"})
    answer, shown = body_of(result), result.content[1:]
    assert not result.is_error
    assert api.created == [
        {"prompt": "A cat", "n": 2, "model": "grok-imagine-image", "response_format": "url"},
    ]
    files = [Path(image["file"]) for image in answer["images"]]
    assert [file.read_bytes() for file in files] == [PNG, PNG]
    assert {file.parent for file in files} == {tmp_path / "made"}
    assert shown == [ImageContent(data=PICTURE["b64_json"], mime_type="image/png")]
    assert (result.meta or {})["mcp-grok/cost"] == {"amount": 0.04, "currency": "USD"}


async def test_moderated_picture_is_an_error_with_its_bill(api: MediaApi, settings: Settings) -> None:
    api.pictures = (200, {"data": [{"respect_moderation": False}], "usage": {"cost_in_usd_ticks": 200_000_000}})
    async with Client(create_server(settings)) as client:
        answer, is_error = await use(client, IMAGE, {"prompt": "A cat"})
    assert is_error
    assert (answer["error"]["code"], answer["error"]["billed"]) == ("content_filter", "yes")
    assert "0.02 USD" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "A cat", "size": "1k"}, "size"),
        ({"prompt": "A cat", "n": 11}, "n"),
        ({"prompt": "A cat", "aspect_ratio": "5:1"}, "aspect_ratio"),
        ({"prompt": "A cat", "images": ["/etc/passwd"]}, "images[0]"),
        ({"prompt": "A cat", "images": ["https://example.com/cat.png"] * 4}, "images"),
    ],
)
async def test_wrong_argument_costs_nothing(
    api: MediaApi, settings: Settings, arguments: dict[str, Any], param: str
) -> None:
    async with Client(create_server(settings)) as client:
        answer, is_error = await use(client, IMAGE, arguments)
    assert is_error
    assert (answer["error"]["param"], answer["error"]["billed"]) == (param, "no")
    assert api.created == []
