"""The models that a provider lists at this moment, which costs nothing."""

import httpx2

from mcp_grok.errors import BadUpstreamResponse, NotConfigured
from mcp_grok.settings import Settings
from mcp_grok.upstream import failures
from mcp_grok.upstream.address import is_loopback, models_url
from mcp_grok.upstream.sse import parse_json
from mcp_grok.upstream.transport_failures import transport_error

TIMEOUT = 15.0
"""Seconds of silence that are waited through."""


async def live_models(settings: Settings) -> list[str]:
    """The names that the provider lists, in its order.

    Raises:
        NotConfigured: the provider has no such list, or no address.
        GrokError: it did not answer, or not with a list of models.
    """
    provider = settings.active_provider
    url = models_url(provider, settings.url)
    if not url:
        raise NotConfigured(
            f"{provider.title} lists no models; those that its documents name are all there is to show."
        )
    headers = {"authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT, trust_env=not is_loopback(url)) as client:
            response = await client.get(url, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError, ImportError) as error:
        raise transport_error(provider, error, idle_timeout=TIMEOUT) from None
    if not response.is_success:
        raise failures.http_error(provider, response.status_code, response.headers, response.content)
    try:
        return [str(model["id"]) for model in parse_json(response.content)["data"]]
    except (ValueError, LookupError, TypeError):
        raise BadUpstreamResponse(f"{provider.title} answered with something that is no list of models.") from None
