"""The parameters of a chat completion as the payload of the Responses API."""

from collections.abc import Callable
from functools import partial
from typing import Any

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import InvalidRequest, NotConfigured
from mcp_grok.json_parser import JSONObject
from mcp_grok.principal import Principal
from mcp_grok.upstream.adapt import MAX_TOKENS_NAMES, PENALTIES
from mcp_grok.upstream.conversation import read_response_id, signed_response_id
from mcp_grok.upstream.refusal import readable
from mcp_grok.upstream.responses.chat_form import ChatForm
from mcp_grok.upstream.responses.input_items import NOT_THERE, input_items
from mcp_grok.upstream.responses.server_tools import (
    SEARCHES,
    SHARED_TOOLS,
    WEB_SEARCH,
    is_server_tool,
    read_server_tool,
    server_tool,
)

SAME = (
    *("temperature", "top_p", "user", "parallel_tool_calls", "service_tier", "logprobs", "top_logprobs"),
    *("previous_response_id", "stream"),
)
"""Parameters with the same name and meaning in both APIs."""

RESPONSES_NAMES = {"input": "messages", "reasoning": "reasoning_effort", "text": "response_format"}
"""The names of parameters whose name differs there, for errors."""


def chat_form(values: JSONObject, endpoint: Endpoint, principal: Principal) -> ChatForm | None:
    """The translation of the answer, if a call must go to the Responses API; None for chat completions.

    It must for a tool that runs at the API, to continue a stored response, and where the provider searches, for
    `web_search_options`.

    Raises:
        NotConfigured: the provider has no such API.
        InvalidRequest: the caller may not use a tool.
    """
    provider = endpoint.provider
    given = values.get("tools", [])
    options = provider.searches and "web_search_options" in values
    if not any(map(is_server_tool, given)) and not options and "previous_response_id" not in values:
        return None
    if provider.responses_path is None:
        raise no_responses(endpoint)
    allowed = ("function", *SHARED_TOOLS, *endpoint.shared_tools)
    names = [server_tool(tool) for tool in given]
    for index, name in enumerate(names):
        # A type that is not known may be a private one.
        if is_shared(principal) and name not in allowed:
            raise InvalidRequest(
                f"tools[{index}]: {name} is off on this server, because it acts with the rights of the operator, who "
                f"can allow it with {endpoint.names.shared_tools}.",
                param=f"tools[{index}]",
            )
    secret, caller = endpoint.key, principal.name if is_shared(principal) else ""
    return ChatForm(
        searches=options or not set(names).isdisjoint(SEARCHES),
        response_id=partial(signed_response_id, secret, caller) if values.get("store") else None,
    )


def no_responses(endpoint: Endpoint, status: int | None = None, body: bytes = b"") -> NotConfigured:
    """The error for a call that needs the Responses API of a provider without it.

    Args:
        endpoint: Where the call goes.
        status: The status with which the API refused it; None if nothing was sent.
        body: What the API said.
    """
    return NotConfigured(
        f"{endpoint.provider.subject} has no server-side tools, such as web_search, and no previous_response_id; xAI "
        f"has. Set {endpoint.names.provider}=xai and a key of xAI, or leave them out.",
        status=status,
        upstream_message=readable(body) if body else None,
    )


def is_shared(principal: Principal) -> bool:
    """Whether the caller is one of several with the same account at the API."""
    return bool(principal.name) and principal.key is None


def responses_payload(
    values: JSONObject, endpoint: Endpoint, principal: Principal, dropped: dict[str, str]
) -> JSONObject:
    """The payload for checked parameters, without the model.

    Args:
        values: The parameters of the chat completion.
        endpoint: Where the call goes.
        principal: The caller.
        dropped: Gets the reason for each parameter and each field of a message that has no counterpart.

    Raises:
        InvalidRequest: a tool, the tool choice, the previous response or a part of a message is wrong, or has no
            counterpart.
    """
    payload: JSONObject = {}
    for name, value in values.items():
        if name in TRANSLATIONS:
            payload |= TRANSLATIONS[name](value)
        elif name in SAME:
            payload[name] = value
        elif not _is_default(name, value):
            dropped[name] = NOT_THERE
    payload["input"] = input_items(values["messages"], dropped)
    if "web_search_options" in values:
        payload["tools"] = _with_search(payload.get("tools", []), values["web_search_options"], dropped)
    if "previous_response_id" in payload and is_shared(principal):
        given = payload["previous_response_id"]
        payload["previous_response_id"] = read_response_id(endpoint.key, principal.name, given)
    return {**payload, "store": values.get("store", False)}


def _is_default(name: str, value: Any) -> bool:
    """Whether a parameter without a counterpart asks for nothing special."""
    return (name in PENALTIES and value == 0) or (name == "n" and value == 1)


def _with_search(tools: list[JSONObject], options: JSONObject, dropped: dict[str, str]) -> list[JSONObject]:
    dropped.update({f"web_search_options.{name}": NOT_THERE for name in options})
    return tools if any(tool["type"] == WEB_SEARCH for tool in tools) else [*tools, {"type": WEB_SEARCH}]


def _limit(tokens: int) -> JSONObject:
    return {"max_output_tokens": tokens}


def _reasoning(effort: str) -> JSONObject:
    return {"reasoning": {"effort": effort}}


def _format(response_format: JSONObject) -> JSONObject:
    form = dict(response_format)
    wrapper = form.pop("json_schema", {})
    return {"text": {"format": {**form, **wrapper, "type": form["type"]}}}


def _tools(tools: list[JSONObject]) -> JSONObject:
    return {"tools": [_tool(f"tools[{index}]", tool) for index, tool in enumerate(tools)]}


def _tool(path: str, tool: JSONObject) -> JSONObject:
    if tool["type"] == "function":
        rest = {name: value for name, value in tool.items() if name != "function"}
        # The type comes last: a field of the function must not make it a tool that this caller may not use.
        return {**tool["function"], **rest}
    return read_server_tool(path, tool) if is_server_tool(tool) else tool


def _tool_choice(choice: Any) -> JSONObject:
    if not isinstance(choice, dict):
        return {"tool_choice": choice}
    if choice.get("type") == "function":
        return {"tool_choice": {"type": "function", **choice["function"]}}
    raise InvalidRequest(
        "tool_choice cannot name a tool that runs at the API; give auto or required, or leave it out.",
        param="tool_choice",
    )


def _nothing(_: Any) -> JSONObject:
    """Nothing here: `responses_payload` translates these together with others."""
    return {}


TRANSLATIONS: dict[str, Callable[[Any], JSONObject]] = {
    **dict.fromkeys(MAX_TOKENS_NAMES, _limit),
    **dict.fromkeys(("messages", "web_search_options", "store"), _nothing),
    "reasoning_effort": _reasoning,
    "response_format": _format,
    "tools": _tools,
    "tool_choice": _tool_choice,
}
"""The counterparts of parameters whose name or form differs."""
