"""The sandbox as a web application: one page a provider's path."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mcp_grok.sandbox import checks, faults
from mcp_grok.sandbox.replies import Reply
from mcp_grok.upstream.providers import ACEDATA_PATH, OPENAI_PATH, SANDBOX_KEY

CHUNK_SECONDS = 0.03
"""Pause between chunks, so that a stream can be seen to be one."""


ErrorForm = Callable[[int, str, str], Response]
"""Makes a provider's error answer of status, code and message."""


class CutConnectionError(Exception):
    """Raised in mid-answer to have the server close the connection without ending the body."""


def sandbox_app(chunk_seconds: float = CHUNK_SECONDS) -> Starlette:
    """The application.

    Args:
        chunk_seconds: Pause between the chunks of a stream.
    """

    async def acedata(request: Request) -> Response:
        return await _respond(request, "foaicmpl", chunk_seconds, _acedata_error)

    async def openai(request: Request) -> Response:
        return await _respond(request, "cmpl", chunk_seconds, _openai_error)

    return Starlette(
        routes=[
            Route(ACEDATA_PATH, acedata, methods=["POST"]),
            Route(OPENAI_PATH, openai, methods=["POST"]),
        ]
    )


def _acedata_error(status: int, code: str, message: str) -> Response:
    body = {"success": False, "error": {"code": code, "message": message}, "trace_id": str(uuid.uuid4())}
    return JSONResponse(body, status)


def _openai_error(status: int, code: str, message: str) -> Response:
    body = {"error": {"message": message, "type": "api_error", "param": None, "code": code}}
    return JSONResponse(body, status)


async def _respond(request: Request, id_prefix: str, chunk_seconds: float, error: ErrorForm) -> Response:
    if request.headers.get("authorization") != f"Bearer {SANDBOX_KEY}":
        message = f"{faults.ERRORS['invalid_token'].message} The sandbox's is {SANDBOX_KEY!r}."
        return error(401, "invalid_token", message)
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if trouble := checks.problem(body):
        return error(400, "bad_request", trouble)
    fault = faults.asked_fault(body["model"], request.headers.get(faults.HEADER))
    if fault is None:
        return _reply(body, id_prefix, chunk_seconds, None)
    if fault.name in faults.ERRORS:
        known = faults.ERRORS[fault.name]
        return error(known.status, fault.name, known.message)
    if fault.name == "success_false":
        return error(200, "api_error", faults.ERRORS["api_error"].message)
    if fault.name == "html":
        return HTMLResponse("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502)
    if fault.name == "slow":
        await anyio.sleep(fault.seconds)
    return _reply(body, id_prefix, chunk_seconds, fault)


def _reply(body: dict[str, Any], id_prefix: str, chunk_seconds: float, fault: faults.Fault | None) -> Response:
    reply = Reply(body, id_prefix)
    if body.get("stream"):
        return StreamingResponse(_stream(reply, chunk_seconds, fault), media_type="text/event-stream")
    if fault is None or fault.name not in ("cut", "stall"):
        return Response(_encoded(reply.completion()), media_type="application/json")
    return StreamingResponse(_broken_json(reply, fault), media_type="application/json")


async def _broken_json(reply: Reply, fault: faults.Fault) -> AsyncIterator[bytes]:
    content = _encoded(reply.completion())
    yield content[: len(content) // 2]
    if fault.name == "cut":
        raise CutConnectionError
    await anyio.sleep(fault.seconds)
    yield content[len(content) // 2 :]


async def _stream(reply: Reply, chunk_seconds: float, fault: faults.Fault | None) -> AsyncIterator[bytes]:
    chunks = list(reply.chunks())
    for position, chunk in enumerate(chunks):
        if fault is not None and position == len(chunks) // 2:
            async for event in _misbehaviour(fault):
                yield event
        yield b"data: " + _encoded(chunk) + b"\n\n"
        await anyio.sleep(chunk_seconds)
    yield b"data: [DONE]\n\n"


async def _misbehaviour(fault: faults.Fault) -> AsyncIterator[bytes]:
    if fault.name == "cut":
        raise CutConnectionError
    if fault.name == "stall":
        await anyio.sleep(fault.seconds)
    if fault.name == "malformed":
        yield b'data: {"choices": [{"delta": {"conte\n\n'
    if fault.name == "stream_error":
        yield b'data: {"error": {"code": "api_error", "message": "fetch failed"}}\n\n'


def _encoded(value: Any) -> bytes:
    # Half a character that the request held is no reason to fail.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
