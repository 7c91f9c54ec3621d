"""The check of an API key before a call is sent."""

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import IN_CLIENT, NotConfigured
from mcp_grok.providers import PROVIDERS, provider_of_key


def check_key(endpoint: Endpoint, key: str | None = None) -> None:
    """Checks that there is a key for the provider, and that it is not one of another company.

    Args:
        endpoint: The endpoint of the call.
        key: Replaces the endpoint's key.

    Raises:
        NotConfigured: there is none, it may be of another, or it is.
    """
    provider, names = endpoint.provider, endpoint.names
    if endpoint.provider_unknown:
        raise NotConfigured(
            f"{names.api_key} is set, but not the provider that it is for: set {names.provider} too, to one of "
            f"{', '.join(one.name for one in PROVIDERS.values() if one.key is None)}. No call was sent."
        )
    if not provider.needs_key:
        return
    key = key or endpoint.key
    if not key:
        raise NotConfigured(
            f"There is no key for {provider.title}: set {names.api_key} {IN_CLIENT}, or {names.provider}=sandbox "
            "to try it without one."
        )
    maker = provider_of_key(key)
    if maker is not None and maker is not provider:
        raise NotConfigured(
            f"The key starts with {maker.key_prefix}, so it is one of {maker.title} and was not sent to "
            f"{provider.title}: set {names.provider}={maker.name}, or a key of {provider.title}."
        )
