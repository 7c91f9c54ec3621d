"""The sandbox behind the oracle, over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from mcp_grok.sandbox.api_errors import ApiError
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.faults import MODEL_PREFIX
from mcp_grok.sandbox.routes import sandbox_app
from mcp_grok.sandbox.serve_sandbox import running_sandbox
from tests.oracle import acedata, llmprovider, media_rules, shared_rules, xai, xai_responses
from tests.oracle.broken_responses import broken_response
from tests.oracle.violation import violation

PROVIDER_RULES = {"acedata": acedata.violations, "llmprovider": llmprovider.violations, "xai": xai.violations}


def first_violation(provider: str, body: Any) -> ApiError | None:
    """The first documented rule that a request to a provider breaks; None if it keeps all of them."""
    faulty = isinstance(body, dict) and str(body.get("model")).startswith(MODEL_PREFIX)
    own = PROVIDER_RULES.get(provider) if not faulty else None
    return next(chain(shared_rules.violations(body), own(body) if own else ()), None)


def first_response_violation(body: Any) -> ApiError | None:
    """The first documented rule that a request for a response breaks at xAI; None if it keeps all of them."""
    faulty = isinstance(body, dict) and str(body.get("model")).startswith(MODEL_PREFIX)
    return None if faulty else next(xai_responses.violations(body), None)


def first_media_violation(rules: media_rules.Rules, body: Any) -> ApiError | None:
    """The first documented rule that a request for a picture or video breaks; None if it keeps all of them."""
    if not isinstance(body, dict):
        return violation("body", "must be a JSON object")
    return None if str(body.get("model")).startswith(MODEL_PREFIX) else next(rules(body), None)


def effective(provider: str, body: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a provider documents; it ignores the others."""
    if provider != "llmprovider":
        return body
    return {name: value for name, value in body.items() if name in llmprovider.PARAMETERS}


@asynccontextmanager
async def running_oracle() -> AsyncIterator[str]:
    """A sandbox that refuses whatever the documents forbid; gives its base URL."""
    async with running_sandbox(CheckedSandbox()) as base_url:
        yield base_url


class CheckedSandbox:
    """An ASGI application that checks each request and lets the sandbox answer it."""

    def __init__(self) -> None:
        self._sandbox = sandbox_app(chunk_seconds=0, video_seconds=0.2)
        self._providers = {api.path: name for name, api in APIS.items()}
        self._media = {APIS[name].root + path: (APIS[name], rules) for (name, path), rules in media_rules.RULES.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path in self._media:
            await self._check_media(*self._media[path], scope, receive, send)
            return
        is_response = path == APIS["xai"].responses_path
        provider = "xai" if is_response else self._providers.get(path)
        if provider is None:
            await self._sandbox(scope, receive, send)
            return
        body = effective(provider, json.loads(await Request(scope, receive).body()))
        if error := first_response_violation(body) if is_response else first_violation(provider, body):
            status, content = APIS[provider].error(error)
            await JSONResponse(content, status)(scope, receive, send)
        elif broken := broken_response(body["model"], APIS[provider]):
            await broken(scope, receive, send)
        else:
            await self._sandbox(_without_length(scope), _replaying(json.dumps(body).encode(), receive), send)

    async def _check_media(
        self, api: Api, rules: media_rules.Rules, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = json.loads(await Request(scope, receive).body())
        if error := first_media_violation(rules, body):
            status, content = api.error(error)
            await JSONResponse(content, status)(scope, receive, send)
        else:
            await self._sandbox(_without_length(scope), _replaying(json.dumps(body).encode(), receive), send)


def _without_length(scope: Scope) -> Scope:
    return {**scope, "headers": [header for header in scope["headers"] if header[0] != b"content-length"]}


def _replaying(body: bytes, receive: Receive) -> Receive:
    """The body once, then what the server receives."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
