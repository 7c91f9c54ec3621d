"""The endpoint that calls go to: a provider's address with a key, and the limits for calls to it."""

from dataclasses import dataclass, field
from pathlib import Path

from mcp_grok.providers import Provider

PRIVATE_TOOLS = ("file_search", "mcp")
"""Server-side tools that reach the operator's files, or other servers with the operator's rights."""


@dataclass(frozen=True, slots=True)
class SettingNames:
    """The names of the settings in error messages."""

    provider: str = "the provider"
    api_key: str = "the key"
    base_url: str = "the base URL"
    default_model: str = "the default model"
    timeout: str = "the time limit of a call"
    idle_timeout: str = "the time limit for the next byte"
    allowed_dirs: str = "the allowed folders"
    strict: str = "the strict mode"
    shared_tools: str = "the shared tools"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address that calls are sent to, and their limits.

    Attributes:
        provider: The API at that address.
        url: The address that calls are posted to; empty for a sandbox that has not been started.
        key: The API key; empty without one.
        provider_unknown: Whether a key is set, but not the provider that it is for; then no call is sent.
        default_model: The model when a call names none.
        timeout: Maximum seconds for a whole call, including its wait for a slot and all attempts.
        idle_timeout: Maximum seconds without a byte from the API.
        max_retries: Maximum attempts after the first.
        max_concurrency: Maximum calls that run at the API at the same time.
        image_folders: Folders from which a call may send images by path.
        output_folder: The folder in which pictures and videos are saved; None without one.
        strict: Whether a parameter that the model refuses is an error; otherwise it is omitted.
        shared_tools: Server-side tools for callers with a name, beyond those that are safe to share.
        counts_tokens: Whether the tokens of each caller are limited; then a stream is always asked for its usage.
        names: The names of these settings in error messages.
    """

    provider: Provider
    url: str
    key: str = field(default="", repr=False)
    provider_unknown: bool = False
    default_model: str | None = None
    timeout: float = 900.0
    idle_timeout: float = 300.0
    max_retries: int = 2
    max_concurrency: int = 20
    image_folders: tuple[Path, ...] = ()
    output_folder: Path | None = None
    strict: bool = False
    shared_tools: tuple[str, ...] = ()
    counts_tokens: bool = False
    names: SettingNames = SettingNames()
