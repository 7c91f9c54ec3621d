"""The sandbox as a web application: every dialect at addresses of its own."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox import checks, faults
from mcp_grok.sandbox.dialects import DIALECTS, Dialect
from mcp_grok.sandbox.refusals import Refusal, bad_request
from mcp_grok.sandbox.replies import Reply

CHUNK_SECONDS = 0.03
"""Pause between chunks, so that a stream can be seen to be one."""


class CutConnectionError(Exception):
    """Raised in mid-answer to have the server close the connection without ending the body."""


def sandbox_app(chunk_seconds: float = CHUNK_SECONDS) -> Starlette:
    """The application.

    Args:
        chunk_seconds: Pause between the chunks of a stream.
    """
    return Starlette(routes=[route for dialect in DIALECTS.values() for route in _routes(dialect, chunk_seconds)])


def _routes(dialect: Dialect, chunk_seconds: float) -> Iterator[Route]:
    async def complete(request: Request) -> Response:
        return _wrong_key(request, dialect) or await _complete(request, dialect, chunk_seconds)

    async def list_models(request: Request) -> Response:
        return _wrong_key(request, dialect) or _model_list(dialect)

    yield Route(dialect.path, complete, methods=["POST"])
    if dialect.models:
        yield Route(dialect.models_path, list_models)


def _wrong_key(request: Request, dialect: Dialect) -> Response | None:
    authorization = request.headers.get("authorization", "")
    if authorization == f"Bearer {SANDBOX_KEY}":
        return None
    return _error(dialect, dialect.bad_key(authorization.removeprefix("Bearer ")))


def _model_list(dialect: Dialect) -> Response:
    models = [{"id": name, "object": "model", "created": 0, "owned_by": dialect.owner} for name in dialect.models]
    return _json({"object": "list", "data": models})


def _error(dialect: Dialect, refusal: Refusal) -> Response:
    status, body = dialect.error(refusal)
    return _json(body, status)


async def _complete(request: Request, dialect: Dialect, chunk_seconds: float) -> Response:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return _error(dialect, bad_request("the body is not JSON"))
    if dialect.parameters is not None and isinstance(body, dict):
        body = {name: value for name, value in body.items() if name in dialect.parameters}
    if refusal := checks.refusal(body) or dialect.refusal(body):
        return _error(dialect, refusal)
    fault = faults.asked_fault(body["model"], request.headers.get(faults.HEADER))
    if fault is None:
        return _reply(body, dialect, chunk_seconds, None)
    if fault.name in faults.ERRORS:
        return _error(dialect, _documented(fault.name))
    if fault.name == "success_false":
        return _json(dialect.error(_documented("api_error"))[1])
    if fault.name == "html":
        return HTMLResponse("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502)
    if fault.name == "slow":
        await anyio.sleep(fault.seconds)
    return _reply(body, dialect, chunk_seconds, fault)


def _documented(name: str) -> Refusal:
    return Refusal(faults.ERRORS[name].status, name, faults.ERRORS[name].message)


def _reply(body: dict[str, Any], dialect: Dialect, chunk_seconds: float, fault: faults.Fault | None) -> Response:
    reply = Reply(body, dialect)
    if body.get("stream"):
        return StreamingResponse(_stream(reply, dialect, chunk_seconds, fault), media_type="text/event-stream")
    if fault is None or fault.name not in ("cut", "stall"):
        return _json(reply.completion())
    return StreamingResponse(_broken_json(reply, fault), media_type="application/json")


async def _broken_json(reply: Reply, fault: faults.Fault) -> AsyncIterator[bytes]:
    content = _encoded(reply.completion())
    yield content[: len(content) // 2]
    if fault.name == "cut":
        raise CutConnectionError
    await anyio.sleep(fault.seconds)
    yield content[len(content) // 2 :]


async def _stream(
    reply: Reply, dialect: Dialect, chunk_seconds: float, fault: faults.Fault | None
) -> AsyncIterator[bytes]:
    chunks = list(reply.chunks())
    for position, chunk in enumerate(chunks):
        if fault is not None and position == len(chunks) // 2:
            async for event in _misbehaviour(fault, dialect):
                yield event
        yield b"data: " + _encoded(chunk) + b"\n\n"
        await anyio.sleep(chunk_seconds)
    yield b"data: [DONE]\n\n"


async def _misbehaviour(fault: faults.Fault, dialect: Dialect) -> AsyncIterator[bytes]:
    if fault.name == "cut":
        raise CutConnectionError
    if fault.name == "stall":
        await anyio.sleep(fault.seconds)
    if fault.name == "malformed":
        yield b'data: {"choices": [{"delta": {"conte\n\n'
    if fault.name == "stream_error":
        yield b"data: " + _encoded(dialect.error(_documented("api_error"))[1]) + b"\n\n"


def _json(value: Any, status: int = 200) -> Response:
    return Response(_encoded(value), status, media_type="application/json")


def _encoded(value: Any) -> bytes:
    # Half a character that the request held is no reason to fail.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
