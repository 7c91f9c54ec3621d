"""The models that a provider lists now; the request is free."""

from contextlib import aclosing
from dataclasses import replace

import httpx2

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, NotConfigured
from mcp_grok.json_parser import parse_json
from mcp_grok.upstream import failures
from mcp_grok.upstream.connection_pool import ConnectionPool
from mcp_grok.upstream.transport_failures import transport_error

TIMEOUT = 15.0
"""Maximum seconds without a byte; a list needs less time than an answer."""


async def live_models(endpoint: Endpoint) -> list[str]:
    """The names that the provider lists, in its order.

    Args:
        endpoint: The provider's address and key.

    Raises:
        NotConfigured: the provider has no such list, or no address.
        GrokError: the provider did not answer, or its answer is not a list of models.
    """
    provider = endpoint.provider
    url = provider.models_url(endpoint.url)
    if not url:
        raise NotConfigured(
            f"{provider.subject} has no list of models to ask for; only the documented models can be shown."
        )
    headers = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    try:
        async with aclosing(ConnectionPool(endpoint)) as pool, pool.client() as client:
            response = await client.get(url, headers=headers, timeout=TIMEOUT)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise transport_error(replace(endpoint, idle_timeout=TIMEOUT), error) from None
    if not response.is_success:
        refused = failures.http_error(endpoint, response.status_code, response.headers, response.content)
        refused.redact(endpoint.key)
        raise refused
    try:
        return [str(model["id"]) for model in parse_json(response.content)["data"]]
    except (ValueError, LookupError, TypeError):
        raise BadUpstreamResponse(f"{provider.subject} answered with something that is not a list of models.") from None
