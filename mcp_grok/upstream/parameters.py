"""The parameters of `grok_chat_completions`. To add a parameter, add an entry to `PARAMETERS`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_grok.limits import MAX_CHOICES
from mcp_grok.upstream.adapt import EFFORTS
from mcp_grok.upstream.function_tools import TOOLS_SCHEMA, read_tool_choice, read_tools
from mcp_grok.upstream.messages import MESSAGES_SCHEMA, read_messages
from mcp_grok.upstream.response_format import RESPONSE_FORMAT, read_response_format
from mcp_grok.upstream.schema_check import Schema, from_json_text, invalid, is_empty, is_given, read_value

CAPITAL = re.compile(r"[A-Z]")

BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
TOKENS: Schema = {"type": "integer", "minimum": 1}
PENALTY: Schema = {"type": "number", "minimum": -2, "maximum": 2}
STOP: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 4}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the tool.

    Attributes:
        schema: The accepted values, as JSON Schema without references, null and default.
        description: The description in the tool's schema; if empty, the parameter is not in that schema.
        reader: Reads a value, given its path, if the schema alone does not describe the accepted values.
        accepts_text: Whether a text can be a value although the schema has another type.
    """

    schema: Schema
    description: str = ""
    reader: Callable[[str, Any], Any] | None = None
    accepts_text: bool = False

    def is_given(self, value: Any) -> bool:
        """Whether the value of the optional parameter is one, and not empty."""
        return not is_empty(value) if self.accepts_text else is_given(value, self.schema)

    def read(self, name: str, value: Any) -> Any:
        """The value for the API.

        Raises:
            InvalidRequest: the value is not accepted; `param` is its path, which begins with the parameter's name.
        """
        return self.reader(name, value) if self.reader else read_value(name, value, self.schema)


def read_stop(path: str, value: Any) -> str | list[str]:
    """A stop sequence, or a list of up to 4. Text that is not a JSON list of strings, such as "[1]", is a sequence.

    Empty sequences are left out of a list.

    Raises:
        InvalidRequest: the value is neither.
    """
    sequences = from_json_text(value, list)
    if isinstance(sequences, list) and all(isinstance(sequence, str) for sequence in sequences):
        sequences = list(filter(None, sequences))
        if len(sequences) <= STOP["maxItems"]:
            return sequences
    elif isinstance(value, str):
        return value
    raise invalid(path, f"a string or a list of 1 to {STOP['maxItems']} strings", value)


def read_effort(path: str, value: Any) -> str:
    """A value of `reasoning_effort`; a documented one is read in capitals, too.

    Raises:
        InvalidRequest: the value is not a text.
    """
    effort: str = read_value(path, value, TEXT)
    return known if (known := effort.strip().lower()) in EFFORTS else effort


PARAMETERS = {
    "messages": Parameter(
        MESSAGES_SCHEMA, "The conversation so far, oldest first; at least one message", read_messages
    ),
    "model": Parameter(TEXT, "Grok model"),
    "n": Parameter({"type": "integer", "minimum": 1, "maximum": MAX_CHOICES}, "How many answers to generate"),
    "stream": Parameter(BOOLEAN, "Stream from the API: the text comes as progress, the result is whole"),
    "max_tokens": Parameter(TOKENS, "Most tokens to generate"),
    "temperature": Parameter(
        {"type": "number", "minimum": 0, "maximum": 2}, "Sampling temperature; higher is more random"
    ),
    "top_p": Parameter({"type": "number", "minimum": 0, "maximum": 1}, "Nucleus sampling: probability mass considered"),
    "stop": Parameter(STOP, "Sequences that end the answer; up to 4", read_stop, accepts_text=True),
    "presence_penalty": Parameter(PENALTY, "Above 0: more new topics"),
    "frequency_penalty": Parameter(PENALTY, "Above 0: less repetition"),
    "seed": Parameter({"type": "integer"}, "For repeatable sampling, best effort"),
    "user": Parameter({"type": "string"}, "Your id for the end user"),
    "tools": Parameter(TOOLS_SCHEMA, "Functions the model may call; up to 128", read_tools),
    "tool_choice": Parameter({"type": "string"}, "none, auto, required, or a function's name", read_tool_choice),
    "response_format": Parameter(
        RESPONSE_FORMAT,
        'Like {"type":"json_object"} or {"type":"json_schema","json_schema":{"name":…,"schema":{…}}}',
        read_response_format,
    ),
    "reasoning_effort": Parameter(TEXT, "low, medium or high, for models that reason", read_effort),
    "max_completion_tokens": Parameter(TOKENS),
    "logprobs": Parameter(BOOLEAN),
    "top_logprobs": Parameter({"type": "integer", "minimum": 0, "maximum": 20}),
    "stream_options": Parameter(OBJECT),
    "parallel_tool_calls": Parameter(BOOLEAN),
    "service_tier": Parameter(TEXT),
    "store": Parameter(BOOLEAN),
    "metadata": Parameter(OBJECT),
    "logit_bias": Parameter(OBJECT),
    "modalities": Parameter({"type": "array", "items": {"type": "string"}}),
    "audio": Parameter(OBJECT),
    "prediction": Parameter(OBJECT),
    "web_search_options": Parameter(OBJECT),
    "previous_response_id": Parameter(TEXT),
    "extra_body": Parameter(OBJECT),
}
"""The accepted parameters, in the order of sending (from the references of AceData and llmprovider.ai)."""

FOREIGN_PARAMETERS = {
    "functions": "Give tools.",
    "function_call": "Give tool_choice.",
    "reasoning": "Give reasoning_effort.",
    "thinking": "Give reasoning_effort.",
    "stop_sequences": "Give stop.",
    "max_output_tokens": "Give max_tokens.",
    "max_new_tokens": "Give max_tokens.",
    "text": "Give response_format.",
    "output_format": "Give response_format.",
    "prompt": "Give messages.",
    "input": "Give messages.",
    "system": 'Give {"role": "system", "content": "…"} as the first of messages.',
    "instructions": 'Give {"role": "system", "content": "…"} as the first of messages.',
}
"""Parameters of other APIs, and what to give instead."""


def snake_case(name: str) -> str:
    """The name in the form of this server's parameters: `presencePenalty` → `presence_penalty`."""
    return CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)
