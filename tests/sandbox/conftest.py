"""A sandbox on a port, the APIs that it plays, and two clients."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest
from anyio.from_thread import start_blocking_portal
from openai.types.chat import ChatCompletion

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.apis import APIS, Api
from mcp_grok.sandbox.routes import sandbox_app
from mcp_grok.sandbox.serve_sandbox import running_sandbox

HELLO: dict[str, Any] = {"model": "grok-4", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """A sandbox for the whole module, in a thread, since each test has an event loop of its own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_sandbox(sandbox_app(chunk_seconds=0, video_seconds=0))) as url,
    ):
        yield url


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> Api:
    """Each API in turn; a test of some of them names them."""
    return APIS[request.param]


@dataclass
class Poster:
    """Posts bodies as they are to one API."""

    http: httpx2.AsyncClient
    api: Api

    async def __call__(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx2.Response:
        return await self.http.post(self.api.path, json={**HELLO, **changes}, headers=headers)


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A plain client with the key, for tests of the bytes."""
    headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
    async with httpx2.AsyncClient(base_url=sandbox, headers=headers, verify=False) as client:
        yield client


@pytest.fixture
def post(http: httpx2.AsyncClient, api: Api) -> Poster:
    return Poster(http, api)


@dataclass
class Asker:
    """Calls one API with the official client, plain or streamed."""

    client: openai.AsyncOpenAI
    streamed: bool

    async def __call__(self, content: str | list[Any] = "Hello", **arguments: Any) -> ChatCompletion:
        messages: Any = [{"role": "user", "content": content}] if isinstance(content, str) else content
        arguments = {**HELLO, "messages": messages, **arguments}
        if not self.streamed:
            completion: ChatCompletion = await self.client.chat.completions.create(**arguments)
            return completion
        arguments["stream_options"] = {"include_usage": True}
        try:
            async with self.client.chat.completions.stream(**arguments) as stream:
                return await stream.get_final_completion()
        except openai.LengthFinishReasonError as error:
            return error.completion


@pytest.fixture
async def official(api: Api, sandbox: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=sandbox + api.path.removesuffix("/chat/completions"),
        api_key=SANDBOX_KEY,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(verify=False),
    ) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def ask(request: pytest.FixtureRequest, official: openai.AsyncOpenAI) -> Asker:
    return Asker(official, request.param)
