"""The arguments of a call → the request to post."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_grok.endpoint import Endpoint, SettingNames
from mcp_grok.errors import InvalidRequest, NotConfigured
from mcp_grok.models import find_model
from mcp_grok.principal import ANONYMOUS, Principal
from mcp_grok.surrogates import as_utf8
from mcp_grok.upstream.adapt import MAX_TOKENS_NAMES, adapt
from mcp_grok.upstream.conversation import conversation_id
from mcp_grok.upstream.function_tools import resolve_tool_choice
from mcp_grok.upstream.images import with_images
from mcp_grok.upstream.messages import MESSAGES_SCHEMA
from mcp_grok.upstream.parameters import FOREIGN_PARAMETERS, PARAMETERS, snake_case
from mcp_grok.upstream.responses.chat_form import ChatForm
from mcp_grok.upstream.responses.payload import RESPONSES_NAMES, chat_form, responses_payload
from mcp_grok.upstream.schema_check import bounded_texts, did_you_mean, expected, is_empty

NAME = re.compile(r"[A-Za-z]\w*")

AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

NEEDS_TOOLS = ("tool_choice", "parallel_tool_calls")
"""Parameters that mean nothing without tools. APIs refuse them then (https://github.com/vllm-project/vllm/pull/39780)."""

EMPTY_SEARCH = 'an empty object means not given; give {"search_context_size": "medium"} for a search'
"""OpenAI's API searches for an empty object, so leaving it out must not be silent."""

CACHE_KEY = "prompt_cache_key"
OWN_CACHE_KEY = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
"""A caller's own value of it that can be a header."""

ASK_FOR_USAGE = b',"stream_options":{"include_usage":true}}'
"""The end of a body that asks for usage; appended as bytes, so that a body with large images is encoded only once."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked call.

    Attributes:
        body: The JSON to post, in UTF-8.
        streamed: Whether a stream is requested.
        choices: The number of requested answers (`n`).
        model: The requested model.
        dropped: The parameters that were given but are not sent, each with the reason.
        fingerprint: A digest, equal for calls with the same content, streamed or not.
        response_format: The requested form of the answer; None for plain text.
        asks_usage: Whether this server has added `stream_options` to the body.
        retired_for: The model that replaces the requested one, if that has been withdrawn.
        given: The caller's name of each parameter that it gave, by the name that is sent.
        form: The translation of the answer, if the call goes to the Responses API; None for chat completions.
        headers: Further headers.
    """

    body: bytes
    streamed: bool
    choices: int
    model: str
    dropped: dict[str, str]
    fingerprint: str
    response_format: dict[str, Any] | None = None
    asks_usage: bool = False
    retired_for: str | None = None
    given: dict[str, str] = field(default_factory=dict)
    form: ChatForm | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What the call makes."""
        return "chat"

    @property
    def body_without_usage(self) -> bytes | None:
        """The body without `stream_options` added by this server; None if it adds none."""
        return self.body.removesuffix(ASK_FOR_USAGE) + b"}" if self.asks_usage else None

    def given_name(self, param: str | None) -> str | None:
        """The caller's name of the parameter that an error of the upstream names; None if the caller did not give it.

        The path in a parameter, as in `messages[0].role`, is kept.
        """
        name = NAME.match(param or "")
        given = self.given.get(snake_case(name[0])) or self.given.get(name[0]) if name else None
        return given + (param or "").removeprefix(name[0]) if given and name else None


def read_request(
    arguments: Mapping[str, Any],
    endpoint: Endpoint,
    *,
    progress_wanted: bool = False,
    principal: Principal = ANONYMOUS,
) -> ChatRequest:
    """Checks the arguments of a call and creates the request. Reads the image files that they name.

    Args:
        arguments: The arguments as the client sent them. None, and for an optional parameter an empty text, list or
            object mean not given.
        endpoint: The endpoint of the call, with its provider, default model and image folders.
        progress_wanted: Whether to stream the answer when `stream` is not given.
        principal: The caller.

    Raises:
        InvalidRequest: an argument is wrong, or unknown; `param` names it.
        NotConfigured: the call names no model, and there is no default; or the provider lacks what it needs.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    with bounded_texts():
        values = _read_arguments(given)
    values["messages"] = with_images(values["messages"], endpoint)
    dropped = {"web_search_options": EMPTY_SEARCH} if given.get("web_search_options") == {} else {}
    return _assemble(values, dropped, endpoint, principal, progress_wanted)


def _read_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in PARAMETERS:
            raise _unknown(name)
    if "messages" not in given:
        raise InvalidRequest(f"messages is missing; give {expected(MESSAGES_SCHEMA)}.", param="messages")
    values = _read_values(given)
    if "max_tokens" in values and "max_completion_tokens" in values:
        raise InvalidRequest(
            "max_tokens and max_completion_tokens are two names of one limit; give one of them.",
            param="max_completion_tokens",
        )
    if "tool_choice" in values:
        values["tool_choice"] = resolve_tool_choice(values["tool_choice"], values.get("tools", []))
    if "tools" not in values:
        values = {name: value for name, value in values.items() if name not in NEEDS_TOOLS}
    for name in values.get("extra_body", {}):
        if name in PARAMETERS:
            raise InvalidRequest(f"extra_body.{name}: give {name} as a parameter.", param=f"extra_body.{name}")
    return values


def _unknown(name: str) -> InvalidRequest:
    nearest = did_you_mean(name, list(PARAMETERS))
    instead = f" {FOREIGN_PARAMETERS[name]}" if name in FOREIGN_PARAMETERS else nearest
    return InvalidRequest(
        f"{name!r} is not a parameter.{instead} Parameters that only the API knows go into extra_body.", param=name
    )


def _read_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters in the order of sending, without those that are empty."""
    values = {}
    for name, parameter in PARAMETERS.items():
        if name in given and (name == "messages" or parameter.is_given(given[name])):
            value = parameter.read(name, given[name])
            if not is_empty(value):
                values[name] = value
    return values


def _assemble(
    values: dict[str, Any], dropped: dict[str, str], endpoint: Endpoint, principal: Principal, progress_wanted: bool
) -> ChatRequest:
    name = values.pop("model", None) or endpoint.default_model
    if name is None:
        raise NotConfigured(f"Name a model in the call, or set {endpoint.names.default_model}.", param="model")
    extra = values.pop("extra_body", {})
    provider = endpoint.provider
    model = find_model(provider.name, name)
    given = _given(values, extra)
    values, refused = adapt(values, provider, model)
    dropped = {**dropped, **refused}
    streamed = values.get("stream", progress_wanted)
    form = chat_form(values, endpoint, principal)
    if form is None:
        sent = _with_stream_options(values, dropped, endpoint, streamed=streamed)
    else:
        sent = responses_payload(values, endpoint, principal, dropped)
    if dropped and endpoint.strict:
        raise _strict(dropped, endpoint.names)
    asks_usage = form is None and streamed and provider.usage_on_request and "stream_options" not in sent
    payload = {"model": name, **sent, **({"stream": True} if streamed else {}), **extra}
    header = provider.conversation_header
    conversation = _conversation(payload, values["messages"], endpoint, principal) if header else ""
    body = _encode({**payload, CACHE_KEY: conversation} if header and form else payload)
    return ChatRequest(
        body=body.removesuffix(b"}") + ASK_FOR_USAGE if asks_usage else body,
        streamed=streamed,
        choices=values.get("n", 1) if form is None else 1,
        model=name,
        dropped=dropped,
        fingerprint=_fingerprint(payload),
        response_format=values.get("response_format"),
        asks_usage=asks_usage,
        retired_for=model.retired_for if model else None,
        given=given,
        form=form,
        headers={header: conversation} if header and form is None else {},
    )


def _with_stream_options(
    values: dict[str, Any], dropped: dict[str, str], endpoint: Endpoint, *, streamed: bool
) -> dict[str, Any]:
    if "stream_options" not in values:
        return values
    if not streamed:
        dropped["stream_options"] = "the call is not streamed"
        return {name: value for name, value in values.items() if name != "stream_options"}
    if not endpoint.counts_tokens:
        return values
    return {**values, "stream_options": _with_usage(values["stream_options"], dropped)}


def _conversation(
    payload: dict[str, Any], messages: list[dict[str, Any]], endpoint: Endpoint, principal: Principal
) -> str:
    """The conversation's id, by which the provider finds the prompt's cache. The caller's own wins."""
    own = payload.get(CACHE_KEY)
    if isinstance(own, str) and OWN_CACHE_KEY.fullmatch(own):
        return own
    return conversation_id(principal.secret or endpoint.key, principal.name, messages)


def _given(values: dict[str, Any], extra: dict[str, Any]) -> dict[str, str]:
    """The caller's name of each parameter. The caller can also give another model than the default."""
    given = {name: name for name in ("model", *values)}
    limit = next((name for name in MAX_TOKENS_NAMES if name in values), None)
    if limit is not None:
        given |= dict.fromkeys((*MAX_TOKENS_NAMES, "max_output_tokens"), limit)
    given |= {sent: own for sent, own in RESPONSES_NAMES.items() if own in given}
    return given | {name: f"extra_body.{name}" for name in extra}


def _with_usage(options: dict[str, Any], dropped: dict[str, str]) -> dict[str, Any]:
    """The options of a stream with its usage, also if the caller does not want it."""
    if options.get("include_usage", True) is not True:
        dropped["stream_options.include_usage"] = "this server counts the tokens of each caller"
    return {**options, "include_usage": True}


def _strict(dropped: dict[str, str], names: SettingNames) -> InvalidRequest:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in dropped.items())
    return InvalidRequest(
        f"Nothing was sent: {names.strict} is set, and some parameters would be dropped. Leave them out. {reasons}.",
        param=next(iter(dropped)),
    )


def _fingerprint(payload: dict[str, Any]) -> str:
    content = {name: value for name, value in payload.items() if name not in ("stream", "stream_options")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _encode(payload: dict[str, Any]) -> bytes:
    return b"{" + b",".join(_member(name, value) for name, value in payload.items()) + b"}"


def _member(name: str, value: Any) -> bytes:
    try:
        return as_utf8(AS_JSON(name)) + b":" + as_utf8(AS_JSON(value))
    except (ValueError, RecursionError):
        param = name if name in PARAMETERS else f"extra_body.{name}"
        raise InvalidRequest(
            f"{param} cannot be written as JSON: it contains NaN, Infinity or a number of thousands of digits, or is "
            "nested too deeply.",
            param=param,
        ) from None
