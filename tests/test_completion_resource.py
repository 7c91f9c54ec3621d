import asyncio
import json
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import ResourceLink, TextResourceContents

from mcp_grok.server import create_server
from tests.chat import HELLO, LIMIT, completion, use
from tests.conftest import settings_for
from tests.replay import Exchange, HeldStream, Replay

WHOLE = completion("Ü\n" * 4000, logprobs="x" * 5000)


async def read(client: Client, uri: str) -> TextResourceContents:
    """A page."""
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content


async def test_pages_join_to_the_whole_answer(upstream: Replay) -> None:
    upstream.answer(WHOLE)
    async with Client(create_server(settings_for(upstream, max_result_bytes=9000))) as client:
        link = (await client.call_tool("grok_chat_completions", HELLO)).content[1]
        assert isinstance(link, ResourceLink)
        pages = []
        uri: Any = link.uri
        while uri:
            page = await read(client, uri)
            assert (page.uri, page.mime_type) == (uri, "text/plain")
            assert len(page.text.encode()) <= 9000
            pages.append(page.text)
            uri = (page.meta or {}).get("mcp-grok/next")
    assert len(pages) > 1
    assert json.loads("".join(pages)) == WHOLE


async def test_handed_off_call_is_readable_while_it_runs_and_after(upstream: Replay) -> None:
    held = HeldStream(upstream)
    async with Client(create_server(settings_for(upstream, handoff_after=0.1))) as client:
        pending, _ = await use(client, "grok_chat_completions", {**HELLO, "stream": True})
        uri = f"grok://completions/{pending['id']}"
        assert json.loads((await read(client, uri)).text)["object"] == "chat.completion.pending"
        held.release.set()
        await use(client, "grok_get_completion", {"id": pending["id"], "wait": 60})
        page = await read(client, uri)
    assert page.mime_type == "application/json"
    assert json.loads(page.text)["choices"][0]["message"]["content"] == "so far, done"


async def test_failed_call_reads_as_its_error(upstream: Replay) -> None:
    cut = asyncio.Event()

    async def behave(exchange: Exchange) -> None:
        await cut.wait()
        exchange.hang_up()

    upstream.behave = behave
    async with Client(create_server(settings_for(upstream, handoff_after=0.1))) as client:
        pending, _ = await use(client, "grok_chat_completions", HELLO)
        cut.set()
        await use(client, "grok_get_completion", {"id": pending["id"], "wait": 60})
        page = await read(client, f"grok://completions/{pending['id']}")
    assert json.loads(page.text)["error"]["code"] == "connection_failed"


@pytest.mark.parametrize(
    "uri",
    [
        "grok://completions/grok-x",
        "grok://nothing",
        "http://completions/x",
        "grok://completions/x?offset=-1",
        "grok://[x",
    ],
)
async def test_unknown_uri_is_an_error_that_names_it(upstream: Replay, uri: str) -> None:
    async with Client(create_server(settings_for(upstream))) as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
    assert raised.value.error.code == -32602
    assert raised.value.error.data == {"uri": uri}


async def test_page_beyond_the_end_is_an_error(upstream: Replay) -> None:
    upstream.answer(WHOLE)
    async with Client(create_server(settings_for(upstream, max_result_bytes=LIMIT))) as client:
        link = (await client.call_tool("grok_chat_completions", HELLO)).content[1]
        assert isinstance(link, ResourceLink)
        with pytest.raises(MCPError, match="characters"):
            await client.read_resource(f"{link.uri}?offset=999999999999999999999999")


async def test_completions_are_a_template(upstream: Replay) -> None:
    async with Client(create_server(settings_for(upstream))) as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    assert [resource.uri for resource in listed] == ["grok://models", "grok://usage"]
    assert [template.uri_template for template in templates] == ["grok://completions/{id}"]
