"""The endpoint that calls go to: a provider's address with a key, and the limits for calls to it."""

from dataclasses import dataclass, field
from pathlib import Path

from mcp_grok.providers import Provider


@dataclass(frozen=True, slots=True)
class SettingNames:
    """What error messages call the settings that a person can change."""

    provider: str = "the provider"
    api_key: str = "the key"
    base_url: str = "the base URL"
    default_model: str = "the default model"
    timeout: str = "the time limit of a call"
    idle_timeout: str = "the time limit for the next byte"
    allowed_dirs: str = "the allowed folders"
    strict: str = "the strict mode"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go, and the limits for them.

    Attributes:
        provider: The API that answers there.
        url: The address that calls are posted to; empty for a sandbox that has not been started.
        key: The API key; empty without one.
        default_model: The model when a call names none.
        timeout: Seconds for a whole call, its wait for a slot and all attempts included.
        idle_timeout: Seconds without a byte from the API.
        max_retries: Further attempts after the first.
        max_concurrency: Calls at the API at once.
        image_folders: Folders whose images a call may name by their paths.
        strict: Whether a parameter that the model refuses is an error, instead of being left out.
        names: What error messages call these settings.
    """

    provider: Provider
    url: str
    key: str = field(default="", repr=False)
    default_model: str | None = None
    timeout: float = 900.0
    idle_timeout: float = 300.0
    max_retries: int = 2
    max_concurrency: int = 20
    image_folders: tuple[Path, ...] = ()
    strict: bool = False
    names: SettingNames = SettingNames()
