"""A search in the sandbox, as a client without a key tries it, and at xAI as the oracle guards it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_grok.providers import SANDBOX_KEY
from mcp_grok.sandbox.answers import NOTICE, REASONING
from mcp_grok.sandbox.apis import APIS
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from tests.chat import CHAT, HELLO, body_of, use
from tests.conftest import KEY
from tests.oracle.checked_sandbox import running_oracle
from tests.process import MCP_GROK, listening_process

SANDBOX = {"MCP_GROK_PROVIDER": "sandbox", "MCP_GROK_API_KEY": KEY}
QUESTION = "What is new?"
AS_CHAT = {"messages": [{"role": "user", "content": QUESTION}], "tools": [{"type": "web_search"}]}

WEB = {"source": "web", "name": "search", "query": QUESTION}


@pytest.fixture(params=["stdio", "http"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """The SDK's client on a server process with the sandbox in it."""
    if request.param == "stdio":
        command, *arguments = MCP_GROK
        server = StdioServerParameters(command=command, args=arguments, env=SANDBOX)
        async with Client(stdio_client(server)) as connected:
            yield connected
        return
    async with listening_process(SANDBOX, "http") as (url, _), Client(url) as connected:
        yield connected


@pytest.mark.parametrize(
    ("tool", "arguments"), [("grok_search", {"query": QUESTION, "sources": ["web"]}), (CHAT, AS_CHAT)]
)
async def test_search_is_seen_before_the_text_with_its_sources(
    client: Client, tool: str, arguments: dict[str, Any]
) -> None:
    seen: list[str] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    body, is_error = await use(client, tool, arguments, progress_callback=show)
    assert not is_error, body
    message = body["choices"][0]["message"]
    first, *pieces = seen
    assert first == f"[search] web: {QUESTION}\n"
    assert "".join(pieces) == message["content"]
    assert message["content"].startswith(NOTICE)
    [annotation] = message["annotations"]
    cited = annotation["url_citation"]
    assert message["content"][cited["start_index"] : cited["end_index"]] == f"[[1]]({cited['url']})"
    assert body["citations"] == [cited["url"]] == ["https://example.com/web"]
    [found] = body["searches"]
    assert found | WEB == found


async def test_answer_without_a_search_is_marked(client: Client) -> None:
    result = await client.call_tool("grok_search", {"query": f"{QUESTION} Do not search."})
    assert result.meta is not None
    assert result.meta["mcp-grok/no_search"] is True
    body = body_of(result)
    assert (body["searches"], body["citations"]) == ([], [])


async def test_stored_answer_is_continued(client: Client) -> None:
    first, _ = await use(client, CHAT, {**AS_CHAT, "store": True})
    question = {"role": "user", "content": "What did I just say?"}
    body, _ = await use(client, CHAT, {"messages": [question], "previous_response_id": first["response_id"]})
    assert body["choices"][0]["message"]["content"] == f'{NOTICE} You said, "{QUESTION}."'


async def test_unknown_answer_is_not_continued_and_says_why(client: Client) -> None:
    for _ in range(2):
        body, is_error = await use(client, CHAT, {**HELLO, "previous_response_id": "resp-unknown"})
        assert is_error
        error = body["error"]
        assert (error["code"], error["param"], error["billed"]) == ("not_found", "previous_response_id", "no")
        assert "store: true" in error["message"]
    searched, is_error = await use(client, CHAT, AS_CHAT)
    assert not is_error, searched


async def test_conversation_with_function_calls_goes_on(client: Client) -> None:
    clock = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
    arguments: dict[str, Any] = {**AS_CHAT, "tools": [{"type": "x_search"}, clock]}
    body, _ = await use(client, CHAT, arguments)
    [choice] = body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert [search["name"] for search in body["searches"]] == ["x_keyword_search"]
    [call] = choice["message"]["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "noon"}
    messages = [*arguments["messages"], choice["message"], result]
    body, _ = await use(client, CHAT, {**arguments, "messages": messages})
    assert body["choices"][0]["message"]["content"] == f"{NOTICE} The tool returned: noon"


async def test_limit_of_tokens_is_the_finish_reason(client: Client) -> None:
    body, _ = await use(client, CHAT, {**AS_CHAT, "max_tokens": 3})
    [choice] = body["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("This is the", "length")


@pytest.fixture
async def xai() -> AsyncIterator[Client]:
    """A client of a server that calls xAI, which refuses what its documents forbid."""
    async with running_oracle() as address:
        settings = Settings(provider="xai", api_key=SANDBOX_KEY, base_url=address + APIS["xai"].base, max_retries=0)
        async with Client(create_server(settings)) as connected:
            yield connected


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sources": "x", "x_handles": ["@xai", "https://x.com/grok"], "from_date": "2026-11-01", "to_date": ""},
        {"domains": "https://docs.x.ai/guides, example.com", "exclude_x_handles": ["xai"], "depth": "deep"},
        {"sources": ["web"], "exclude_domains": ["example.com"], "model": "grok-4.5"},
    ],
)
async def test_search_is_sent_as_xai_documents_it(xai: Client, arguments: dict[str, Any]) -> None:
    body, is_error = await use(xai, "grok_search", {"query": QUESTION, **arguments})
    assert not is_error, body
    assert len(body["searches"]) == len(body["citations"]) == (1 if "sources" in arguments else 2)


PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAJCAYAAAA="
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": ""}}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "name": "rules", "content": "Be brief"},
    {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "noon"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "It is noon."}]},
    {"role": "user", "name": "Ann", "content": QUESTION},
]

UNSENT = {"n": 2, "stop": ["END"], "seed": 1, "frequency_penalty": 0.5, "metadata": {"a": "b"}}
"""What the Responses API does not have."""


@pytest.mark.parametrize("stream", [False, True])
async def test_conversation_is_sent_as_xai_documents_it(xai: Client, stream: bool) -> None:
    tools = [{"type": "web_search_preview", "filters": {"allowed_domains": ["example.com"]}}, CLOCK]
    result = await xai.call_tool(
        CHAT,
        {
            "messages": CONVERSATION,
            "tools": tools,
            "tool_choice": "clock",
            "stream": stream,
            "max_tokens": 500,
            "reasoning_effort": "low",
            **UNSENT,
        },
    )
    body = body_of(result)
    assert not result.is_error, body
    message = body["choices"][0]["message"]
    assert message["reasoning_content"] == REASONING
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["clock"]
    assert result.meta is not None
    assert set(result.meta["mcp-grok/dropped"]) == {*UNSENT, "messages[0].name", "messages[5].name"}


async def test_json_output_is_sent_as_xai_documents_it(xai: Client) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    result = await xai.call_tool(CHAT, {**AS_CHAT, "response_format": form})
    assert not result.is_error
    assert result.meta is not None
    assert "mcp-grok/invalid_json" not in result.meta
