"""Arguments of a call → the body that is posted. The one list of parameters is here."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_grok.errors import InvalidRequest, NotConfigured
from mcp_grok.upstream import messages
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
)
from mcp_grok.upstream.text import without_lone_surrogates

STOP_RULE = "must be a string or a list of 1 to 4 strings"
TOOL_CHOICES = ("none", "auto", "required")


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
class ToolChoice:
    """`none`, `auto`, `required`, a function's name, or an object."""

    def read(self, name: str, value: Any) -> str | dict[str, Any]:
        choice = from_json_text(value, dict)
        if isinstance(choice, dict):
            return choice
        if not isinstance(choice, str) or not choice:
            raise invalid(name, f"must be {', '.join(TOOL_CHOICES)}, a function's name or an object", value)
        return choice

    def schema(self) -> Schema:
        return {"type": "string"}


def read_tool(name: str, value: Any) -> dict[str, Any]:
    """One tool the model may call."""
    tool = from_json_text(value, dict)
    rule = 'must be an object like {"type": "function", "function": {"name": "…", "parameters": {…}}}'
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise invalid(name, rule, value)
    function = tool.get("function")
    if tool["type"] == "function" and not (
        isinstance(function, dict) and isinstance(function.get("name"), str) and function["name"]
    ):
        raise invalid(name, rule, value)
    return tool


TOOL_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "function": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "description": {"type": "string"},
                "parameters": {"type": "object", "description": "JSON Schema"},
            },
            "required": ["name"],
        },
    },
    "required": ["type"],
}


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
        question: A digest, equal for calls that ask the same, streamed or not.
        response_format: The form asked for, if any.
    """

    body: bytes
    streamed: bool
    choices: int
    model: str
    dropped: dict[str, str]
    question: str
    response_format: dict[str, Any] | None = None


def read_request(arguments: Mapping[str, Any], *, default_model: str | None, progress_wanted: bool) -> ChatRequest:
    """Checks the arguments of a call and makes the request.

    Args:
        arguments: As the client sent them; None means not given.
        default_model: The model when `model` is not given; None where there is no default.
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
        values["tool_choice"] = _named_function(values["tool_choice"], values.get("tools", []))
    return _assembled(values, default_model, progress_wanted)


def _assembled(values: dict[str, Any], default_model: str | None, progress_wanted: bool) -> ChatRequest:
    model = values.pop("model", None) or default_model
    if model is None:
        raise NotConfigured("Name a model in the call, or set MCP_GROK_DEFAULT_MODEL.", param="model")
    extra = values.pop("extra_body", {})
    for name in extra:
        if name in PARAMETERS:
            raise InvalidRequest(f"extra_body.{name}: give {name} as a parameter.", param=f"extra_body.{name}")
    streamed = values.get("stream", progress_wanted)
    if streamed:
        values["stream"] = True
    dropped = {}
    if "stream_options" in values and not streamed:
        del values["stream_options"]
        dropped["stream_options"] = "the call is not streamed"
    payload = {"model": model, **values, **extra}
    return ChatRequest(
        _encoded(payload),
        streamed,
        values.get("n", 1),
        model,
        dropped,
        question=_question(payload),
        response_format=values.get("response_format"),
    )


def _question(payload: dict[str, Any]) -> str:
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


def _named_function(choice: str | dict[str, Any], tools: list[dict[str, Any]]) -> str | dict[str, Any]:
    if isinstance(choice, dict) or choice in TOOL_CHOICES:
        return choice
    names = [tool["function"]["name"] for tool in tools if tool["type"] == "function"]
    if choice in names:
        return {"type": "function", "function": {"name": choice}}
    suggestion = _nearest(choice, [*TOOL_CHOICES, *names])
    raise InvalidRequest(
        f"tool_choice must be {', '.join(TOOL_CHOICES)} or the name of a function in tools, got {choice!r}."
        f"{suggestion}",
        param="tool_choice",
    )


def _unknown(name: str) -> str:
    suggestion = _nearest(name, list(PARAMETERS))
    return f"{name!r} is not a parameter.{suggestion} What this tool does not know goes into extra_body."


def _nearest(name: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""
