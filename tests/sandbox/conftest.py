"""A sandbox on its port, the dialects it speaks, and the two clients that read it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest
from anyio.from_thread import start_blocking_portal
from openai.types.chat import ChatCompletion

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.dialects import DIALECTS, Dialect
from mcp_grok.sandbox.serve import running_sandbox

MODELS = {"acedata": "grok-4", "llmprovider": "grok-beta", "xai": "grok-4.7", "custom": "grok-local"}
"""A model of each dialect."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """A sandbox for the whole module, in a thread, since tests have event loops of their own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running_sandbox(chunk_seconds=0)) as url,
    ):
        yield url


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Each dialect in turn; a test that concerns some names them."""
    return DIALECTS[request.param]


@dataclass
class Poster:
    """Posts bodies as they are to one dialect."""

    http: httpx2.AsyncClient
    dialect: Dialect

    async def __call__(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx2.Response:
        hello = {"model": MODELS[self.dialect.name], "messages": [{"role": "user", "content": "Hello"}]}
        return await self.http.post(self.dialect.path, json={**hello, **changes}, headers=headers)


@pytest.fixture
async def http(sandbox: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A plain client that holds the key, for where bytes matter."""
    headers = {"authorization": f"Bearer {SANDBOX_KEY}"}
    async with httpx2.AsyncClient(base_url=sandbox, headers=headers, verify=False) as client:
        yield client


@pytest.fixture
def post(http: httpx2.AsyncClient, dialect: Dialect) -> Poster:
    return Poster(http, dialect)


@dataclass
class Asker:
    """Asks in one dialect with the official client, plain or streamed."""

    client: openai.AsyncOpenAI
    dialect: Dialect
    streamed: bool

    async def __call__(self, said: str | list[Any] = "Hello", **arguments: Any) -> ChatCompletion:
        messages: Any = [{"role": "user", "content": said}] if isinstance(said, str) else said
        arguments = {"model": MODELS[self.dialect.name], "messages": messages, **arguments}
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
async def official(dialect: Dialect, sandbox: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=sandbox + dialect.path.removesuffix("/chat/completions"),
        api_key=SANDBOX_KEY,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(verify=False),
    ) as client:
        yield client


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def ask(request: pytest.FixtureRequest, dialect: Dialect, official: openai.AsyncOpenAI) -> Asker:
    return Asker(official, dialect, request.param)
