"""The sandbox as a web application: completions, responses, images, videos and the list of models of each API."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TypeVar

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.chat_completion import ChatCompletion
from mcp_grok.sandbox.chat_request import ChatRequest
from mcp_grok.sandbox.exchange import Respond, encoded, json_response, read, sent, whole_answer, with_key
from mcp_grok.sandbox.faults import HEADER, Fault, documented_error, requested_fault
from mcp_grok.sandbox.model_response import ModelResponse, StoredConversations
from mcp_grok.sandbox.response_request import ResponseRequest

CHUNK_SECONDS = 0.03
"""The pause between chunks, long enough to see that an answer is streamed."""

VIDEO_SECONDS = 3.0
"""How long a video takes, long enough to see its progress."""

Asked = TypeVar("Asked", ChatRequest, ResponseRequest)


def sandbox_app(chunk_seconds: float = CHUNK_SECONDS, video_seconds: float = VIDEO_SECONDS) -> Starlette:
    """The application.

    Args:
        chunk_seconds: The pause between the chunks of a stream.
        video_seconds: How long a video takes.
    """
    app = Starlette(routes=[route for api in APIS.values() for route in _routes(api, chunk_seconds)])
    app.router.default = _media(chunk_seconds, video_seconds)
    return app


def _media(chunk_seconds: float, video_seconds: float) -> ASGIApp:
    """The images and videos, made ready for the first request that is not for the other routes.

    Loaded with them, it would delay every start.
    """

    @cache
    def app() -> Starlette:
        from mcp_grok.sandbox.media_routes import media_app

        return media_app(chunk_seconds, video_seconds)

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await app()(scope, receive, send)

    return forward


def _routes(api: Api, chunk_seconds: float) -> Iterator[Route]:
    def answering(kind: type[Asked], form: Callable[[Asked], ChatCompletion | ModelResponse]) -> Respond:
        async def respond(request: Request) -> Response:
            asked = read(kind, await request.body())
            fault = requested_fault(asked.model, request.headers.get(HEADER))
            if fault.name == "slow":
                await anyio.sleep(fault.seconds)
            if not asked.stream:
                return whole_answer(form(asked).whole(), fault, chunk_seconds)
            events = sent(_events(form(asked), api, fault), fault, chunk_seconds)
            return StreamingResponse(events, media_type="text/event-stream")

        return respond

    async def list_models(request: Request) -> Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": api.provider.name} for name in api.models]
        return json_response({"object": "list", "data": models})

    complete = answering(ChatRequest, partial(ChatCompletion, api=api))
    yield Route(api.path, with_key(api, complete), methods=["POST"])
    if api.responses_path:
        respond = answering(ResponseRequest, partial(ModelResponse, stored=StoredConversations()))
        yield Route(api.responses_path, with_key(api, respond), methods=["POST"])
    if api.models_path:
        yield Route(api.models_path, with_key(api, list_models))


def _events(form: ChatCompletion | ModelResponse, api: Api, fault: Fault) -> list[bytes]:
    values = list(form.chunks())
    if fault.name == "stream_error":
        values.insert(len(values) // 2, api.error(documented_error("api_error"))[1])
    return [*(b"data: " + encoded(value) + b"\n\n" for value in values), b"data: [DONE]\n\n"]
