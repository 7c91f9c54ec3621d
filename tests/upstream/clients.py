"""The client of the chat API, open for a test."""

from contextlib import aclosing
from typing import Any

import pytest

from mcp_grok.errors import GrokError
from mcp_grok.settings import Settings
from mcp_grok.upstream.client import ChatClient
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request
from tests.chat import HELLO
from tests.conftest import KEY

ACEDATA = Settings(provider="acedata")


def client_for(settings: Settings, **options: Any) -> aclosing[ChatClient]:
    """A client that is closed at the end."""
    return aclosing(ChatClient(settings.endpoint, **options))


async def ask(client: ChatClient, **arguments: Any) -> Completion:
    """The completion of one call.

    Raises:
        GrokError: the call failed.
    """
    return await client.complete(read_request({**HELLO, **arguments}, ACEDATA.endpoint))


async def failure(
    settings: Settings, *, client_options: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    """The error of a call that must fail."""
    async with client_for(settings, **(client_options or {})) as client:
        with pytest.raises(GrokError) as caught:
            await ask(client, **arguments)
    error = caught.value.as_dict()
    assert KEY not in str(error)
    assert error["provider"] == "acedata"
    return error
