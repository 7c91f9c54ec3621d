"""The entry of a server in a client's configuration, read and written in the client's form."""

from collections.abc import Iterable, Mapping
from typing import Any

from mcp_grok.cli.install.clients import McpClient
from mcp_grok.cli.install.references import referred
from mcp_grok.settings import KEY_FIELDS, variable

KEY_VARIABLES = [variable(field) for field in KEY_FIELDS]

LOCAL_KEYS = frozenset(
    ("command", "cmd", "args", "env", "environment", "envs", "env_vars", "env_keys", "envFile", "cwd")
)
"""The keys that only a local entry has, in any client."""

ADDRESSES = ("url", "httpUrl", "serverUrl", "uri")

REMOTE_KEYS = frozenset(
    (
        *ADDRESSES,
        *("headers", "http_headers", "env_http_headers", "headersHelper", "bearer_token", "bearer_token_env_var"),
        *("auth", "authProviderType", "oauth", "oauth_resource", "oauth_client_id", "scopes"),
    )
)
"""The keys that only a remote entry has, in any client."""

KIND_KEYS = frozenset(("type", "transport"))
"""The keys that say the kind of an entry."""


def command_of(client: McpClient, entry: Mapping[str, Any]) -> list[str]:
    """The command of an entry with its arguments; empty if there is none, or it is in another form."""
    command = entry.get(client.command)
    words = [command, *listed(entry, client.arguments)] if client.arguments else command
    if isinstance(words, list) and words and all(isinstance(word, str) and word for word in words[:1]):
        return [str(word) for word in words]
    return []


def address_of(entry: Mapping[str, Any]) -> str:
    """The address of an entry; empty if there is none."""
    return next((str(entry[key]) for key in ADDRESSES if entry.get(key)), "")


def environment_of(client: McpClient, entry: Mapping[str, Any]) -> dict[str, str]:
    """The variables that an entry sets."""
    environment = entry.get(client.environment)
    return {name: str(value) for name, value in environment.items()} if isinstance(environment, dict) else {}


def forwarded(client: McpClient, entry: Mapping[str, Any]) -> list[str]:
    """The variables with keys that the client passes on."""
    return [name for name in listed(entry, client.forwards) if name in KEY_VARIABLES]


def key_references(client: McpClient, entry: Mapping[str, Any]) -> list[str]:
    """The variables of the user's environment that an entry takes keys from."""
    values = [value for name, value in environment_of(client, entry).items() if name in KEY_VARIABLES]
    return [*filter(None, (referred(client, value) for value in values)), *forwarded(client, entry)]


def listed(entry: Mapping[str, Any], key: str) -> list[Any]:
    """A list in an entry; empty if there is none."""
    value = entry.get(key)
    return value if isinstance(value, list) else []


def without_keys(entry: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """An entry without some of its keys."""
    left_out = frozenset(keys)
    return {key: value for key, value in entry.items() if key not in left_out}
