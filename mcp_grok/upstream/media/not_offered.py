"""The error for what the provider does not make."""

from collections.abc import Sequence

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import NotConfigured
from mcp_grok.providers import Provider


def not_offered(endpoint: Endpoint, what: str, makers: Sequence[Provider]) -> NotConfigured:
    """The error for pictures or videos of a provider without them.

    Args:
        endpoint: Where the request would go.
        what: What was asked for.
        makers: The providers that make it.
    """
    paid = [maker for maker in makers if maker.needs_key]
    titles, names = (" and ".join(maker.title for maker in paid), " or ".join(maker.name for maker in paid))
    verb = "do" if len(paid) > 1 else "does"
    return NotConfigured(
        f"{endpoint.provider.subject} makes no {what}; {titles} {verb}. Set {endpoint.names.provider} to {names}, "
        "with a key of it."
    )
