"""A request that the sandbox reads, and the answer that it sends, with the fault that the request asks for."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.apis import Api
from mcp_grok.sandbox.faults import Fault, documented_error

Asked = TypeVar("Asked", bound=BaseModel)
Respond = Callable[[Request], Awaitable[Response]]


class ConnectionCut(Exception):
    """Raised in the middle of an answer, so that the server closes the connection without ending the body."""


def with_key(api: Api, respond: Respond) -> Respond:
    """Responds to requests with the sandbox's key, and gives errors the form of the API."""

    async def endpoint(request: Request) -> Response:
        try:
            if request.headers.get("authorization") != f"Bearer {SANDBOX_KEY}":
                raise documented_error("invalid_token", f" The sandbox's is {SANDBOX_KEY!r}.")
            return await respond(request)
        except ApiError as error:
            status, body = api.error(error)
            return json_response(body, status)

    return endpoint


def read(kind: type[Asked], body: bytes) -> Asked:
    """The request in a body.

    Raises:
        ApiError: It has another form.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        path: list[str] = [str(step) for step in first["loc"]]
        raise ApiError(400, "bad_request", ": ".join([*path, first["msg"]]), path[0] if path else None) from error


def json_response(value: Any, status: int = 200) -> Response:
    """The answer that is this value."""
    return Response(encoded(value), status, media_type="application/json")


def whole_answer(value: Any, fault: Fault, pause: float) -> Response:
    """The answer that is this value, in two halves between which a fault may come.

    Args:
        value: The value.
        fault: The fault.
        pause: The seconds after each half.
    """
    content = encoded(value)
    halves = [content[: len(content) // 2], content[len(content) // 2 :]]
    return StreamingResponse(sent(halves, fault, pause), media_type="application/json")


async def sent(pieces: list[bytes], fault: Fault, pause: float) -> AsyncIterator[bytes]:
    """The pieces of an answer, with a fault in the middle.

    Args:
        pieces: The pieces.
        fault: The fault.
        pause: The seconds after each piece.
    """
    for position, piece in enumerate(pieces):
        if position == len(pieces) // 2:
            if fault.name == "cut":
                raise ConnectionCut
            await anyio.sleep(fault.seconds if fault.name == "stall" else 0)
        yield piece
        await anyio.sleep(pause)


def encoded(value: Any) -> bytes:
    """The value as JSON."""
    return json.dumps(value, ensure_ascii=False).encode()
