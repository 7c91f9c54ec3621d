"""The APIs of AceData and xAI for pictures and videos, played by a `Replay`."""

import asyncio
import json
from collections import Counter
from typing import Any

from tests.replay import Exchange, Replay

LINK = "https://videos.example.com/clip.mp4"

PENDING = object()
"""The state of a job that is not done."""

BROKEN = object()
"""No answer: the connection closes."""


class MediaApi:
    """The behaviour of an upstream. Each request for a video creates a job, `job-1` and so on.

    Attributes:
        states: What the next questions about any job are answered: `PENDING`, `BROKEN`, a percentage, or a status and a
            body. The last one stays.
        created: The bodies of the paid requests.
        keys: The keys of all requests.
        files: The whole responses by which files are served, by path.
        asked: How often each job was asked about.
    """

    def __init__(self, upstream: Replay) -> None:
        self.states: list[Any] = [PENDING]
        self.created: list[Any] = []
        self.keys: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.pictures: tuple[int, Any] = (200, {"data": []})
        self.files: dict[str, bytes] = {}
        self.silent = False
        self._changed = asyncio.Event()
        upstream.behave = self

    def finish(self, link: str = LINK) -> None:
        """Ends every job with a video."""
        self.states = [(200, {"finished": link})]

    async def until_asked(self, job: str = "job-1", times: int = 1) -> None:
        """Waits until a job was asked about so often from now on."""
        wanted = self.asked[job] + times
        while self.asked[job] < wanted:
            await self._changed.wait()
            self._changed.clear()

    async def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.path
        if path in self.files:
            exchange.send(self.files[path])
            return
        self.keys.add(exchange.request.headers.get("authorization", "").removeprefix("Bearer "))
        if path == "/grok/tasks":
            await self._asked(exchange, exchange.request.json["id"], _acedata)
        elif path.startswith("/v1/videos/") and path != "/v1/videos/generations":
            await self._asked(exchange, path.rpartition("/")[2], _xai)
        else:
            self.created.append(exchange.request.json)
            if self.silent:
                await exchange.closed.wait()
            elif "/images/" in path:
                _answer(exchange, *self.pictures)
            else:
                job = f"job-{len(self.created)}"
                _answer(exchange, 200, {"task_id": job} if path == "/grok/videos" else {"request_id": job})

    async def _asked(self, exchange: Exchange, job: str, form: Any) -> None:
        self.asked[job] += 1
        self._changed.set()
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is BROKEN:
            exchange.hang_up()
        else:
            _answer(exchange, *form(state, job))


def _acedata(state: Any, job: str) -> tuple[int, Any]:
    if state is PENDING or isinstance(state, int):
        return 200, {"id": job, "response": {"task_id": job}}
    status, body = state
    if isinstance(body, dict) and "finished" in body:
        video = {"id": "1", "video_url": body["finished"], "state": "succeeded"}
        body = {"id": job, "response": {"success": True, "task_id": job, "data": [video]}}
    return status, body


def _xai(state: Any, job: str) -> tuple[int, Any]:
    if state is PENDING or isinstance(state, int):
        return 202, None if state is PENDING else {"status": "pending", "progress": state}
    status, body = state
    if isinstance(body, dict) and "finished" in body:
        usage = {"cost_in_usd_ticks": 3 * 10**9}
        body = {"status": "done", "video": {"url": body["finished"], "duration": 6}, "usage": usage}
    return status, body


def _answer(exchange: Exchange, status: int, body: Any) -> None:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange.send(response(content, f"{status} Status", "application/json"))


def response(content: bytes, status: str = "200 OK", content_type: str = "application/octet-stream") -> bytes:
    """A whole response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content
