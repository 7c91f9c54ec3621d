"""The providers, one entry each. All behaviour that differs by provider depends on these entries."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mcp_grok.errors import Billed

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")

CHAT = "/chat/completions"
RESPONSES = "/responses"
IMAGES = "/images/generations"
OPENAI_PATH = f"/v1{CHAT}"
ACEDATA_PATH = f"/grok{CHAT}"

OTHER_ENDPOINT = re.compile(r"/(v\d\w*|openai)/(completions|embeddings|messages|models|responses)$")
"""The end of the path of another endpoint of such an API. `/models` alone is Azure's base path for chat completions."""

SANDBOX_KEY = "sandbox-key"
"""The only key that the sandbox accepts. It is valid nowhere else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An API for chat completions.

    Attributes:
        name: Its name in `MCP_GROK_PROVIDER`.
        title: Its name inside a sentence; `subject` is the one at the beginning.
        base_url: The address before `path`; None if the configuration must contain it.
        openai_base_url: Whether a base URL with a path is followed by `/chat/completions` alone, as in OpenAI's SDKs.
        path: The documented path.
        key_variable: The provider's own environment variable for the key; None if it has none.
        key: A public key, which needs no configuration; None if the user needs a secret one.
        key_prefix: The start of each of its keys; empty if there is none.
        needs_key: Whether it requires a key.
        default_model: The model if neither the call nor the configuration names one.
        server_errors_billed: Whether a 5xx answer is charged. AceData documents that it is not.
        models_path: The path of the list of models, in place of `/chat/completions`; None without a list.
        responses_path: The path of the Responses API, in place of `/chat/completions`; None without it.
        searches: Whether it is known to search the web and X there.
        images_path: The path that pictures are made at, in place of `/chat/completions`; None without it.
        video_api: The form of its API for videos; None without one.
        conversation_header: The header with an id of the conversation, which finds its prompt cache; None without one.
        max_tokens_name: The only parameter that it accepts for the maximum number of tokens; None if it accepts both.
        stop_is_list: Whether a single stop sequence must be sent as a list.
        usage_on_request: Whether a stream contains its usage only with `stream_options.include_usage`.
        rejects: Parameters that it refuses for every model.
        names_only_users: Whether it refuses the `name` of a message that is not a user's.
        needs_content: Whether it refuses a message whose content is null, also beside tool calls.
        image_types: The image types that it documents; all known types if it documents none.
        telemetry_name: Its name in OpenTelemetry's conventions; empty if they have none, then `name` is used.
    """

    name: str
    title: str
    base_url: str | None = None
    openai_base_url: bool = False
    path: str = OPENAI_PATH
    key_variable: str | None = None
    key: str | None = None
    key_prefix: str = ""
    needs_key: bool = True
    default_model: str | None = None
    server_errors_billed: Billed = "unknown"
    models_path: str | None = None
    responses_path: str | None = None
    searches: bool = False
    images_path: str | None = None
    video_api: Literal["acedata", "xai"] | None = None
    conversation_header: str | None = None
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    stop_is_list: bool = False
    usage_on_request: bool = False
    rejects: tuple[str, ...] = ()
    names_only_users: bool = False
    needs_content: bool = False
    image_types: tuple[str, ...] = IMAGE_TYPES
    telemetry_name: str = ""

    @property
    def subject(self) -> str:
        """Its name at the beginning of a sentence."""
        return self.title.replace("the ", "The ", 1)

    def completions_url(self, base_url: str) -> str:
        """The address that calls are posted to, with the query of the base URL.

        A base URL that ends with `/chat/completions` is the whole address. One that ends with the start of the
        documented path is completed. One of another endpoint, such as `/v1/models`, leads to the one beside it.
        """
        parts = urlsplit(base_url)
        return parts._replace(path=self._completions_path(parts.path.rstrip("/"))).geturl()

    def _completions_path(self, base: str) -> str:
        if base.endswith(CHAT):
            return base
        if OTHER_ENDPOINT.search(base):
            return base.rpartition("/")[0] + CHAT
        parts = self.path.split("/")
        for end in range(len(parts) - 1, 1, -1):
            if base.endswith("/".join(parts[:end])):
                return "/".join([base, *parts[end:]])
        return base + (CHAT if base and self.openai_base_url else self.path)

    def models_url(self, completions_url: str) -> str:
        """The address of the list of models, derived from the one for calls; empty without such a list."""
        return beside(completions_url, self.models_path)

    def responses_url(self, completions_url: str) -> str:
        """The address of the Responses API, derived from the one for calls; empty without it."""
        return beside(completions_url, self.responses_path)


def beside(completions_url: str, path: str | None) -> str:
    """An address of calls with another path in place of `/chat/completions`; empty without one of the two."""
    if not completions_url or path is None:
        return ""
    parts = urlsplit(completions_url)
    return parts._replace(path=parts.path.removesuffix(CHAT) + path).geturl()


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
            video_api="acedata",
        ),
        # Its reference of 2025-07-13.
        Provider(
            name="llmprovider",
            title="llmprovider.ai",
            base_url="https://platform.llmprovider.ai",
            key_variable="LLMPROVIDER_API_KEY",
            default_model="grok-beta",
            max_tokens_name="max_tokens",
            stop_is_list=True,
        ),
        # https://docs.x.ai/docs/api-reference#chat-completions
        Provider(
            name="xai",
            title="xAI",
            base_url="https://api.x.ai",
            key_variable="XAI_API_KEY",
            # https://docs.gitguardian.com/secrets-detection/secrets-detection-engine/detectors/specifics/x_ai_api_key
            key_prefix="xai-",
            default_model="grok-4.7",
            models_path="/models",
            responses_path=RESPONSES,
            searches=True,
            images_path=IMAGES,
            video_api="xai",
            conversation_header="x-grok-conv-id",
            max_tokens_name="max_completion_tokens",
            stop_is_list=True,
            # https://github.com/zed-industries/zed/pull/45812
            usage_on_request=True,
            rejects=("logit_bias",),
            # https://github.com/BerriAI/litellm/issues/9720
            names_only_users=True,
            # https://github.com/langchain-ai/langchain/issues/34140
            needs_content=True,
            image_types=("image/png", "image/jpeg"),
            telemetry_name="x_ai",
        ),
        Provider(
            name="custom",
            title="the custom API",
            openai_base_url=True,
            needs_key=False,
            models_path="/models",
            responses_path=RESPONSES,
            usage_on_request=True,
        ),
        Provider(
            name="sandbox",
            title="the sandbox",
            key=SANDBOX_KEY,
            needs_key=False,
            path=ACEDATA_PATH,
            default_model="grok-4",
            server_errors_billed="no",
            responses_path=RESPONSES,
            searches=True,
            images_path=IMAGES,
            video_api="acedata",
        ),
    )
}
"""The providers by name. Their models are in `models.py`."""


def provider_of_key(key: str) -> Provider | None:
    """The provider that makes keys with this start; None if a key of any may start so."""
    return next((one for one in PROVIDERS.values() if one.key_prefix and key.startswith(one.key_prefix)), None)
