"""`grok_text_to_video`: handed off, fetched and cancelled."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from mcp_grok.toolsets import CANCEL, GET, TEXT_TO_VIDEO
from tests.chat import use
from tests.conftest import settings_for
from tests.media_api import LINK, MediaApi
from tests.replay import Replay

CAT = {"prompt": "A cat", "duration": 6}


@pytest.fixture
def api(upstream: Replay) -> MediaApi:
    return MediaApi(upstream)


@pytest.fixture(params=["acedata", "xai"])
def settings(upstream: Replay, request: pytest.FixtureRequest) -> Settings:
    """Settings of a server that hands videos off soon."""
    return settings_for(upstream, provider=request.param, toolsets="video", handoff_after=0.2)


async def test_video_is_handed_off_with_its_job_and_fetched(api: MediaApi, settings: Settings) -> None:
    async with Client(create_server(settings)) as client:
        pending, is_error = await use(client, TEXT_TO_VIDEO, CAT)
        assert not is_error
        await api.until_asked()
        again, _ = await use(client, GET, {"id": pending["id"]})
        assert (pending["object"], again["object"], again["job_id"]) == ("video.pending", "video.pending", "job-1")
        [page] = (await client.read_resource(f"grok://completions/{pending['id']}")).contents
        assert isinstance(page, TextResourceContents)
        assert json.loads(page.text)["object"] == "video.pending"
        api.finish()
        answer, is_error = await use(client, GET, {"id": pending["id"], "wait": 60})
    assert not is_error
    assert (answer["object"], answer["id"], answer["videos"][0]["url"]) == ("video", "job-1", LINK)
    assert len(api.created) == 1


async def test_cancelling_says_that_the_job_is_billed(api: MediaApi, settings: Settings) -> None:
    async with Client(create_server(settings)) as client:
        pending, _ = await use(client, TEXT_TO_VIDEO, CAT)
        await api.until_asked()
        answer, is_error = await use(client, CANCEL, {"id": pending["id"]})
    assert not is_error
    assert answer["status"] == "cancelled"
    assert "job-1 goes on at the provider and is billed" in answer["message"]


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({**CAT, "image": "https://example.com/cat.png"}, "image"),
        ({**CAT, "duration": 31}, "duration"),
        ({**CAT, "resolution": "4k"}, "resolution"),
    ],
)
async def test_wrong_argument_costs_nothing(
    api: MediaApi, settings: Settings, arguments: dict[str, Any], param: str
) -> None:
    async with Client(create_server(settings)) as client:
        answer, is_error = await use(client, TEXT_TO_VIDEO, arguments)
    assert is_error
    assert (answer["error"]["param"], answer["error"]["billed"]) == (param, "no")
    assert api.created == []
