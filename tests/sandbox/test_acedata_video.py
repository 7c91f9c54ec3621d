"""Videos at AceData: created, asked for until they are there, and refused."""

from typing import Any

import httpx2
import pytest

from mcp_grok.sandbox.faults import ERRORS, HEADER

CREATE, TASKS = "/grok/videos", "/grok/tasks"
REQUEST: dict[str, Any] = {"prompt": "A cat", "async": True}


async def _task(http: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    """The state of a new job."""
    created = await http.post(CREATE, json={**REQUEST, **changes})
    assert (created.status_code, created.json().keys()) == (200, {"task_id"})
    return await http.post(TASKS, json={"id": created.json()["task_id"], "action": "retrieve"})


async def test_video_is_made(http: httpx2.AsyncClient) -> None:
    task = (await _task(http, duration=10, aspect_ratio="1:1", resolution="720p")).json()
    assert task["request"] == {**REQUEST, "duration": 10, "aspect_ratio": "1:1", "resolution": "720p"}
    assert (task["finished_at"], task["elapsed"], task["type"]) == (task["created_at"], 0, "videos")
    response = task["response"]
    [video] = response["data"]
    assert (response["success"], response["task_id"], video["state"]) == (True, task["id"], "succeeded")
    file = await http.get(video["video_url"], headers={"authorization": ""})
    assert (file.status_code, file.headers["content-type"], file.content[4:8]) == (200, "video/mp4", b"ftyp")
    assert video["video_url"].endswith("-1x1-10s.mp4")


async def test_unfinished_video_has_no_success(http: httpx2.AsyncClient) -> None:
    task = (await _task(http, model="sandbox-slow:3600")).json()
    assert "success" not in task["response"]
    assert "finished_at" not in task


@pytest.mark.parametrize("asked", [{"async": True}, {"callback_url": "https://example.com"}])
async def test_id_comes_at_once(http: httpx2.AsyncClient, asked: dict[str, Any]) -> None:
    body = {"prompt": "A cat", "model": "sandbox-slow:3600", **asked}
    assert (await http.post(CREATE, json=body)).json().keys() == {"task_id"}


async def test_plain_request_waits_for_the_video(http: httpx2.AsyncClient) -> None:
    answer = (await http.post(CREATE, json={"prompt": "A cat", "model": "sandbox-slow:0.1"})).json()
    task = (await http.post(TASKS, json={"id": answer["task_id"]})).json()
    assert task["response"]["data"] == answer["data"]
    assert (task["elapsed"], answer["success"]) == (0.1, True)


@pytest.mark.parametrize(
    ("changes", "code"), [({"prompt": "A moderated cat"}, "forbidden"), ({"model": "sandbox-failed"}, "api_error")]
)
async def test_failure_is_in_the_task_or_the_answer(
    http: httpx2.AsyncClient, changes: dict[str, Any], code: str
) -> None:
    status, message = ERRORS[code]
    response = (await _task(http, **changes)).json()["response"]
    assert (response["success"], response["error"]) == (False, {"code": code, "message": message})
    answer = await http.post(CREATE, json={**REQUEST, **changes, "async": False})
    assert (answer.status_code, answer.json()["error"]) == (status, {"code": code, "message": message})


async def test_missing_and_expired_tasks_are_404(http: httpx2.AsyncClient) -> None:
    missing = await http.post(TASKS, json={"id": "nothing"})
    expired = await _task(http, model="sandbox-expired")
    assert (missing.status_code, expired.status_code) == (404, 404)
    assert missing.json()["error"] == {"code": "not_found", "message": "Video with id=nothing not found."}


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"model": "grok-4"},
        {"duration": 5},
        {"duration": 31},
        {"model": "grok-imagine-video:reverse", "duration": 16},
        {"model": "grok-imagine-video:official", "duration": 0},
        {"model": "grok-imagine-video-1.5:official"},
        {"duration": "long"},
        {"aspect_ratio": "16"},
    ],
)
async def test_malformed_request_is_refused(http: httpx2.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await http.post(CREATE, json={**REQUEST, **wrong})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert answer.json()["error"]["message"].partition(":")[0] in {*wrong, "image_url"}


@pytest.mark.parametrize("right", [{"duration": 30}, {"model": "grok-imagine-video:reverse", "duration": 1}])
async def test_duration_depends_on_the_model(http: httpx2.AsyncClient, right: dict[str, Any]) -> None:
    assert (await _task(http, **right)).json()["response"]["success"]


async def test_fault_and_key_are_as_in_chat(http: httpx2.AsyncClient) -> None:
    used_up = await http.post(CREATE, json=REQUEST, headers={HEADER: "used_up"})
    assert (used_up.status_code, used_up.json()["error"]["code"]) == (403, "used_up")
    for path in (CREATE, TASKS):
        answer = await http.post(path, json={}, headers={"authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
    with pytest.raises(httpx2.RemoteProtocolError):
        await http.post(CREATE, json={**REQUEST, "model": "sandbox-cut"})
