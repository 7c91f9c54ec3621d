"""Arguments of a call → the body that is posted. The one list of parameters is here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_grok.errors import InvalidRequest, NotConfigured
from mcp_grok.models import find_model
from mcp_grok.settings import Settings
from mcp_grok.upstream import messages
from mcp_grok.upstream.adapt import fitted
from mcp_grok.upstream.function_tools import TOOL_SCHEMA, ToolChoice, named_function, read_tool
from mcp_grok.upstream.image_files import ImageFiles, with_image_files
from mcp_grok.upstream.parameters import (
    Flag,
    Kind,
    ListOf,
    Number,
    Object,
    Schema,
    Text,
    from_json_text,
    invalid,
    nearest,
)
from mcp_grok.upstream.surrogates import without_lone_surrogates

STOP_RULE = "must be a string or a list of 1 to 4 strings"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop sequence or up to four of them."""

    def read(self, name: str, value: Any) -> str | list[str]:
        sequences = from_json_text(value, list)
        if _all_strings(sequences):
            if not 1 <= len(sequences) <= 4:
                raise invalid(name, STOP_RULE, value)
            return list(sequences)
        if not isinstance(value, str):
            raise invalid(name, STOP_RULE, value)
        # Text that only looks like a list, such as the citation mark "[1]", is a sequence.
        return value

    def schema(self) -> Schema:
        return {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 4}


def _all_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the tool.

    Attributes:
        name: Its name in the call and in the payload.
        kind: What it accepts.
        description: What the model reads in the schema; empty for one that the schema does not list.
    """

    name: str
    kind: Kind
    description: str = ""


PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "messages",
            ListOf(messages.read_message, messages.MESSAGE_SCHEMA, minimum=1, example=messages.EXAMPLE),
            "The conversation so far, oldest first",
        ),
        Parameter("model", Text(may_be_empty=False), "Grok model"),
        Parameter("n", Number(1, 128, whole=True), "How many answers to generate"),
        Parameter("stream", Flag(), "Stream from the API: the text comes as progress, the result is whole"),
        Parameter("max_tokens", Number(1, whole=True), "Most tokens to generate"),
        Parameter("temperature", Number(0, 2), "Sampling temperature; higher is more random"),
        Parameter("top_p", Number(0, 1), "Nucleus sampling: probability mass considered"),
        Parameter("stop", Stop(), "Sequences that end the answer; up to 4"),
        Parameter("presence_penalty", Number(-2, 2), "Above 0: more new topics"),
        Parameter("frequency_penalty", Number(-2, 2), "Above 0: less repetition"),
        Parameter("seed", Number(whole=True), "For repeatable sampling, best effort"),
        Parameter("user", Text(), "Your id for the end user"),
        Parameter("tools", ListOf(read_tool, TOOL_SCHEMA, maximum=128), "Functions the model may call"),
        Parameter("tool_choice", ToolChoice(), "none, auto, required, or a function's name"),
        Parameter(
            "response_format",
            Object("type", '{"type": "json_object"}'),
            'Like {"type":"json_object"} or {"type":"json_schema","json_schema":{"name":…,"schema":{…}}}',
        ),
        Parameter("reasoning_effort", Text(may_be_empty=False), "low, medium or high, for models that reason"),
        Parameter("max_completion_tokens", Number(1, whole=True)),
        Parameter("logprobs", Flag()),
        Parameter("top_logprobs", Number(0, 20, whole=True)),
        Parameter("stream_options", Object()),
        Parameter("parallel_tool_calls", Flag()),
        Parameter("service_tier", Text(may_be_empty=False)),
        Parameter("store", Flag()),
        Parameter("metadata", Object()),
        Parameter("logit_bias", Object()),
        Parameter("modalities", ListOf(Text().read, Text().schema())),
        Parameter("audio", Object()),
        Parameter("prediction", Object()),
        Parameter("web_search_options", Object()),
        Parameter("extra_body", Object()),
    )
}
"""What the tool accepts, in the order in which it is sent (the references of AceData and llmprovider.ai)."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked call.

    Attributes:
        body: The JSON to post, in UTF-8.
        streamed: Whether the answer is asked for as a stream.
        choices: How many answers are expected (`n`).
        model: The model asked for.
        dropped: What was given and not sent, and why.
        fingerprint: A digest, equal for calls with the same content, streamed or not.
        response_format: The form asked for, if any.
        bare_body: The body without what this server adds of its own; None where it adds nothing.
        retired_for: The model to use instead, where the one asked for has been withdrawn.
    """

    body: bytes
    streamed: bool
    choices: int
    model: str
    dropped: dict[str, str]
    fingerprint: str
    response_format: dict[str, Any] | None = None
    bare_body: bytes | None = None
    retired_for: str | None = None


def read_request(arguments: Mapping[str, Any], settings: Settings, *, progress_wanted: bool = False) -> ChatRequest:
    """Checks the arguments of a call and makes the request. Reads the image files that they name.

    Args:
        arguments: As the client sent them; None means not given.
        settings: The provider, the default model, what to do with what a model does not take, and whose images may
            be sent.
        progress_wanted: Streams the answer when `stream` is not given.

    Raises:
        InvalidRequest: an argument is wrong, or unknown; `param` names it.
        NotConfigured: no model is named, and there is no default.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in given:
        if name not in PARAMETERS:
            raise InvalidRequest(_unknown(name), param=name)
    if "messages" not in given:
        raise InvalidRequest(f"messages is missing; give a list like {messages.EXAMPLE}.", param="messages")
    values = {name: parameter.kind.read(name, given[name]) for name, parameter in PARAMETERS.items() if name in given}
    if "max_tokens" in values and "max_completion_tokens" in values:
        raise InvalidRequest(
            "max_tokens and max_completion_tokens are two names of one limit; give one of them.",
            param="max_completion_tokens",
        )
    if "tool_choice" in values:
        values["tool_choice"] = named_function(values["tool_choice"], values.get("tools", []))
    images = ImageFiles(settings.endpoint.image_folders, settings.active_provider.image_types)
    values["messages"] = with_image_files(values["messages"], images)
    return _assembled(values, settings, progress_wanted)


