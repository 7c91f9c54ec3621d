"""Grok for any MCP client: the tool `grok_chat_completions` over the documented chat-completions APIs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_grok.server import create_server
    from mcp_grok.settings import Settings

__version__ = "0.1.0"
__all__ = ["Settings", "__version__", "create_server"]


def __getattr__(name: str) -> Any:
    # Importing the MCP SDK takes most of a second, so the command line starts without it.
    if name == "create_server":
        from mcp_grok.server import create_server

        return create_server
    if name == "Settings":
        from mcp_grok.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
