"""The server's instructions: what a client's model reads before it decides whether to call a tool.

Clients with many tools show their models only the names of tools and these, and cut what is long: Claude Code after
2 KB (https://code.claude.com/docs/en/mcp).
"""

from collections.abc import Container

from mcp_grok.settings import Settings
from mcp_grok.tools.tool import pending_objects
from mcp_grok.toolsets import CANCEL, CHAT, GET, IMAGE, IMAGE_TO_VIDEO, SEARCH, TEXT_TO_VIDEO

ASKING = (
    f"{CHAT} sends a conversation to a Grok model and returns its answer. For when the user asks for Grok, for a "
    "second opinion, or to have images looked at. Not for what you can do as well yourself. It sees only the messages "
    "of the call: nothing of this conversation, no files, no earlier calls."
)

SEARCHING = (
    f"{SEARCH} answers one question from the web and X, with sources. For news, prices, versions, "
    "what people say on X, and anything after your training. Not for the user's files, or what every model "
    "knows."
)

SEARCHING_IN_CHAT = (
    f'To search within a conversation, add {{"type":"web_search"}} or {{"type":"x_search"}} to the tools of {CHAT}.'
)

FROM_MEMORY = '"searches":[] in a result means that the model answered from memory.'

DRAWING = f"{IMAGE} makes or edits pictures. For when the user wants to see one. Each is charged."

FILMING = (
    f"{TEXT_TO_VIDEO} and {IMAGE_TO_VIDEO} make short videos, in minutes. Only when the user asks for one: each second "
    "is charged, even if it is stopped."
)

TEXT_PRICE = (
    "Text is charged by the token; usage has the counts. Models that reason take longer and cost "
    "more, most with a high reasoning_effort."
)

SEARCH_PRICE = (
    "Searches are charged beside the tokens, at xAI half a cent for each web search and each post of X that is read; "
    "what they find is tokens, too. depth quick takes seconds, deep minutes, and costs most."
)

ERRORS = "An error says in billed whether it may be charged, in retryable whether to call again."

SANDBOX = (
    "This server has a sandbox without a model: all answers are made up and free. The prices below are those of real "
    "providers."
)

CUT = f"{GET} with id and offset returns the rest of a result that is cut."

IMAGES = 'An image is a part of a message\'s content: {"type":"image_url","image_url":{"url":"…"}} with '

WITHOUT_FILES = "an https address or a data: URI."
WITH_FILES = "an https address, a data: URI or the path of a file in an allowed folder."


def instructions(settings: Settings, tools: Container[str]) -> str:
    """The instructions for these settings.

    Args:
        settings: The configuration.
        tools: The names of the tools that are listed.
    """
    chats, searches, fetches = CHAT in tools, SEARCH in tools, GET in tools
    writes = chats or searches
    is_sandbox = settings.active_provider.name == "sandbox"
    parts = [
        SANDBOX if is_sandbox else "",
        ASKING if chats else "",
        " ".join([SEARCHING, *([SEARCHING_IN_CHAT] if chats else []), FROM_MEMORY]) if searches else "",
        DRAWING if IMAGE in tools else "",
        FILMING if TEXT_TO_VIDEO in tools else "",
        TEXT_PRICE if writes else "",
        SEARCH_PRICE if searches else "",
        ERRORS,
        _handoff(settings, tools) if fetches and settings.handoff_after else "",
        CUT if fetches and settings.max_result_bytes and writes else "",
        IMAGES + (WITH_FILES if settings.allowed_dirs else WITHOUT_FILES) if chats else "",
    ]
    return "\n".join(filter(None, parts))


def _handoff(settings: Settings, tools: Container[str]) -> str:
    cancelling = f" {CANCEL} stops it." if CANCEL in tools else ""
    pending = pending_objects(settings)
    return (
        f"A call that is not done after {settings.handoff_after:g} s returns {pending} with an id, and goes on: call "
        f"{GET} with it until the answer is there. Asking again is charged again.{cancelling}"
    )
