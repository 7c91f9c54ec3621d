"""The secrets in a client's configuration: found to protect its file, and hidden where it is shown."""

import re
from collections.abc import Mapping
from typing import Any

from mcp_grok.concealment import HIDDEN, concealed, is_secret_name
from mcp_grok.settings import KEY_FIELDS, Settings, variable

PLAIN_SETTINGS = {variable(field) for field in Settings.model_fields if field not in KEY_FIELDS}
"""Our settings that are not keys. One may still hold a password, in an address."""

REFERENCES = re.compile(r"(?i:bearer |basic )?(?:\$\{(?:(?:env|input):)?[\w-]+\}|\{env:\w+\}|\$[A-Z][A-Z_]*[A-Z])*")
"""A value that only refers to variables."""

VARIABLES = re.compile(r"envs?|environment|.*headers", re.IGNORECASE)
"""The tables of an entry whose values may all be secrets."""


def hidden(value: Any, name: str = "") -> Any:
    """A configuration, or a part of one, with each secret replaced.

    Args:
        value: An entry, a whole file, or a value in one.
        name: The key of the value.
    """
    if isinstance(value, Mapping):
        if VARIABLES.fullmatch(name):
            return {key: _variable(key, one) for key, one in value.items()}
        return {key: hidden(one, key) for key, one in value.items()}
    if isinstance(value, list):
        previous = ["", *value]
        return [_argument(option, one, name) for option, one in zip(previous, value, strict=False)]
    if not isinstance(value, str) or REFERENCES.fullmatch(value):
        return value
    # The value of `env_key` is the name of a variable.
    is_secret = is_secret_name(name) and "env" not in name.lower().split("_")
    return HIDDEN if is_secret else concealed(value)


def holds_secret(value: Any) -> bool:
    """Whether a configuration holds a secret, and not only a reference to one."""
    return bool(hidden(value) != value)


def _variable(name: str, value: Any) -> Any:
    if name in PLAIN_SETTINGS and isinstance(value, str):
        return concealed(value)
    is_reference = isinstance(value, str) and REFERENCES.fullmatch(value)
    return value if is_reference else HIDDEN


def _argument(option: Any, value: Any, name: str) -> Any:
    """An element of a list, which may be the value of the option before it."""
    is_value = isinstance(option, str) and option.startswith("-") and is_secret_name(option)
    if is_value and isinstance(value, str) and not value.startswith("-") and not REFERENCES.fullmatch(value):
        return HIDDEN
    return hidden(value, name)
