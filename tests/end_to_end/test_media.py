"""Pictures and videos on server processes: from the paid request to the result, over restarts and lost clients."""

import asyncio
import base64
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp_types import ImageContent

from mcp_grok.toolsets import IMAGE, IMAGE_TO_VIDEO, TEXT_TO_VIDEO
from tests.chat import CANCEL, CHAT, GET, SEARCH, body_of
from tests.end_to_end.task_client import NewTask, TakesTasks, client_over, polls, result_of
from tests.http.requests import call, post
from tests.http.requests import result_of as result_over_http
from tests.media_api import PENDING, MediaApi, response
from tests.process import MCP_GROK, environment, modern_call, server_process, serving
from tests.replay import COMPLETION, Held, Replay
from tests.upstream.media.samples import MP4, PNG
from tests.valkey import Valkey

CAT = {"prompt": "A cat"}
LAMP = {"prompt": "A lamp", "image": "https://example.com/lamp.png"}
MEDIA: dict[str, Any] = {"toolsets": "all"}
TOOLS = {"acedata": (IMAGE_TO_VIDEO, LAMP), "xai": (TEXT_TO_VIDEO, CAT)}

LIMIT = 20.0


@pytest.fixture
def api(upstream: Replay) -> MediaApi:
    return MediaApi(upstream)


