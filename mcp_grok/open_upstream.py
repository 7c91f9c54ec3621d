"""Opening the calls of a process, and the sandbox if the settings select it.

Apart from the server, since the commands `chat` and `models` need no MCP.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_grok.calls import NO_LIMITS, CallerLimits, Calls, open_calls
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
async def open_upstream(settings: Settings, limits: CallerLimits = NO_LIMITS) -> AsyncIterator[Calls]:
    """The calls of this process; also starts the sandbox if the settings select it.

    Args:
        settings: The API for the calls, and the store for their answers.
        limits: The limits of each caller; by default none.
    """
    async with upstream_settings(settings) as located, open_calls(located, limits=limits) as calls:
        yield calls
