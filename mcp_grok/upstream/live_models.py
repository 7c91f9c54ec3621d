"""The models that a provider lists now; the request is free."""

import difflib
import re
from contextlib import aclosing, suppress

import anyio
import httpx2

from mcp_grok.endpoint import Endpoint
from mcp_grok.errors import BadUpstreamResponse, GrokError
from mcp_grok.json_parser import parse_json
from mcp_grok.limits import MIB
from mcp_grok.upstream import failures
from mcp_grok.upstream.connection_pool import ConnectionPool
from mcp_grok.upstream.response_body import body_of, read_up_to
from mcp_grok.upstream.transport_failures import free_request_error

TIMEOUT = 15.0
"""Maximum seconds without a byte; a list needs less time than an answer."""

MAX_BYTES = 4 * MIB
"""Maximum size of a list."""

NAME = re.compile(r"[\w.:/@+-]{1,100}", re.ASCII)
"""A name in an error: no sentence, which would seem to be this server's."""

ADVICE_TIMEOUT = 3.0
"""Maximum seconds that an error waits for the list."""

MOST_READ = 200
MOST_NAMED = 8
"""Maximum models of a list that an error considers, and names."""

NO_LIST = (404, 405, 501)
"""Statuses of an API without a list of models."""


def is_about_model(error: GrokError) -> bool:
    """Whether the upstream refused a call because it does not know the model."""
    return error.status in (400, 404) and (error.param == "model" or error.type == failures.NOT_FOUND.type)


async def advice_on_models(endpoint: Endpoint, model: str) -> str:
    """A space and a sentence about the models that the provider lists now; empty if it lists none in time."""
    listed: list[str] = []
    with anyio.move_on_after(ADVICE_TIMEOUT), suppress(GrokError):
        listed = await live_models(endpoint) or []
    names = list(filter(NAME.fullmatch, listed[:MOST_READ]))
    if not names or model in listed:
        return ""
    nearest = difflib.get_close_matches(model, names, n=MOST_NAMED, cutoff=0) or names
    more = ", …" if len(names) > MOST_NAMED else ""
    return f" {endpoint.provider.subject} lists no {model}; it lists {', '.join(nearest)}{more}."


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
    key = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    headers = {"accept-encoding": "identity", **key}
    try:
        async with (
            aclosing(ConnectionPool(endpoint)) as pool,
            pool.client() as client,
            client.stream("GET", url, headers=headers, timeout=TIMEOUT) as response,
        ):
            content = await read_up_to(body_of(response), MAX_BYTES)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise free_request_error(endpoint, error) from None
    if response.status_code in NO_LIST:
        return None
    if not response.is_success:
        refused = failures.http_error(endpoint, response.status_code, response.headers, content)
        if refused.type == failures.BAD_KEY.type and not endpoint.key:
            refused.message = failures.wants_key(endpoint)
        refused.redact(endpoint.key)
        raise refused
    try:
        return [str(model["id"]) for model in parse_json(content)["data"]]
    except (ValueError, LookupError, TypeError):
        raise BadUpstreamResponse(f"{provider.subject} answered with something that is not a list of models.") from None


def no_list(endpoint: Endpoint) -> str:
    """What to say if `live_models` returns None; without the full stop."""
    url = endpoint.provider.models_url(endpoint.url)
    return f"{endpoint.provider.subject} lists no models{f' at {url}' if url else ''}"
