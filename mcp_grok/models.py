"""The documented properties of models, each with its source. Models not listed here can be used too."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that a provider documents. None means not documented, so nothing is assumed.

    Attributes:
        name: The value of the `model` parameter.
        provider: The provider that documents it (`mcp_grok.providers`).
        source: The documentation that states these properties.
        context: Maximum tokens of prompt and answer together.
        images: Whether it accepts images.
        reasons: Whether it reasons before it answers.
        efforts: The values of `reasoning_effort` that it accepts; empty if it refuses the parameter.
        rejects: Parameters that it refuses.
        retired_for: The model that replaces it, if it has been withdrawn.
    """

    name: str
    provider: str
    source: str
    context: int | None = None
    images: bool | None = None
    reasons: bool | None = None
    efforts: tuple[str, ...] | None = None
    rejects: tuple[str, ...] = ()
    retired_for: str | None = None


ACEDATA_REFERENCE = "https://docs.acedata.cloud/ grok chat completions reference, `model` enum"
ACEDATA_CHANGES = "https://docs.acedata.cloud/ change log: removed, 400 is not supported"
LLMPROVIDER_REFERENCE = "llmprovider.ai Grok chat completion reference, 2025-07-13"
XAI_MODELS = "https://docs.x.ai/developers/models; https://docs.x.ai/developers/model-capabilities/text/reasoning"
XAI_RETIREMENT = "https://docs.x.ai/developers/migration/may-15-retirement"

REFUSED_BY_ALL = ("presence_penalty",)
"""xAI's current models refuse it even with the value 0 (https://github.com/miaoxworld/NativeTavern/issues/83)."""

REFUSED_BY_THINKERS = (*REFUSED_BY_ALL, "frequency_penalty", "stop")
"""https://docs.x.ai/docs/guides/reasoning"""

VERSION = re.compile(r"-(?:latest|beta|experimental|20\d\d-\d\d-\d\d|20\d{6}|\d{4})(?=-|$)")
"""What a name has when it means a release of a model: `grok-4.6-latest`, `grok-4.20-beta-0309-reasoning`."""

ALIASES = {
    "grok-latest": "grok-4.3",
    "grok-build-latest": "grok-4.5",
    "grok-4.20": "grok-4.20-reasoning",
    "grok-4-fast": "grok-4-fast-reasoning",
    "grok-code-fast": "grok-code-fast-1",
    "grok-3-fast": "grok-3",
    "grok-3-mini-fast": "grok-3-mini",
}
"""xAI's names for models that have another name (https://docs.x.ai/developers/models)."""


def _acedata(name: str) -> Model:
    return Model(name=name, provider="acedata", source=ACEDATA_REFERENCE)


def _removed(name: str, *, images: bool | None = None) -> Model:
    """A model that AceData no longer offers; the one to use instead is its default."""
    return Model(name=name, provider="acedata", source=ACEDATA_CHANGES, images=images, retired_for="grok-4")


def _xai(name: str, context: int, efforts: tuple[str, ...] | None = None, *, reasons: bool = True) -> Model:
    return Model(
        name=name,
        provider="xai",
        source=XAI_MODELS,
        context=context,
        images=True,
        reasons=reasons,
        efforts=efforts,
        rejects=REFUSED_BY_THINKERS if reasons else REFUSED_BY_ALL,
    )


def _retired(name: str, efforts: tuple[str, ...] | None = None) -> Model:
    """A model that xAI answers for with grok-4.3, so it refuses what that one refuses."""
    return Model(
        name=name,
        provider="xai",
        source=XAI_RETIREMENT,
        efforts=efforts,
        rejects=REFUSED_BY_THINKERS,
        retired_for="grok-4.3",
    )


MODELS = (
    _acedata("grok-4"),
    _acedata("grok-4.7"),
    _acedata("grok-4.5"),
    _acedata("grok-3"),
    _removed("grok-4-1-fast"),
    _removed("grok-4-1-fast-non-reasoning"),
    _removed("grok-3-mini"),
    _removed("grok-2-vision", images=True),
    Model(name="grok-beta", provider="llmprovider", source=LLMPROVIDER_REFERENCE),
    _xai("grok-4.7", 500_000, ("low", "medium", "high", "xhigh")),
    _xai("grok-4.6", 500_000, ("low", "medium", "high", "xhigh")),
    _xai("grok-4.5", 500_000, ("low", "medium", "high")),
    _xai("grok-4.3", 1_000_000, ("none", "low", "medium", "high")),
    _xai("grok-4.20-0309-reasoning", 1_000_000, ()),
    _xai("grok-4.20-reasoning", 1_000_000, ()),
    _xai("grok-4.20-0309-non-reasoning", 1_000_000, (), reasons=False),
    _xai("grok-4.20-non-reasoning", 1_000_000, (), reasons=False),
    _xai("grok-build-0.1", 256_000, ()),
    _retired("grok-4", ()),
    _retired("grok-4-0709", ()),
    _retired("grok-4-fast-reasoning"),
    _retired("grok-4-fast-non-reasoning"),
    _retired("grok-code-fast-1"),
    _retired("grok-4-1-fast"),
    _retired("grok-4-1-fast-reasoning"),
    _retired("grok-4-1-fast-non-reasoning"),
    _retired("grok-3", ()),
    _retired("grok-3-mini"),
)

NOT_FOR_CHAT = (_xai("grok-4.20-multi-agent", 1_000_000),)
"""Models that are not listed, because they do not answer chat completions. Their rules hold for calls all the same."""

BY_NAME = {(model.provider, model.name): model for model in (*MODELS, *NOT_FOR_CHAT)}


def known_models(provider: str) -> tuple[Model, ...]:
    """The models documented for a provider, retired ones last; the sandbox has AceData's models."""
    return tuple(model for model in MODELS if model.provider == _documented_by(provider))


def find_model(provider: str, name: str) -> Model | None:
    """The properties of a provider's model; None if it is not documented.

    An alias, a dated name and the name in a router's form (`xai/grok-4.7`) have the properties of their model.
    """
    documented_by = _documented_by(provider)
    if model := BY_NAME.get((documented_by, name)):
        return model
    own_name = re.split("[/:]", name)[-1]
    undated = VERSION.sub("", own_name)
    names = (own_name, ALIASES.get(own_name), undated, ALIASES.get(undated))
    found = (BY_NAME.get((documented_by, known)) for known in names if known)
    return next(filter(None, found), None)


def _documented_by(provider: str) -> str:
    return "acedata" if provider == "sandbox" else provider


def catalogue(provider: str, default: str | None, live: Sequence[str] | None = None) -> dict[str, Any]:
    """The documented facts of a provider's models.

    Args:
        provider: The name of the provider.
        default: The model when a call names none.
        live: The names that the provider lists now. With them, each model has `live`.
    """
    documented = [_documented(asdict(model)) for model in known_models(provider)]
    if live is not None:
        names = [model["name"] for model in documented]
        documented = [{**model, "live": model["name"] in live} for model in documented]
        documented += [_undocumented(provider, name) for name in live if name not in names]
    return {"provider": provider, **({"default": default} if default else {}), "models": documented}


def _undocumented(provider: str, name: str) -> dict[str, Any]:
    model = find_model(provider, name)
    return {"name": name, **({"same_as": model.name} if model else {}), "live": True}


def _documented(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a model that are documented, without the provider."""
    return {name: fact for name, fact in facts.items() if fact is not None and name != "provider"}
