"""Where each provider lives and how it differs, as data."""

from dataclasses import dataclass
from typing import Literal

from mcp_grok.errors import Billed

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")


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
        most_tokens: The one name it has for the most tokens to generate; None where it knows both.
        stop_is_list: Whether a stop sequence alone must be sent as a list.
        usage_on_request: Whether a stream tells its usage only where `stream_options.include_usage` asks for it.
        rejects: Parameters that it refuses, whatever the model.
        image_types: The kinds of images that it takes, where its documentation says so; else all that we know.
    """

    name: str
    title: str
    base_url: str | None
    path: str
    key_variable: str | None
    default_model: str | None
    server_errors_billed: Billed
    models_path: str | None = None
    most_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    stop_is_list: bool = False
    usage_on_request: bool = False
    rejects: tuple[str, ...] = ()
    image_types: tuple[str, ...] = IMAGE_TYPES


OPENAI_PATH = "/v1/chat/completions"
ACEDATA_PATH = "/grok/chat/completions"

SANDBOX_KEY = "sandbox-key"
"""The one key the sandbox accepts. It opens nothing else."""

PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            name="acedata",
            title="AceData",
            base_url="https://api.acedata.cloud",
            path=ACEDATA_PATH,
            key_variable="ACEDATACLOUD_API_TOKEN",
            default_model="grok-4",
            server_errors_billed="no",
        ),
        # Its reference of 2025-07-13.
        Provider(
            name="llmprovider",
            title="llmprovider.ai",
            base_url="https://platform.llmprovider.ai",
            path=OPENAI_PATH,
            key_variable="LLMPROVIDER_API_KEY",
            default_model="grok-beta",
            server_errors_billed="unknown",
            most_tokens="max_tokens",
            stop_is_list=True,
        ),
        # https://docs.x.ai/docs/api-reference#chat-completions
        Provider(
            name="xai",
            title="xAI",
            base_url="https://api.x.ai",
            path=OPENAI_PATH,
            key_variable="XAI_API_KEY",
            default_model="grok-4.7",
            server_errors_billed="unknown",
            models_path="/models",
            most_tokens="max_completion_tokens",
            stop_is_list=True,
            # https://github.com/zed-industries/zed/pull/45812
            usage_on_request=True,
            rejects=("logit_bias",),
            image_types=("image/png", "image/jpeg"),
        ),
        Provider(
            name="custom",
            title="the custom API",
            base_url=None,
            path=OPENAI_PATH,
            key_variable=None,
            default_model=None,
            server_errors_billed="unknown",
            models_path="/models",
            usage_on_request=True,
        ),
        Provider(
            name="sandbox",
            title="the sandbox",
            base_url=None,
            path=ACEDATA_PATH,
            key_variable=None,
            default_model="grok-4",
            server_errors_billed="no",
        ),
    )
}
"""A provider more is an entry more here, and one in `ProviderName` of the settings; its models go into `models.py`."""
