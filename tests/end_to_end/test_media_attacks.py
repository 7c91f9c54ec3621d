"""Attacks with pictures and videos on a server process: of the API, of the hosts that it names, and of callers."""

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from mcp_grok.auth.tokens import new_token
from mcp_grok.limits import MIB, SHARED_CALLS_AT_ONCE, SHUTDOWN_TIMEOUT
from mcp_grok.toolsets import IMAGE, TEXT_TO_VIDEO
from tests.chat import CANCEL, CHAT, GET, HELLO, body_of
from tests.end_to_end.callers import PATIENCE, answered_soon, client_of
from tests.end_to_end.test_attacks import DRAIN
from tests.http.requests import EMPTY_LISTS, result_of
from tests.media_api import MediaApi, response
from tests.process import environment, modern_call, server_process, serving
from tests.replay import COMPLETION, Exchange, Replay
from tests.upstream.media.samples import PNG

MEDIA: dict[str, Any] = {"toolsets": "all", "provider": "xai"}
CREATION, IMAGES, VIDEOS = "/v1/videos/generations", "/v1/images/generations", "/v1/videos/"

JOB_IDS: list[Any] = [
    *("../../v1/images/generations", "a/b", "a?b", "a#b", "a b", "a\r\nx: y", "%2e%2e", "", ".", "é"),
    *("x" * 10**6, 7, None, True, ["a"], {"id": "a"}),
]


async def told(client: httpx2.AsyncClient, url: str, tool: str, arguments: Any) -> Any:
    """The JSON that a tool gives a caller."""
    return await answer_to(client, url, *encoded_call(tool, arguments))


