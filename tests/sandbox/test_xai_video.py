"""Videos at xAI: created, asked for until they are there, and refused."""

from typing import Any

import httpx2
import pytest

from mcp_grok.sandbox.faults import HEADER

VIDEOS = "/xai/v1/videos"
REQUEST: dict[str, Any] = {"model": "grok-imagine-video", "prompt": "A cat"}


async def _state(http: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    """The state of a new job."""
    created = await http.post(f"{VIDEOS}/generations", json={**REQUEST, **changes})
    assert (created.status_code, created.json().keys()) == (200, {"request_id"})
    return await http.get(f"{VIDEOS}/{created.json()['request_id']}")


async def test_video_is_made(http: httpx2.AsyncClient) -> None:
    answer = await _state(http, duration=15, aspect_ratio="9:16")
    state = answer.json()
    video = state.pop("video")
    usage = {"cost_in_usd_ticks": 0}
    assert answer.status_code == 200
    assert state == {"status": "done", "progress": 100, "model": "grok-imagine-video", "usage": usage}
    assert (video["duration"], video["respect_moderation"]) == (15, True)
    file = await http.get(video["url"], headers={"authorization": ""})
    assert (file.status_code, file.headers["content-type"], file.content[4:8]) == (200, "video/mp4", b"ftyp")
    assert video["url"].endswith("-9x16-15s.mp4")


async def test_unfinished_video_is_pending(http: httpx2.AsyncClient) -> None:
    answer = await _state(http, model="sandbox-slow:3600")
    assert (answer.status_code, answer.json()) == (202, {"status": "pending", "progress": 0})


async def test_moderated_video_is_not_given(http: httpx2.AsyncClient) -> None:
    state = (await _state(http, prompt="A moderated cat")).json()
    assert (state["status"], state["video"]) == ("done", {"duration": 6, "respect_moderation": False})


async def test_failed_and_expired_videos_say_so(http: httpx2.AsyncClient) -> None:
    failed = (await _state(http, model="sandbox-failed")).json()
    assert (failed["status"], failed["error"].keys()) == ("failed", {"code", "message"})
    assert (await _state(http, model="sandbox-expired")).json() == {"status": "expired"}


async def test_image_alone_is_enough(http: httpx2.AsyncClient) -> None:
    image = {"url": "https://example.com/cat.png"}
    assert (await _state(http, prompt="", image=image)).json()["status"] == "done"


async def test_missing_video_is_404(http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"{VIDEOS}/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "Some requested entity was not found")


@pytest.mark.parametrize(
    "wrong",
    [{"prompt": ""}, {"model": "grok-4.7"}, {"model": None}, {"duration": 0}, {"duration": 16}, {"aspect_ratio": "1"}],
)
async def test_malformed_request_is_refused(http: httpx2.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await http.post(f"{VIDEOS}/generations", json={**REQUEST, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, "Client specified an invalid argument")
    assert answer.json()["error"].partition(":")[0] in wrong


async def test_fault_and_key_are_as_in_chat(http: httpx2.AsyncClient) -> None:
    used_up = await http.post(f"{VIDEOS}/generations", json=REQUEST, headers={HEADER: "used_up"})
    assert (used_up.status_code, used_up.json()["code"]) == (429, "Some resource has been exhausted")
    keyless = {"authorization": "Bearer wrong"}
    for answer in (
        await http.post(f"{VIDEOS}/generations", json={}, headers=keyless),
        await http.get(f"{VIDEOS}/nothing", headers=keyless),
    ):
        assert (answer.status_code, "Incorrect API key" in answer.json()["error"]) == (400, True)
