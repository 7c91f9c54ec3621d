"""`grok://models`: what is known of the models of the provider in force."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mcp_types import ReadResourceResult, Resource, TextResourceContents

from mcp_grok.calls import Calls
from mcp_grok.models import known_models
from mcp_grok.principal import Principal
from mcp_grok.settings import Settings
from mcp_grok.tools.cutting import compact

URI = "grok://models"
RESOURCE = Resource(
    name="models",
    title="Grok models",
    uri=URI,
    description="What is documented of each model: context, images, reasoning, what it refuses, what replaces it",
    mime_type="application/json",
)
TTL = 300_000
"""Milliseconds for which a client may keep it."""


def catalogue(settings: Settings, live: Sequence[str] | None = None) -> dict[str, Any]:
    """The provider in force, its default model, and its models; what nobody documents is left out of them.

    Args:
        settings: Say which provider.
        live: The names that the provider lists now; each model then says whether it is among them.
    """
    documented = [_documented(asdict(model)) for model in known_models(settings.active_provider.name)]
    if live is not None:
        names = [model["name"] for model in documented]
        documented = [{**model, "live": model["name"] in live} for model in documented]
        documented += [{"name": name, "live": True} for name in live if name not in names]
    provider = settings.active_provider.name
    return {"provider": provider, **({"default": settings.model} if settings.model else {}), "models": documented}


async def read(calls: Calls, settings: Settings, uri: str, principal: Principal) -> ReadResourceResult:
    """The catalogue as JSON."""
    content = TextResourceContents(uri=uri, text=compact(catalogue(settings)), mime_type="application/json")
    return ReadResourceResult(contents=[content], ttl_ms=TTL, cache_scope="public")


def _documented(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that are known. The provider stands above all of them."""
    return {name: fact for name, fact in facts.items() if fact is not None and name != "provider"}