@asynccontextmanager
async def doomed(upstream: Replay, **settings: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A process that serves over HTTP, and its URL; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(*MCP_GROK, "serve", "--transport", "http", "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(upstream, **settings)},
    )
    assert process.stderr is not None
    try:
        while "listening on" not in (line := (await process.stderr.readline()).decode()):
            assert line
        yield line.split()[-1], process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def fetched(url: str, call_id: str) -> Any:
    """The answer of a call, asked for until it is there."""
    async with asyncio.timeout(LIMIT):
        while True:
            body = await call(url, GET, {"id": call_id, "wait": 5})
            retryable = body.get("error", {}).get("retryable")
            if body.get("object") != "video.pending" and not retryable:
                return body
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("way", ["stdio", "http"])
@pytest.mark.parametrize("provider", ["acedata", "xai"])
async def test_video_is_made_with_progress_and_cost(api: MediaApi, upstream: Replay, way: str, provider: str) -> None:
    link = f"{upstream.base_url}/clip.mp4"
    api.states = [PENDING, 10, 60, (200, {"finished": link})]
    seen: list[str] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    tool, arguments = TOOLS[provider]
    async with client_over(way, upstream, **MEDIA, provider=provider) as client:
        result = await client.call_tool(tool, arguments, progress_callback=show)
    body, meta = body_of(result), result.meta or {}
    assert not result.is_error, body
    assert (body["object"], body["id"], body["videos"][0]["url"]) == ("video", "job-1", link)
    assert body["expires_at"] > 0
    if provider == "xai":
        assert "".join(seen) == "[video] 10 %\n[video] 60 %\n"
        assert meta["mcp-grok/cost"] == {"amount": 0.3, "currency": "USD"}
    assert len(api.created) == 1
    assert "/clip.mp4" not in [request.path for request in upstream.requests]


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_picture_is_shown_and_its_cost_is_stated(api: MediaApi, upstream: Replay, way: str) -> None:
    link = f"{upstream.base_url}/cat.png"
    api.files["/cat.png"] = response(PNG)
    answer = {"data": [{"url": link, "mime_type": "image/png"}], "usage": {"cost_in_usd_ticks": 2 * 10**8}}
    api.pictures = 200, answer
    async with client_over(way, upstream, **MEDIA, provider="xai") as client:
        result = await client.call_tool(IMAGE, CAT)
    picture, body = result.content[1], body_of(result)
    assert (body["object"], body["images"][0]["url"]) == ("image", link)
    assert isinstance(picture, ImageContent)
    assert base64.b64decode(picture.data) == PNG
    assert (result.meta or {})["mcp-grok/cost"] == {"amount": 0.02, "currency": "USD"}
    assert len(api.created) == 1


async def test_video_is_handed_off_or_becomes_a_task_and_is_cancelled(api: MediaApi, upstream: Replay) -> None:
    settings = {**MEDIA, "handoff_after": "0.3", "task_after": "0.3"}
    async with serving(upstream, "http", "--drain", "0", **settings) as (url, _):
        pending = await call(url, TEXT_TO_VIDEO, CAT)
        assert (pending["object"], pending["job_id"]) == ("video.pending", "job-1")
        again = await call(url, GET, {"id": pending["id"]})
        assert (again["object"], again["job_id"]) == ("video.pending", "job-1")
        async with Client(url, extensions=[TakesTasks()]) as client:
            task = await client.session.call_tool(TEXT_TO_VIDEO, {"prompt": "A dog"}, allow_claimed=True)
            assert isinstance(task, NewTask), task
            stopped = await call(url, TEXT_TO_VIDEO, {"prompt": "A bird"})
            assert await call(url, CANCEL, {"id": stopped["id"]}) == {
                "object": "video.cancelled",
                "id": stopped["id"],
                "status": "cancelled",
                "message": "This server no longer waits for the video. Its job job-3 goes on at the provider and is "
                "billed.",
            }
            api.finish()
            *_, done = [polled async for polled in polls(client.session, task)]
            assert body_of(result_of(done))["id"] == "job-2"
        assert (await fetched(url, pending["id"]))["id"] == "job-1"
        error = (await fetched(url, stopped["id"]))["error"]
    assert (error["code"], error["billed"]) == ("cancelled", "yes")
    assert "job-3" in error["message"]
    assert len(api.created) == 3


async def test_killed_server_loses_no_video(api: MediaApi, upstream: Replay, tmp_path: Path) -> None:
    given = environment(upstream, **MEDIA, store=f"disk:{tmp_path / 'store'}", handoff_after="0.3")
    tool = {"name": TEXT_TO_VIDEO, "arguments": CAT}
    dog = {"name": TEXT_TO_VIDEO, "arguments": {"prompt": "A dog"}}
    async with server_process(given) as server:
        pending = body_of(await server.request("tools/call", tool))
        server.ask("tools/call", dog)
        await api.until_asked("job-2")
        server.process.kill()
    api.finish()
    async with server_process(given) as server:
        get = {"name": GET, "arguments": {"id": pending["id"], "wait": 10}}
        assert body_of(await server.request("tools/call", get))["id"] == "job-1"
        repeat = await server.request("tools/call", dog)
        assert body_of(repeat)["id"] == "job-2"
        assert "mcp-grok/picked_up" in repeat["_meta"]
        assert "mcp-grok/lost" not in repeat["_meta"]
    assert len(api.created) == 2


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_server_that_is_stopped_hands_its_videos_off(
    api: MediaApi, upstream: Replay, tmp_path: Path, way: str
) -> None:
    settings = {**MEDIA, "store": f"disk:{tmp_path / 'store'}", "handoff_after": "0"}
    if way == "stdio":
        async with server_process(environment(upstream, **settings)) as server:
            _, answer = server.ask("tools/call", {"name": TEXT_TO_VIDEO, "arguments": CAT})
            await api.until_asked()
            server.process.terminate()
            pending = body_of((await asyncio.wait_for(answer, LIMIT))["result"])
    else:
        async with serving(upstream, way, "--drain", "0.2", **settings) as (url, process):
            asking = asyncio.create_task(call(url, TEXT_TO_VIDEO, CAT))
            await api.until_asked()
            process.terminate()
            pending = await asking
    assert (pending["object"], pending["job_id"]) == ("video.pending", "job-1")
    api.finish()
    async with serving(upstream, "http", **settings) as (url, _):
        assert (await fetched(url, pending["id"]))["id"] == "job-1"
    assert len(api.created) == 1


async def test_end_of_input_while_a_video_is_asked_for_loses_nothing(
    api: MediaApi, upstream: Replay, tmp_path: Path
) -> None:
    given = environment(upstream, **MEDIA, store=f"disk:{tmp_path / 'store'}")
    tool = {"name": TEXT_TO_VIDEO, "arguments": CAT}
    held = Held(upstream)
    async with server_process(given) as server:
        server.ask("tools/call", tool)
        await upstream.exchanges.get()
        server.close_stdin()
        held.release.set()
        await server.process.wait()
    api.finish()
    async with server_process(given) as server:
        repeat = await server.request("tools/call", tool)
    assert body_of(repeat)["id"] == "job-1"
    assert "mcp-grok/lost" not in repeat["_meta"]
    assert len(api.created) == 1


async def test_signal_while_a_video_is_asked_for_hands_it_off(api: MediaApi, upstream: Replay, tmp_path: Path) -> None:
    held = Held(upstream)
    settings = {**MEDIA, "store": f"disk:{tmp_path / 'store'}", "handoff_after": "0"}
    async with server_process(environment(upstream, **settings)) as server:
        _, answer = server.ask("tools/call", {"name": TEXT_TO_VIDEO, "arguments": CAT})
        await upstream.exchanges.get()
        server.process.terminate()
        held.release.set()
        pending = body_of((await asyncio.wait_for(answer, LIMIT))["result"])
    assert (pending["object"], pending["job_id"]) == ("video.pending", "job-1")


@pytest.mark.parametrize("tool", [TEXT_TO_VIDEO, IMAGE])
async def test_repeat_of_a_client_that_went_away_is_not_paid_again(api: MediaApi, upstream: Replay, tool: str) -> None:
    api.pictures = 200, {"data": [{"url": "https://pictures.example.invalid/cat.png"}]}
    held = Held(upstream)
    headers, request = modern_call(tool, CAT)
    async with serving(upstream, "http", "--drain", "0", **MEDIA, provider="xai") as (url, _):
        async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT) as client:
            asking = asyncio.create_task(client.post(url, json=request, headers=headers))
            await upstream.exchanges.get()
            if tool == TEXT_TO_VIDEO:
                held.release.set()
                await api.until_asked()
            asking.cancel()
            await asyncio.wait([asking])
        repeating = asyncio.create_task(post(url, tool, CAT))
        held.release.set()
        if tool == TEXT_TO_VIDEO:
            await api.until_asked()
            api.finish()
        result = result_over_http(await repeating)
    assert not result.get("isError"), result
    assert "mcp-grok/picked_up" in result["_meta"]
    assert len(api.created) == 1


