"""The tools and the toolsets: which there are, and which providers have them.

Their modules are not imported here: a server imports only those of the tools that it lists.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from mcp_grok.providers import PROVIDERS, Provider

CHAT = "grok_chat_completions"
SEARCH = "grok_search"
IMAGE = "grok_generate_image"
TEXT_TO_VIDEO = "grok_text_to_video"
IMAGE_TO_VIDEO = "grok_image_to_video"
GET = "grok_get_completion"
CANCEL = "grok_cancel_completion"

TOOLSETS: dict[str, Callable[[Provider], bool]] = {
    "chat": lambda provider: True,
    "search": lambda provider: provider.searches,
    "image": lambda provider: provider.images_path is not None,
    "video": lambda provider: provider.video_api is not None,
}
"""The toolsets by name, each with what must hold of the provider."""

ALL = "all"
DEFAULT = ("chat", "search")


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A tool.

    Attributes:
        module: Its module in `mcp_grok.tools`.
        toolset: Its toolset; None if it fetches or stops the calls of the others, so that it is listed beside any.
        read_only: Its `readOnlyHint`. Clients may run a tool that only reads without asking their user.
    """

    module: str
    toolset: str | None
    read_only: bool = True


TOOLS = {
    CHAT: ToolEntry("chat", "chat"),
    SEARCH: ToolEntry("search", "search"),
    IMAGE: ToolEntry("generate_image", "image", read_only=False),
    TEXT_TO_VIDEO: ToolEntry("text_to_video", "video", read_only=False),
    IMAGE_TO_VIDEO: ToolEntry("image_to_video", "video", read_only=False),
    GET: ToolEntry("get_completion", None),
    CANCEL: ToolEntry("cancel_completion", None),
}
"""The tools by name, in the order in which they are listed."""


def toolsets_of(provider: Provider) -> list[str]:
    """The toolsets that a provider has."""
    return [name for name, holds in TOOLSETS.items() if holds(provider)]


def tools_in(
    toolsets: Collection[str], provider: Provider, *, excluded: Collection[str], read_only: bool, fetches: bool
) -> list[str]:
    """The names of the tools that are listed, in their order.

    Args:
        toolsets: The toolsets that are asked for.
        provider: What it does not have is left out.
        excluded: The names of tools that are not listed.
        read_only: Whether only tools that only read are listed.
        fetches: Whether calls may have to be fetched.
    """
    has = [name for name in toolsets_of(provider) if name in toolsets or ALL in toolsets]
    kept = [name for name, tool in TOOLS.items() if name not in excluded and (tool.read_only or not read_only)]
    calling = [name for name in kept if TOOLS[name].toolset in has]
    return [name for name in kept if name in calling or (calling and fetches and TOOLS[name].toolset is None)]


def missing_toolsets(toolsets: Collection[str], provider: Provider) -> list[str]:
    """The toolsets that are asked for by name, and that a provider does not have. The default names none."""
    if {ALL, *DEFAULT}.issuperset(toolsets):
        return []
    return [name for name, holds in TOOLSETS.items() if name in toolsets and not holds(provider)]


def lack(toolset: str, provider: Provider) -> str:
    """That a provider does not have a toolset, and which ones have it; a sentence without its period."""
    having = [one.title for one in PROVIDERS.values() if one.key is None and TOOLSETS[toolset](one)]
    verb = "has" if len(having) == 1 else "have"
    return f"{provider.subject} has no {toolset} tools; {' and '.join(having)} {verb} them"
