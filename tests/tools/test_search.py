"""`grok_search`: its arguments, and a whole search over every transport."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client

from mcp_grok.providers import PROVIDERS
from mcp_grok.server import tools_in_force
from mcp_grok.settings import Settings
from mcp_grok.tools import search
from tests.chat import CHAT, GET, HELLO, SEARCH, use
from tests.process import MCP_GROK, environment, serving
from tests.replay import Exchange, Replay
from tests.upstream.refusal import refusal_of
from tests.upstream.responses import message, reasoning, response, stream, web_search

CITED = [{"type": "url_citation", "url": "https://x.ai/news", "title": "1", "start_index": 0, "end_index": 3}]
FOUND = response(reasoning("I look it up."), web_search("xAI news"), message("New model.", annotations=CITED))
WAYS = ("stdio", "http", "sse")


def tools_of(**arguments: Any) -> list[dict[str, Any]]:
    """The tools of the API that a search uses."""
    return list(search.chat_arguments({"query": "news", **arguments})["tools"])


def refusal(**arguments: Any) -> tuple[str, str]:
    """The message and the parameter of the error for wrong arguments."""
    return refusal_of(lambda: search.chat_arguments({"query": "news", **arguments}))


@pytest.mark.parametrize(
    ("sources", "kinds"),
    [
        (None, ["web_search", "x_search"]),
        ([], ["web_search", "x_search"]),
        (["web"], ["web_search"]),
        (["x"], ["x_search"]),
        ("x", ["x_search"]),
        ("web, x", ["web_search", "x_search"]),
        ('["web"]', ["web_search"]),
    ],
)
def test_sources_choose_the_tools(sources: Any, kinds: list[str]) -> None:
    assert [tool["type"] for tool in tools_of(sources=sources)] == kinds


def test_each_field_goes_to_its_tool() -> None:
    assert tools_of(domains=["https://x.ai/news"], x_handles="@xai, grok", from_date="2026-11-01", to_date="") == [
        {"type": "web_search", "allowed_domains": ["x.ai"]},
        {"type": "x_search", "allowed_x_handles": ["xai", "grok"], "from_date": "2026-11-01"},
    ]
    assert tools_of(exclude_domains=["x.ai"], exclude_x_handles=["xai"]) == [
        {"type": "web_search", "excluded_domains": ["x.ai"]},
        {"type": "x_search", "excluded_x_handles": ["xai"]},
    ]


@pytest.mark.parametrize(("depth", "turns"), [("quick", 2), ("normal", 5), ("deep", 12)])
def test_depth_bounds_the_turns(depth: str, turns: int) -> None:
    assert search.chat_arguments({"query": "news", "depth": depth})["extra_body"] == {"max_turns": turns}
    assert "extra_body" not in search.chat_arguments({"query": "news"})


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": None}, "query"),
        ({"sources": ["news"]}, "sources[0]"),
        ({"sources": ["web"] * 3}, "sources"),
        ({"x_handles": "," * 10**6}, "x_handles[0]"),
        ({"depth": "deepest"}, "depth"),
        ({"domains": ["a b"]}, "domains[0]"),
        ({"domains": [f"{name}.example" for name in "abcdef"]}, "domains"),
        ({"x_handles": [f"user{number}" for number in range(11)]}, "x_handles"),
        ({"from_date": "1/11/2026"}, "from_date"),
        ({"from_date": "2026-11-02", "to_date": "2026-11-01"}, "from_date"),
        ({"domains": ["a.example"], "exclude_domains": ["b.example"]}, "exclude_domains"),
        ({"x_handles": ["a"], "exclude_x_handles": ["b"]}, "exclude_x_handles"),
        ({"sources": ["web"], "from_date": "2026-11-01"}, "from_date"),
        ({"sources": ["web"], "x_handles": ["xai"]}, "x_handles"),
        ({"sources": ["x"], "domains": ["x.ai"]}, "domains"),
        ({"handles": ["xai"]}, "handles"),
    ],
)
def test_wrong_argument_is_refused_under_its_own_name(arguments: dict[str, Any], param: str) -> None:
    message, named = refusal(**arguments)
    assert named == param
    assert param.partition("[")[0] in message


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tool_is_listed_only_where_the_provider_searches(provider: str) -> None:
    listed = tools_in_force(Settings(provider=provider, base_url="https://api.example.com"))
    assert (SEARCH in listed) is (provider in ("xai", "sandbox"))


@asynccontextmanager
async def connected(upstream: Replay, way: str, **settings: str) -> AsyncIterator[Client]:
    """The SDK's client on a server of its own that calls xAI."""
    settings = {"provider": "xai", **settings}
    if way == "stdio":
        command, *arguments = MCP_GROK
        parameters = StdioServerParameters(command=command, args=arguments, env=environment(upstream, **settings))
        async with Client(stdio_client(parameters)) as client:
            yield client
        return
    async with (
        serving(upstream, way, **settings) as (url, _),
        Client(sse_client(url) if way == "sse" else url) as client,
    ):
        yield client


