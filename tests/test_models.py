"""The table of models: facts that fit the table of providers."""

import pytest

from mcp_grok.models import MODELS, known_models
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