def encoded_call(tool: str, arguments: Any) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a call."""
    headers, request = modern_call(tool, arguments)
    return {**headers, "content-type": "application/json"}, json.dumps(request).encode()


async def answer_to(client: httpx2.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> Any:
    """The JSON that a caller gets for an encoded call."""
    return body_of(result_of(await client.post(url, content=body, headers=headers)))


async def test_job_id_that_is_none_is_not_asked_about(upstream: Replay) -> None:
    ids = iter(JOB_IDS)

    async def behave(exchange: Exchange) -> None:
        exchange.send(response(json.dumps({"request_id": next(ids)}).encode()))

    upstream.behave = behave
    async with serving(upstream, "http", **MEDIA) as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        for number, job_id in enumerate(JOB_IDS):
            error = (await told(client, url, TEXT_TO_VIDEO, {"prompt": str(number)}))["error"]
            assert (error["code"], error["billed"]) == ("bad_upstream_response", "unknown"), job_id
            assert len(json.dumps(error)) < 5000
    assert {request.path for request in upstream.requests} == {CREATION}


COSTS = [b"-1", b'"x"', b"true", b"[1]", b"1e400", b"NaN", b"-Infinity", b"1" * 5000, b"1e15"]
PERCENTAGES = [b"-1", b"1e300", b"101", b'"60"', b"[60]", b"true", b"12.5"]


async def test_absurd_costs_and_percentages_count_for_nothing(upstream: Replay, tmp_path: Path) -> None:
    costs, percentages = iter(COSTS), iter(PERCENTAGES)

    async def behave(exchange: Exchange) -> None:
        path = exchange.request.path
        if path == IMAGES:
            body = b'{"data": [{"url": "https://x.invalid/"}], "usage": {"cost_in_usd_ticks": %s}}' % next(costs)
        elif path == CREATION:
            body = b'{"request_id": "job"}'
        elif percentage := next(percentages, None):
            body = b'{"status": "pending", "progress": %s}' % percentage
        else:
            body = b'{"status": "done", "video": {"url": "https://x.invalid/"}}'
        exchange.send(response(body))

    upstream.behave = behave
    tokens = tmp_path / "tokens"
    options = ("--token-file", str(tokens), "--tokens-per-day", "1000000")
    async with (
        client_of(new_token(tokens, "ann")) as ann,
        client_of(new_token(tokens, "bob")) as bob,
        serving(upstream, "http", *options, **MEDIA) as (url, _),
    ):
        bodies = [await told(ann, url, IMAGE, {"prompt": str(number)}) for number, _ in enumerate(COSTS)]
        assert [body.get("object") or body["error"]["code"] for body in bodies] == [
            *["image"] * 4,
            *["bad_upstream_response"] * 4,
            "image",
        ]
        refused = await told(ann, url, IMAGE, {"prompt": "One more"})
        assert refused["error"]["code"] == "limit_reached"
        video = await told(bob, url, TEXT_TO_VIDEO, {"prompt": "A cat"})
    assert video["object"] == "video"


def hostile_links(upstream: Replay, canary: Replay) -> list[str]:
    """Links of an API to what is not its own."""
    local = f"http://127.0.0.1:{canary.port}"
    return [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:169.254.169.254]/",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "https://0x7f.1/",
        f"http://user:password@127.0.0.1:{canary.port}/",
        f"http://127.0.0.1:{canary.port}@169.254.169.254/",
        f"{local}/#fragment",
        f"{local}\\@example.com/",
        f"{upstream.base_url}/to-canary",
        f"{upstream.base_url}/to-metadata",
        f"{upstream.base_url}/in-a-circle",
        f"{upstream.base_url}/without-a-length",
        f"{upstream.base_url}/cut",
    ]


@pytest.mark.parametrize("kept", [True, False], ids=["with a folder", "as a preview"])
async def test_link_to_a_private_place_is_not_followed(upstream: Replay, tmp_path: Path, kept: bool) -> None:
    api = MediaApi(upstream)
    async with Replay() as canary:
        links = hostile_links(upstream, canary)
        redirect = "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n"
        api.files = {
            "/to-canary": redirect.format(f"http://127.0.0.1:{canary.port}/").encode(),
            "/to-metadata": redirect.format("http://169.254.169.254/").encode(),
            "/in-a-circle": redirect.format("/in-a-circle").encode(),
            "/without-a-length": b"HTTP/1.1 200 OK\r\n\r\n" + PNG,
            "/cut": b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\nconnection: close\r\n\r\n" + PNG,
        }
        folder = {"output_dir": str(tmp_path / "made")} if kept else {}
        async with server_process(environment(upstream, **MEDIA, **folder)) as server:
            for number, link in enumerate(links):
                api.pictures = 200, {"data": [{"url": link}]}
                tool = {"name": IMAGE, "arguments": {"prompt": str(number)}}
                asking = server.ask("tools/call", tool)[1]
                if link.endswith("/cut"):
                    while (exchange := await upstream.exchanges.get()).request.path != "/cut":
                        pass
                    exchange.hang_up()
                result = (await asyncio.wait_for(asking, 10))["result"]
                [image] = body_of(result)["images"]
                assert not result.get("isError"), link
                assert len(result["content"]) == 1, link
                assert ("file_error" in image) == kept, link
                assert "password" not in image.get("file_error", "")
        assert canary.connections == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_video_of_another_caller_is_not_found(upstream: Replay, tmp_path: Path) -> None:
    api, tokens = MediaApi(upstream), tmp_path / "tokens"
    options = ("--token-file", str(tokens), "--drain", "0")
    async with (
        client_of(new_token(tokens, "ann")) as ann,
        client_of(new_token(tokens, "bob")) as bob,
        serving(upstream, "http", *options, **MEDIA, handoff_after="0.2") as (url, _),
    ):
        pending = await told(ann, url, TEXT_TO_VIDEO, {"prompt": "A cat"})
        for known in (pending["id"], pending["job_id"]):
            for tool in (GET, CANCEL):
                error = (await told(bob, url, tool, {"id": known}))["error"]
                assert (error["code"], "job" in error["message"].replace(known, "")) == ("not_found", False)
        own = await told(bob, url, TEXT_TO_VIDEO, {"prompt": "A cat"})
        assert (own["job_id"], own["id"] != pending["id"]) == ("job-2", True)
        api.finish()
        assert (await told(ann, url, GET, {"id": pending["id"], "wait": 10}))["id"] == "job-1"
    assert len(api.created) == 2


async def pour(exchange: Exchange) -> None:
    """Sends a body that does not end."""
    exchange.head(content_type="image/png")
    exchange.chunk(PNG)
    while True:
        exchange.chunk(b" " * MIB)
        await exchange.writer.drain()


def picture(url: str) -> bytes:
    """An answer with the link of a picture."""
    return json.dumps({"data": [{"url": url}]}).encode()


def prompted(exchange: Exchange) -> str:
    """The first word of a prompt."""
    found = re.search(rb'"prompt":"(\w+)', exchange.request.body)
    assert found is not None
    return found[1].decode()


class Hostile:
    """An API whose pictures, and answers about videos, are those that the prompt names."""

    def __init__(self, upstream: Replay) -> None:
        link = f"{upstream.base_url}/files/"
        encoded = base64.b64encode(PNG * (45 * MIB // len(PNG)))
        self.bodies: dict[str, bytes | None] = {
            "endless": None,
            "lists": EMPTY_LISTS,
            "deep": b"[" * MIB,
            "pending": b'{"status": "pending"}',
            "large": picture(f"{link}large"),
            "pouring": picture(f"{link}pour"),
            "base64": b'{"data": [{"b64_json": "%s"}]}' % encoded,
            "chat": json.dumps(COMPLETION).encode(),
        }
        self._large = PNG * (30 * MIB // len(PNG))
        upstream.behave = self

    async def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.path
        if path.startswith("/files/"):
            await (pour(exchange) if path.endswith("pour") else self._send(exchange, self._large))
        elif path == CREATION:
            name = prompted(exchange)
            await self._send(exchange, json.dumps({"request_id": name}).encode())
        else:
            is_picture, is_video = path == IMAGES, path.startswith(VIDEOS)
            name = prompted(exchange) if is_picture else path.removeprefix(VIDEOS)
            body = self.bodies[name if is_picture or is_video else "chat"]
            await (pour(exchange) if body is None else self._send(exchange, body))

    async def _send(self, exchange: Exchange, content: bytes) -> None:
        exchange.send(response(content))
        await exchange.writer.drain()


ATTACKS: dict[str, tuple[str, str, int]] = {
    "an answer about a video that does not end": (TEXT_TO_VIDEO, "endless", 3),
    "an answer about a video with millions of items": (TEXT_TO_VIDEO, "lists", 3),
    "an answer about a video that is nested deeply": (TEXT_TO_VIDEO, "deep", 3),
    "an answer with millions of items": (IMAGE, "lists", 3),
    "an answer that does not end": (IMAGE, "endless", 3),
    "a picture that does not end": (IMAGE, "pouring", 10),
    "a picture of 30 MB": (IMAGE, "large", 10),
    "60 MB of base64": (IMAGE, "base64", 2),
    "prompts of 30 MB": (TEXT_TO_VIDEO, "pending " + "x" * 30 * MIB, 2),
    "100 videos at once": (TEXT_TO_VIDEO, "pending", 100),
}
"""The tool, the prompt and how many at once."""


@pytest.mark.alone
@pytest.mark.parametrize("name", ATTACKS)
async def test_attack_stops_neither_another_caller_nor_a_signal(upstream: Replay, tmp_path: Path, name: str) -> None:
    Hostile(upstream)
    tokens = tmp_path / "tokens"
    options = ("--token-file", str(tokens), "--drain", str(DRAIN))
    tool, prompt, times = ATTACKS[name]
    # Encoded before, and read in part: the time of this process is not the server's.
    calls = [encoded_call(tool, {"prompt": f"{prompt} {number}"}) for number in range(times)]
    async with (
        client_of(new_token(tokens, "ann")) as ann,
        client_of(new_token(tokens, "bob")) as bob,
        serving(upstream, "http", *options, **MEDIA, handoff_after=str(PATIENCE)) as (url, process),
    ):
        attack = asyncio.gather(*(answer_to(ann, url, *each) for each in calls), return_exceptions=True)
        number = 0
        while number < 3 or not attack.done():
            number += 1
            with answered_soon(process.pid):
                assert await told(bob, url, CHAT, {**HELLO, "user": str(number)}) == COMPLETION
        if times > SHARED_CALLS_AT_ONCE:
            results: list[Any] = await attack
            refused = [result for result in results if "error" in result]
            assert {result["error"]["code"] for result in refused} == {"limit_reached"}
            assert len(results) - len(refused) == SHARED_CALLS_AT_ONCE
        process.terminate()
        with anyio.fail_after(DRAIN + SHUTDOWN_TIMEOUT + PATIENCE):
            await process.wait()
