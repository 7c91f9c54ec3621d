"""`grok_image_to_video`: what it sends for each API, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mcp_grok.server import create_server
from mcp_grok.toolsets import IMAGE_TO_VIDEO
from tests.chat import use
from tests.conftest import settings_for
from tests.media_api import LINK, MediaApi
from tests.replay import Replay

IMAGE = "https://example.com/cat.png"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAYAAAA="


@pytest.mark.parametrize(
    ("provider", "sent"),
    [
        ("acedata", {"image_url": IMAGE, "model": "grok-imagine-video-1.5-fast:reverse", "async": True}),
        ("xai", {"image": {"url": IMAGE}, "model": "grok-imagine-video"}),
    ],
)
async def test_image_is_sent_as_the_api_documents_it(upstream: Replay, provider: str, sent: dict[str, Any]) -> None:
    api = MediaApi(upstream)
    api.finish()
    async with Client(create_server(settings_for(upstream, provider=provider, toolsets="video"))) as client:
        answer, is_error = await use(client, IMAGE_TO_VIDEO, {"image": IMAGE})
    assert not is_error
    assert answer["videos"][0]["url"] == LINK
    assert api.created == [sent]


@pytest.mark.parametrize(
    ("provider", "arguments", "param"),
    [
        *[(provider, {"prompt": "It jumps"}, "image") for provider in ("acedata", "xai")],
        *[(provider, {"image": "/etc/passwd"}, "image") for provider in ("acedata", "xai")],
        *[(provider, {"image": IMAGE, "images": [IMAGE]}, "images") for provider in ("acedata", "xai")],
        ("acedata", {"image": PNG}, "image"),
        ("xai", {"image": IMAGE, "reference_images": [IMAGE]}, "reference_images"),
    ],
)
async def test_wrong_argument_costs_nothing(
    upstream: Replay, provider: str, arguments: dict[str, Any], param: str
) -> None:
    api = MediaApi(upstream)
    async with Client(create_server(settings_for(upstream, provider=provider, toolsets="video"))) as client:
        answer, is_error = await use(client, IMAGE_TO_VIDEO, arguments)
    assert is_error
    assert (answer["error"]["param"], answer["error"]["billed"]) == (param, "no")
    assert api.created == []


async def test_image_of_an_allowed_folder_is_read(upstream: Replay, tmp_path: Path) -> None:
    api = MediaApi(upstream)
    api.finish()
    (tmp_path / "cat.gif").write_bytes(b"GIF89a no picture that xAI reads")
    settings = settings_for(upstream, provider="xai", toolsets="video", allowed_dirs=str(tmp_path))
    async with Client(create_server(settings)) as client:
        answer, is_error = await use(client, IMAGE_TO_VIDEO, {"image": str(tmp_path / "cat.gif")})
    assert is_error
    assert answer["error"]["param"] == "image"
    assert api.created == []
