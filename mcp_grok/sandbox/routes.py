"""The sandbox as a web application: completions, responses and the list of models of each API."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar

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
from mcp_grok.sandbox.model_response import ModelResponse, StoredConversations
from mcp_grok.sandbox.response_request import ResponseRequest

CHUNK_SECONDS = 0.03
"""The pause between chunks, long enough to see that an answer is streamed."""

Asked = TypeVar("Asked", ChatRequest, ResponseRequest)
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
    def answering(kind: type[Asked], form: Callable[[Asked], ChatCompletion | ModelResponse]) -> Respond:
        async def respond(request: Request) -> Response:
            asked = _read(kind, await request.body())
            fault = requested_fault(asked.model, request.headers.get(HEADER))
            if fault.name == "slow":
                await anyio.sleep(fault.seconds)
            pieces = _events(form(asked), api, fault) if asked.stream else _halves(form(asked))
            media_type = "text/event-stream" if asked.stream else "application/json"
            return StreamingResponse(_sent(pieces, fault, chunk_seconds), media_type=media_type)

        return respond

    async def list_models(request: Request) -> Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": api.provider.name} for name in api.models]
        return _json_response({"object": "list", "data": models})

    complete = answering(ChatRequest, partial(ChatCompletion, api=api))
    yield Route(api.path, _with_key(api, complete), methods=["POST"])
    if api.responses_path:
        respond = answering(ResponseRequest, partial(ModelResponse, stored=StoredConversations()))
        yield Route(api.responses_path, _with_key(api, respond), methods=["POST"])
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


def _read(kind: type[Asked], body: bytes) -> Asked:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        path: list[str] = [str(step) for step in first["loc"]]
        raise ApiError(400, "bad_request", ": ".join([*path, first["msg"]]), path[0] if path else None) from error


def _halves(form: ChatCompletion | ModelResponse) -> list[bytes]:
    content = _encoded(form.whole())
    return [content[: len(content) // 2], content[len(content) // 2 :]]


def _events(form: ChatCompletion | ModelResponse, api: Api, fault: Fault) -> list[bytes]:
    values = list(form.chunks())
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
