"""Prompts, as a client gets them."""

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from mcp_grok.prompts import TEMPLATES
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from tests.chat import CHAT


async def test_server_without_the_chat_tool_has_no_prompts() -> None:
    async with Client(create_server(Settings(provider="xai", toolsets="search"))) as client:
        assert client.server_capabilities.prompts is None
    async with Client(create_server(Settings(provider="xai"))) as client:
        assert client.server_capabilities.prompts is not None


async def test_every_prompt_names_the_tool_and_its_arguments() -> None:
    async with Client(create_server(Settings())) as client:
        listed = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in listed] == list(TEMPLATES)
        for prompt in listed:
            given = {argument.name: "some {words}" for argument in prompt.arguments or []}
            [message] = (await client.get_prompt(prompt.name, given)).messages
            assert isinstance(message.content, TextContent)
            assert CHAT in message.content.text
            assert "some {words}" in message.content.text


@pytest.mark.parametrize(("name", "arguments"), [("nothing", {}), ("ask_grok", {}), ("ask_grok", {"question": ""})])
async def test_unknown_prompt_or_missing_argument_is_refused(name: str, arguments: dict[str, str]) -> None:
    async with Client(create_server(Settings())) as client:
        with pytest.raises(MCPError) as raised:
            await client.get_prompt(name, arguments)
    assert raised.value.error.code == -32602
