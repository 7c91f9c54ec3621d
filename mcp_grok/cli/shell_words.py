"""The words of an error for a person at a shell. The messages are written for clients, which know no options."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mcp_grok.errors import IN_CLIENT, IN_PARTIAL, GrokError

WORDS = {
    IN_CLIENT: "in your shell",
    "Name a model in the call": "Name a model with --model",
    "check `model`": "check --model",
    "the absolute path of a file": "a file",
    "see upstream_message, change the arguments and send it again": "its reason is below",
    "send the call again": "ask again",
}
"""A client's words, each with those for a shell."""

ABOVE = "What came is above."
NO_NAMES: Mapping[str, str] = MappingProxyType({})


def message_in_shell(error: GrokError, names: Mapping[str, str] = NO_NAMES, *, is_above: bool = False) -> str:
    """The message of an error.

    Args:
        error: What happened.
        names: What the user typed for each parameter.
        is_above: Whether the text received before the error has been printed.
    """
    words = {**WORDS, **({IN_PARTIAL: ABOVE} if is_above else {}), **names}
    message = error.message
    for client, shell in words.items():
        message = message.replace(client, shell)
    return message


def fields_in_shell(error: GrokError, names: Mapping[str, str] = NO_NAMES, *, is_above: bool = False) -> dict[str, str]:
    """The other fields of an error, without those that the message holds for a person."""
    left_out = {"message", *(["partial"] if is_above else []), *(["param"] if error.param in names else [])}
    return {name: _written(value) for name, value in error.as_dict().items() if name not in left_out}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
