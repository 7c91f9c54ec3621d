"""The sandbox as a web application: completions and the list of models of each API."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.chat_completion import ChatCompletion
from mcp_grok.sandbox.chat_request import ChatRequest
from mcp_grok.sandbox.faults import HEADER, Fault, documented_error, requested_fault

CHUNK_SECONDS = 0.03
"""The pause between chunks, long enough to see that an answer is streamed."""

Respond = Callable[[Request], Awaitable[Response]]


class ConnectionCut(Exception):
    """Raised in the middle of an answer, so that the server closes the connection without ending the body."""


def sandbox_app(chunk_seconds: float = CHUNK_SECONDS) -> Starlette:
    """The application.

    Args:
        chunk_seconds: The pause between the chunks of a stream.
    """
    return Starlette(routes=[route for api in APIS.values() for route in _routes(api, chunk_seconds)])


def _routes(api: Api, chunk_seconds: float) -> Iterator[Route]:
    async def complete(request: Request) -> Response:
        chat = _chat_request(await request.body())
        fault = requested_fault(chat.model, request.headers.get(HEADER))
        if fault.name == "slow":
            await anyio.sleep(fault.seconds)
        pieces = _events(chat, api, fault) if chat.stream else _halves(chat, api)
        media_type = "text/event-stream" if chat.stream else "application/json"
        return StreamingResponse(_sent(pieces, fault, chunk_seconds), media_type=media_type)

    async def list_models(request: Request) -> Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": api.provider.name} for name in api.models]
        return _json_response({"object": "list", "data": models})

    yield Route(api.path, _with_key(api, complete), methods=["POST"])
    if api.models_path:
        yield Route(api.models_path, _with_key(api, list_models))


def _with_key(api: Api, respond: Respond) -> Respond:
    """Responds to requests with the sandbox's key, and gives errors the form of the API."""

    async def endpoint(request: Request) -> Response:
        try:
            if request.headers.get("authorization") != f"Bearer {SANDBOX_KEY}":
                raise documented_error("invalid_token", f" The sandbox's is {SANDBOX_KEY!r}.")
            return await respond(request)
        except ApiError as error:
            status, body = api.error(error)
            return _json_response(body, status)

    return endpoint


def _chat_request(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(step) for step in first["loc"]]
        raise ApiError(400, "bad_request", ": ".join([*path, first["msg"]]), path[0] if path else None) from error


def _halves(chat: ChatRequest, api: Api) -> list[bytes]:
    content = _encoded(ChatCompletion(chat, api).whole())
    return [content[: len(content) // 2], content[len(content) // 2 :]]


def _events(chat: ChatRequest, api: Api, fault: Fault) -> list[bytes]:
    values = list(ChatCompletion(chat, api).chunks())
    if fault.name == "stream_error":
        values.insert(len(values) // 2, api.error(documented_error("api_error"))[1])
    return [*(b"data: " + _encoded(value) + b"\n\n" for value in values), b"data: [DONE]\n\n"]


async def _sent(pieces: list[bytes], fault: Fault, pause: float) -> AsyncIterator[bytes]:
    for position, piece in enumerate(pieces):
        if position == len(pieces) // 2:
            if fault.name == "cut":
                raise ConnectionCut
            await anyio.sleep(fault.seconds if fault.name == "stall" else 0)
        yield piece
        await anyio.sleep(pause)


def _json_response(value: Any, status: int = 200) -> Response:
    return Response(_encoded(value), status, media_type="application/json")


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
