"""Opening the calls of a process, and the sandbox if the settings select it.

Apart from the server, since the commands `chat` and `models` need no MCP.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_grok.calls import Calls, OnAnswer, open_calls
from mcp_grok.settings import Settings


@asynccontextmanager
async def upstream_settings(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with an address: if they select the sandbox without one, that of a sandbox started here."""
    if settings.active_provider.name != "sandbox" or settings.base_url:
        yield settings
        return
    from mcp_grok.sandbox.serve_sandbox import running_sandbox

    async with running_sandbox() as base_url:
        yield settings.model_copy(update={"base_url": base_url})


@asynccontextmanager
async def open_upstream(
    settings: Settings, *, on_answer: OnAnswer | None = None, calls_at_once: int | None = None
) -> AsyncIterator[Calls]:
    """The calls of this process; also starts the sandbox if the settings select it.

    Args:
        settings: The API for the calls, and the store for their answers.
        on_answer: Called with the principal's name and the tokens of each answer.
        calls_at_once: Maximum running calls of one principal; None for no limit.
    """
    async with (
        upstream_settings(settings) as located,
        open_calls(located, on_answer=on_answer, calls_at_once=calls_at_once) as calls,
    ):
        yield calls
