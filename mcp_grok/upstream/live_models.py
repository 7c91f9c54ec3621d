"""The models that a provider lists now; the request is free."""

from contextlib import aclosing

import httpx2

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse
from mcp_grok.json_parser import parse_json
from mcp_grok.upstream import failures
from mcp_grok.upstream.connection_pool import ConnectionPool
from mcp_grok.upstream.transport_failures import free_request_error

TIMEOUT = 15.0
"""Maximum seconds without a byte; a list needs less time than an answer."""


NO_LIST = (404, 405, 501)
"""Statuses of an API without a list of models."""


async def live_models(endpoint: Endpoint) -> list[str] | None:
    """The names that the provider lists, in its order; None if it has no list.

    Args:
        endpoint: The provider's address and key.

    Raises:
        GrokError: the provider did not answer, or its answer is not a list of models.
    """
    provider = endpoint.provider
    url = provider.models_url(endpoint.url)
    if not url:
        return None
    headers = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    try:
        async with aclosing(ConnectionPool(endpoint)) as pool, pool.client() as client:
            response = await client.get(url, headers=headers, timeout=TIMEOUT)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise free_request_error(endpoint, error) from None
    if response.status_code in NO_LIST:
        return None
    if not response.is_success:
        refused = failures.http_error(endpoint, response.status_code, response.headers, response.content)
        if refused.type == failures.BAD_KEY.type and not endpoint.key:
            refused.message = failures.wants_key(endpoint)
        refused.redact(endpoint.key)
        raise refused
    try:
        return [str(model["id"]) for model in parse_json(response.content)["data"]]
    except (ValueError, LookupError, TypeError):
        raise BadUpstreamResponse(f"{provider.subject} answered with something that is not a list of models.") from None


def no_list(endpoint: Endpoint) -> str:
    """What to say if `live_models` returns None; without the full stop."""
    url = endpoint.provider.models_url(endpoint.url)
    return f"{endpoint.provider.subject} lists no models{f' at {url}' if url else ''}"
