"""Settings, command lines and entries of clients without the secrets in them, for people to read."""

import re

from mcp_grok.redaction import replace_keys

HIDDEN = "…"

NAME = r"[\w-]*(?:key|token|secret|passw|pwd|credential|auth|bearer|cookie)[\w-]*"
"""The name of a secret."""

ADDRESS = re.compile(r"(\w:/+)[^\s\"'<>]*@")
"""User and password in an address, up to the last @, because a password may hold one."""

QUERY = re.compile(r"(://[^\s\"'?]*\?)[^\s\"']+")
BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[^\s\"']+")
ASSIGNED = re.compile(rf"(?i)\b({NAME}[\"']?\s*[=:]\s*[\"']?)(?!(?:bearer|basic)\s)(?!/+)[^\s\"',;&]+")
"""A value that is assigned to a secret name, as in `API_KEY=…`, `--token=…` and `x-api-key: …`."""

LONG = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{20,}"
    r"|(?<![\w-])(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{24,}"
    r"|\b[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\b"
)
"""A long mixture of letters and digits, or a UUID."""


def concealed(text: str) -> str:
    """The text with passwords, values of secret names, and whatever looks like a key replaced."""
    text = ADDRESS.sub(rf"\1{HIDDEN}@", text)
    text = QUERY.sub(rf"\1{HIDDEN}", text)
    text = BEARER.sub(rf"\1\2{HIDDEN}", text)
    text = ASSIGNED.sub(rf"\1{HIDDEN}", text)
    return LONG.sub(HIDDEN, replace_keys(text, HIDDEN))


def is_secret_name(name: str) -> bool:
    """Whether a value with this name is a secret."""
    return re.fullmatch(NAME, name.lstrip("-"), re.IGNORECASE) is not None
