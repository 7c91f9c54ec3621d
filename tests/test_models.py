"""The table of models: facts that fit the table of providers."""

import pytest

from mcp_grok.models import ALIASES, MODELS, find_model, known_models
from mcp_grok.providers import PROVIDERS


def test_model_is_listed_once_a_provider_with_its_source() -> None:
    assert len({(model.provider, model.name) for model in MODELS}) == len(MODELS)
    assert all(model.provider in PROVIDERS and model.source for model in MODELS)


@pytest.mark.parametrize("provider", [name for name, provider in PROVIDERS.items() if provider.default_model])
def test_default_model_is_documented(provider: str) -> None:
    assert PROVIDERS[provider].default_model in [model.name for model in known_models(provider)]


def test_sandbox_has_the_models_of_acedata() -> None:
    assert known_models("sandbox") == known_models("acedata")
    assert known_models("custom") == ()
    assert [model.name for model in known_models("acedata") if model.images] == ["grok-2-vision"]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        # https://docs.x.ai/developers/models/grok-4.20-0309.md
        *[
            (name, "grok-4.20-reasoning")
            for name in ("grok-4.20-reasoning-latest", "grok-4.20", "grok-4.20-0309", "grok-4.20-beta-latest")
        ],
        ("grok-4.20-beta-0309-reasoning", "grok-4.20-reasoning"),
        ("grok-4.20-experimental-beta-0304-non-reasoning", "grok-4.20-non-reasoning"),
        ("grok-4.20-multi-agent-latest", "grok-4.20-multi-agent"),
        ("grok-4.20-0309-non-reasoning", "grok-4.20-0309-non-reasoning"),
        ("grok-4-0709", "grok-4-0709"),
        ("grok-4.7-20260921", "grok-4.7"),
        ("x-ai/grok-4.5", "grok-4.5"),
        ("xai:grok-4.3-latest", "grok-4.3"),
        ("grok-code-fast-1-0825", "grok-code-fast-1"),
    ],
)
def test_alias_and_dated_name_have_the_properties_of_their_model(name: str, model: str) -> None:
    found = find_model("xai", name)
    assert found is not None
    assert found.name == model


@pytest.mark.parametrize("name", ["grok-9", "grok-4.7-mini", "grok-2-1212", "grok-4.75", "latest", "", "xai/"])
def test_name_without_a_match_has_no_properties(name: str) -> None:
    assert find_model("xai", name) is None
    assert find_model("custom", "grok-4.7") is None


def test_aliases_are_of_documented_models() -> None:
    assert all(find_model("xai", model) for model in ALIASES.values())


@pytest.mark.parametrize("name", ["grok-4-1-fast", "grok-4-1-fast-non-reasoning", "grok-3-mini", "grok-2-vision"])
def test_model_that_acedata_removed_is_accepted_and_no_longer_offered(name: str) -> None:
    model = find_model("acedata", name)
    assert model is not None
    assert model.retired_for == "grok-4"
    offered = [model.name for model in known_models("acedata") if not model.retired_for]
    assert name not in offered
    assert offered[0] == "grok-4"
