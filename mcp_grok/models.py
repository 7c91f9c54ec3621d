"""Facts about models as data, each with its source. Names not listed here are passed through."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model a provider documents.

    Attributes:
        name: What goes into the `model` parameter.
        provider: The provider that documents it (`mcp_grok.upstream.providers`).
        images: Whether its documentation says that it reads images.
        source: Where the name was read.
    """

    name: str
    provider: str
    images: bool
    source: str


ACEDATA_REFERENCE = "https://docs.acedata.cloud/ grok chat completions reference, `model` enum"
ACEDATA_TOOL = "tool description of AceDataCloud's mcp-grok"
LLMPROVIDER_REFERENCE = "llmprovider.ai Grok chat completion reference, 2025-07-13"
XAI_MODELS = "https://docs.x.ai/docs/models"

MODELS = (
    Model("grok-4", "acedata", False, ACEDATA_REFERENCE),
    Model("grok-4-1-fast", "acedata", False, ACEDATA_REFERENCE),
    Model("grok-4-1-fast-non-reasoning", "acedata", False, ACEDATA_REFERENCE),
    Model("grok-3", "acedata", False, ACEDATA_REFERENCE),
    Model("grok-3-mini", "acedata", False, ACEDATA_REFERENCE),
    Model("grok-2-vision", "acedata", True, ACEDATA_TOOL),
    Model("grok-beta", "llmprovider", False, LLMPROVIDER_REFERENCE),
    Model("grok-4.7", "xai", True, XAI_MODELS),
    Model("grok-4.6", "xai", True, XAI_MODELS),
    Model("grok-4.5", "xai", True, XAI_MODELS),
    Model("grok-4.3", "xai", True, XAI_MODELS),
)


def known_models(provider: str) -> tuple[Model, ...]:
    """The models documented for a provider; the sandbox answers to AceData's names."""
    documented_by = "acedata" if provider == "sandbox" else provider
    return tuple(model for model in MODELS if model.provider == documented_by)
