"""The server's instructions: what a client's model reads before it decides whether to call a tool.

Clients with many tools show their models only the names of tools and these, and cut what is long: Claude Code after
2 KB (https://code.claude.com/docs/en/mcp).
"""

from collections.abc import Container

from mcp_grok.settings import Settings
from mcp_grok.toolsets import CANCEL, CHAT, GET, IMAGE, IMAGE_TO_VIDEO, SEARCH, TEXT_TO_VIDEO

ASKING = (
    f"{CHAT} sends a conversation to a Grok model and returns its answer. For when the user asks for Grok, for a "
    "second opinion from another model, or to have images looked at. Not for what you can do as well yourself. The "
    "model sees only the messages of the call: nothing of this conversation, no files, no earlier calls."
)

SEARCHING = (
    f"{SEARCH} answers one question from the web and X as they are now, with sources. For news, prices, versions, "
    "what people say on X, and anything after your training. Not for what is in the user's files, or what every model "
    "knows."
)

SEARCHING_IN_CHAT = (
    f'To search within a conversation, add {{"type":"web_search"}} or {{"type":"x_search"}} to the tools of {CHAT}.'
)

FROM_MEMORY = '"searches":[] in a result means that the model searched nothing and answered from memory.'

DRAWING = (
    f"{IMAGE} makes or edits pictures. For when the user wants to see one. Each picture is charged, and takes seconds "
    "to a minute."
)

FILMING = (
    f"{TEXT_TO_VIDEO} and {IMAGE_TO_VIDEO} make short videos. Only when the user asks for one: each second is charged, "
    "and it takes minutes. A video that is stopped or asked for again is charged all the same."
)

PRICE = (
    "Each call is charged by the token; usage in the result has the counts. Answers take from seconds to minutes. "
    "Models that reason are slower and cost more, the more so with a high reasoning_effort. An error says in billed "
    "whether it may be charged, and in retryable whether to call again."
)

SEARCH_PRICE = (
    "A search is charged beside the tokens, at xAI half a cent for each web search and each post of X that it reads, "
    "and what it finds is tokens, too. depth quick takes seconds, deep can take minutes and costs most."
)

SANDBOX = (
    "This server uses a sandbox without a model: answers and sources are made up, and nothing is charged. The prices "
    "below are those of real providers."
)

CUT = f"Of a result that is cut, {GET} with id and offset returns the rest."

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
    is_sandbox = settings.active_provider.name == "sandbox"
    parts = [
        SANDBOX if is_sandbox else "",
        ASKING if chats else "",
        " ".join([SEARCHING, *([SEARCHING_IN_CHAT] if chats else []), FROM_MEMORY]) if searches else "",
        DRAWING if IMAGE in tools else "",
        FILMING if TEXT_TO_VIDEO in tools else "",
        PRICE,
        SEARCH_PRICE if searches else "",
        _handoff(settings.handoff_after, tools) if fetches and settings.handoff_after else "",
        CUT if fetches and settings.max_result_bytes else "",
        IMAGES + (WITH_FILES if settings.allowed_dirs else WITHOUT_FILES) if chats else "",
    ]
    return "\n".join(filter(None, parts))


def _handoff(seconds: float, tools: Container[str]) -> str:
    cancelling = f" {CANCEL} stops it." if CANCEL in tools else ""
    return (
        f"A call that is not done after {seconds:g} s returns chat.completion.pending with an id and goes on: get its "
        f"answer from {GET} with that id, as often as it is pending. Asking again would be charged again.{cancelling}"
    )