async def test_second_server_goes_on_with_the_videos_of_a_killed_one(
    api: MediaApi, upstream: Replay, valkey: Valkey
) -> None:
    settings = {**MEDIA, "store": valkey.url, "handoff_after": "0.5", "provider": "xai"}
    async with doomed(upstream, **settings) as (first, process), serving(upstream, "http", **settings) as (other, _):
        pending = await call(first, TEXT_TO_VIDEO, CAT)
        assert pending["job_id"] == "job-1"
        following = asyncio.create_task(call(other, GET, {"id": pending["id"], "wait": 30}))
        await api.until_asked()
        process.kill()
        await process.wait()
        await api.until_asked()
        api.finish()
        assert (await following)["id"] == "job-1"
    assert len(api.created) == 1


async def test_file_lands_in_the_folder_whole_and_nowhere_else(api: MediaApi, upstream: Replay, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "made"
    folder.parent.mkdir()
    given = environment(upstream, **MEDIA, provider="xai", output_dir=str(folder))
    odd = "/..%2f..%2fescaped/%00;name=../../.bashrc"
    api.files = {
        f"{odd}.png": response(PNG, content_type="text/html"),
        "/page.png": response(b"<html>Not a picture</html>", content_type="image/png"),
        "/absent.png": response(b"", status="404 Not Found"),
        f"{odd}.exe": response(MP4, content_type="application/x-msdownload"),
    }
    named = {"mime_type": "../../../image/x-sh", "file": "/etc/passwd", "revised_prompt": "../.."}
    links = [f"{odd}.png", "/page.png", "/absent.png"]
    pictures = [{"url": f"{upstream.base_url}{path}", **named} for path in links]
    encoded = {"b64_json": base64.b64encode(PNG).decode(), **named}
    api.pictures = 200, {"data": [*pictures, encoded]}
    api.finish(f"{upstream.base_url}{odd}.exe")
    async with server_process({**given, "HOME": str(folder.parent)}) as server:
        made = body_of(await server.request("tools/call", {"name": IMAGE, "arguments": CAT}))["images"]
        video = body_of(await server.request("tools/call", {"name": TEXT_TO_VIDEO, "arguments": CAT}))["videos"][0]
    assert ["none of" in made[1]["file_error"], "404" in made[2]["file_error"]] == [True, True]
    assert ["file" in made[1], "file" in made[2], "b64_json" in made[3]] == [False] * 3
    kept = {Path(made[0]["file"]): PNG, Path(made[3]["file"]): PNG, Path(video["file"]): MP4}
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == kept
    assert {path.parent for path in kept} == {folder}
    assert {path.suffix for path in kept} == {".png", ".mp4"}
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


async def test_nothing_is_written_for_clients_over_http(api: MediaApi, upstream: Replay, tmp_path: Path) -> None:
    api.files["/cat.png"] = response(PNG)
    api.pictures = 200, {"data": [{"url": f"{upstream.base_url}/cat.png"}]}
    settings = {**MEDIA, "provider": "xai", "output_dir": str(tmp_path / "made")}
    async with doomed(upstream, **settings) as (url, _):
        [picture] = (await call(url, IMAGE, CAT))["images"]
    assert picture == {"url": f"{upstream.base_url}/cat.png"}
    assert not list(tmp_path.iterdir())


async def test_without_its_toolsets_nothing_of_it_is_listed_or_imported(upstream: Replay, tmp_path: Path) -> None:
    given = environment(upstream, provider="xai", store=f"disk:{tmp_path / 'store'}")
    modules = tmp_path / "modules"
    script = (
        "import atexit, pathlib, runpy, sys\n"
        f"atexit.register(lambda: pathlib.Path({str(modules)!r}).write_text('\\n'.join(sys.modules)))\n"
        "runpy.run_module('mcp_grok', run_name='__main__')\n"
    )
    async with server_process(given, (sys.executable, "-c", script)) as server:
        listed = await server.request("tools/list", {})
        assert body_of(await server.grok()) == COMPLETION
    assert [tool["name"] for tool in listed["tools"]] == [CHAT, SEARCH, GET, CANCEL]
    imported = modules.read_text(encoding="utf-8").splitlines()
    assert "mcp_grok.tools.chat" in imported
    own = [name for name in imported if name.startswith(("mcp_grok.", "httpcore2."))]
    assert not [name for name in own if "media" in name or "video" in name or "generate_image" in name]
    assert len(upstream.requests) == 1
