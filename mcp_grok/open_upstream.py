"""The upstream of a process: its calls, and the sandbox that answers them if the settings name it.

It is apart from the server, since the commands that ask from the shell need no MCP.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_grok.calls import Calls, OnAnswer, open_calls
from mcp_grok.settings import Settings


@asynccontextmanager
async def upstream_settings(settings: Settings) -> AsyncIterator[Settings]:
    """The settings, with the address of a sandbox that is started here if they name the sandbox without one."""
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
    """The calls of this process, and the sandbox that answers them if the settings name it.

    Args:
        settings: Where they go, and where their answers are kept.
        on_answer: Called with the principal's name and the tokens of each answer.
        calls_at_once: How many calls of one principal may run; None for any number.
    """
    async with (
        upstream_settings(settings) as located,
        open_calls(located, on_answer=on_answer, calls_at_once=calls_at_once) as calls,
    ):
        yield calls