@pytest.mark.parametrize("way", WAYS)
async def test_search_shows_its_way_and_its_sources(upstream: Replay, way: str) -> None:
    content = stream(FOUND)
    middle = content.index(b"web_search_call")
    said = asyncio.Event()
    told: list[str] = []

    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(content[: middle + 200])
        await asyncio.wait_for(said.wait(), 10)
        exchange.chunk(content[middle + 200 :])
        exchange.end()

    async def show(progress: float, total: float | None, text: str | None) -> None:
        told.append(text or "")
        said.set()

    upstream.behave = behave
    async with connected(upstream, way) as client:
        body, is_error = await use(client, SEARCH, {"query": "What is new at xAI?"}, progress_callback=show)
    assert not is_error, body
    answer = body["choices"][0]["message"]
    assert answer["content"] == "New model."
    assert answer["annotations"][0]["url_citation"]["url"] == "https://x.ai/news"
    assert body["citations"] == ["https://x.ai/news"]
    assert body["searches"] == [{"source": "web", "name": "web_search", "query": "xAI news"}]
    assert "".join(told).endswith("New model.")
    assert "[reasoning] I look it up." in "".join(told)
    assert "[search] web: xAI news" in "".join(told)
    [request] = upstream.requests
    assert request.path == "/v1/responses"
    assert request.json["store"] is False


async def test_search_that_takes_long_is_handed_off_and_paid_once(upstream: Replay) -> None:
    release = asyncio.Event()

    async def behave(exchange: Exchange) -> None:
        await release.wait()
        exchange.head()
        exchange.chunk(stream(FOUND))
        exchange.end()

    upstream.behave = behave
    async with connected(upstream, "stdio", handoff_after="0.1") as client:
        pending, _ = await use(client, SEARCH, {"query": "news"})
        assert pending["object"] == "chat.completion.pending"
        release.set()
        body, _ = await use(client, GET, {"id": pending["id"], "wait": 10})
    assert body["citations"] == ["https://x.ai/news"]
    assert len(upstream.requests) == 1


async def test_answer_from_memory_is_marked(upstream: Replay) -> None:
    upstream.answer(response(message("From memory.")))
    async with connected(upstream, "stdio") as client:
        result = await client.call_tool(SEARCH, {"query": "news"})
        chat = await client.call_tool(CHAT, HELLO)
    assert result.meta is not None
    assert result.meta["mcp-grok/no_search"] is True
    assert "mcp-grok/no_search" not in (chat.meta or {})


async def test_provider_without_search_says_so_before_anything_is_sent(upstream: Replay) -> None:
    async with connected(upstream, "stdio", provider="acedata") as client:
        error, is_error = await use(client, CHAT, {**HELLO, "tools": [{"type": "web_search"}]})
    assert is_error
    assert (error["error"]["code"], error["error"]["billed"]) == ("not_configured", "no")
    assert "xAI has" in error["error"]["message"]
    assert upstream.requests == []