def _assembled(values: dict[str, Any], settings: Settings, progress_wanted: bool) -> ChatRequest:
    name = values.pop("model", None) or settings.model
    if name is None:
        raise NotConfigured("Name a model in the call, or set MCP_GROK_DEFAULT_MODEL.", param="model")
    extra = values.pop("extra_body", {})
    for key in extra:
        if key in PARAMETERS:
            raise InvalidRequest(f"extra_body.{key}: give {key} as a parameter.", param=f"extra_body.{key}")
    provider = settings.active_provider
    model = find_model(provider.name, name)
    values, dropped = fitted(values, provider, model)
    streamed = values.get("stream", progress_wanted)
    if "stream_options" in values and not streamed:
        del values["stream_options"]
        dropped["stream_options"] = "the call is not streamed"
    if dropped and settings.strict:
        raise _strict(dropped)
    added: dict[str, Any] = {}
    if streamed and "stream_options" not in values and provider.usage_on_request:
        added["stream_options"] = {"include_usage": True}
    payload = {"model": name, **values, **({"stream": True} if streamed else {}), **extra}
    return ChatRequest(
        _encoded({**payload, **added}),
        streamed,
        values.get("n", 1),
        name,
        dropped,
        fingerprint=_fingerprint(payload),
        response_format=values.get("response_format"),
        bare_body=_encoded(payload) if added else None,
        retired_for=model.retired_for if model else None,
    )


def _strict(dropped: dict[str, str]) -> InvalidRequest:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in dropped.items())
    return InvalidRequest(
        f"Nothing was sent, since MCP_GROK_STRICT is set. Leave out what is not taken. {reasons}.",
        param=next(iter(dropped)),
    )


def _fingerprint(payload: dict[str, Any]) -> str:
    asked = {name: value for name, value in payload.items() if name not in ("stream", "stream_options")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _encoded(payload: dict[str, Any]) -> bytes:
    try:
        text = _json(payload)
    except (ValueError, RecursionError):
        name = next((name for name, value in payload.items() if not _is_json(value)), "messages")
        param = name if name in PARAMETERS else f"extra_body.{name}"
        raise InvalidRequest(
            f"{param} cannot be written as JSON: it holds NaN, Infinity, a number of thousands of digits, or is nested "
            "too deeply.",
            param=param,
        ) from None
    return without_lone_surrogates(text).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _is_json(value: Any) -> bool:
    try:
        _json(value)
    except (ValueError, RecursionError):
        return False
    return True


def _unknown(name: str) -> str:
    suggestion = nearest(name, list(PARAMETERS))
    return f"{name!r} is not a parameter.{suggestion} What this tool does not know goes into extra_body."
