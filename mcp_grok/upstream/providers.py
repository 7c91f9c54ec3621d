"""Where each provider lives and how it differs, as data."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp_grok.errors import Billed


@dataclass(frozen=True, slots=True)
class Provider:
    """An API that answers chat completions.

    Attributes:
        name: What `MCP_GROK_PROVIDER` calls it.
        title: What people call it.
        base_url: What stands before `path`; None where the user must say.
        path: The documented path.
        key_variable: The provider's own environment variable for the key; None where there is none.
        default_model: The model when neither call nor configuration names one.
        server_errors_billed: Whether a 5xx answer is charged. AceData documents that it is not.
        models_path: What stands instead of `/chat/completions` where models are listed, for free; None where nowhere.
    """

    name: str
    title: str
    base_url: str | None
    path: str
    key_variable: str | None
    default_model: str | None
    server_errors_billed: Billed
    models_path: str | None = None


OPENAI_PATH = "/v1/chat/completions"
ACEDATA_PATH = "/grok/chat/completions"

SANDBOX_KEY = "sandbox-key"
"""The one key the sandbox accepts. It opens nothing else."""

PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            "acedata",
            "AceData",
            "https://api.acedata.cloud",
            ACEDATA_PATH,
            "ACEDATACLOUD_API_TOKEN",
            "grok-4",
            "no",
        ),
        Provider(
            "llmprovider",
            "llmprovider.ai",
            "https://platform.llmprovider.ai",
            OPENAI_PATH,
            "LLMPROVIDER_API_KEY",
            "grok-beta",
            "unknown",
        ),
        Provider("xai", "xAI", "https://api.x.ai", OPENAI_PATH, "XAI_API_KEY", "grok-4.7", "unknown", "/models"),
        Provider("custom", "the custom API", None, OPENAI_PATH, None, None, "unknown", "/models"),
        Provider("sandbox", "the sandbox", None, ACEDATA_PATH, None, "grok-4", "no"),
    )
}


def completions_url(provider: Provider, base_url: str) -> str:
    """The address to post to, for a base URL that may already carry a part of the documented path."""
    base = base_url.rstrip("/")
    prefix = urlsplit(base).path
    parts = provider.path.split("/")
    for end in range(len(parts), 1, -1):
        if prefix.endswith("/".join(parts[:end])):
            return base + "".join(f"/{part}" for part in parts[end:])
    return base + provider.path


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
