"""The APIs that the sandbox plays, and how they differ, as data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp_grok.models import known_models
from mcp_grok.providers import CHAT, PROVIDERS, Provider
from mcp_grok.sandbox.api_errors import ApiError, ErrorBody, acedata_error, openai_error, xai_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A provider's API.

    Attributes:
        provider: The provider; its path is the documented one.
        base: What precedes the path at the sandbox.
        error: Gives an error the provider's form.
        models: The models that are listed, if the provider lists any.
        cost: How `usage` states that the answer was free.
        usage_on_request: Whether a stream states its usage only if `stream_options.include_usage` asks for it. The
            client's data says it too; stated here again, each can show the other wrong.
        whole_tool_calls: Whether a stream sends each tool call whole, in one chunk.
        has_responses: Whether it has the Responses API. AceData has none, but its address is also the sandbox's own.
        has_images: Whether it makes images. AceData does not, as above.
        videos: The form in which it makes videos; None if it makes none.
    """

    provider: Provider
    base: str = ""
    error: Callable[[ApiError], ErrorBody] = openai_error
    models: tuple[str, ...] = ()
    cost: dict[str, Any] = field(default_factory=dict)
    usage_on_request: bool = False
    whole_tool_calls: bool = False
    has_responses: bool = False
    has_images: bool = False
    videos: Literal["acedata", "xai"] | None = None

    @property
    def root(self) -> str:
        """The path that all its other paths begin with."""
        return self.path.removesuffix(CHAT)

    @property
    def path(self) -> str:
        """The path of completions at the sandbox."""
        return self.base + self.provider.path

    @property
    def models_path(self) -> str:
        """The path of the list of models at the sandbox; empty without such a list."""
        return self.provider.models_url(self.path)

    @property
    def responses_path(self) -> str:
        """The path of the Responses API at the sandbox; empty without it."""
        return PROVIDERS["sandbox"].responses_url(self.path) if self.has_responses else ""


APIS = {
    api.provider.name: api
    for api in (
        Api(
            provider=PROVIDERS["acedata"],
            error=acedata_error,
            cost={"cost": {"amount": 0.0, "currency": "USD", "list_amount": 0.0}},
            has_responses=True,
            has_images=True,
            videos="acedata",
        ),
        Api(provider=PROVIDERS["llmprovider"], base="/llmprovider"),
        Api(
            provider=PROVIDERS["xai"],
            base="/xai",
            error=xai_error,
            models=tuple(model.name for model in known_models("xai") if not model.retired_for),
            cost={"cost_in_usd_ticks": 0},
            # https://github.com/zed-industries/zed/pull/45812 and https://github.com/brainlid/langchain/pull/626
            usage_on_request=True,
            # https://docs.x.ai/docs/guides/function-calling
            whole_tool_calls=True,
            has_responses=True,
            has_images=True,
            videos="xai",
        ),
        # Any server that is compatible with OpenAI's API.
        Api(provider=PROVIDERS["custom"], models=("grok-local",), usage_on_request=True, has_responses=True),
    )
}
"""By the provider's name."""
