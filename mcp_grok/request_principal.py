"""The principal of a request, from its authentication and the key that the caller sends."""

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from mcp.server.context import ServerRequestContext
from pydantic import SecretStr

from mcp_grok.errors import InvalidRequest, NotConfigured
from mcp_grok.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

KEY_HEADER = "X-Grok-Api-Key"

KeyRule = Literal["off", "allow", "require"]


class PrincipalReader:
    """Finds the principal of each request.

    Args:
        keys: Whether a caller's own key for the provider is used: `off` for never, `allow` if it is sent, `require` for
            always; with `require` the operator's key is never used.
    """

    def __init__(self, keys: KeyRule = "off") -> None:
        self._keys = keys

    def read(self, context: ServerRequestContext[Any, Any]) -> Principal:
        """The principal of a request; always `ANONYMOUS` over stdio. Raises like `over_http`."""
        return ANONYMOUS if context.request is None else self.over_http(context.request)

    def over_http(self, request: "HTTPConnection") -> Principal:
        """The principal of a request over HTTP, whose authentication is done.

        Raises:
            NotConfigured: the caller must send a key, but did not.
            InvalidRequest: the header is not a valid key.
        """
        # Imported only for HTTP: it would slow down the start over stdio.
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import principal_components

        key = self._key(request.headers.get(KEY_HEADER, "").strip())
        user = request.scope.get("user")
        if isinstance(user, AuthenticatedUser):
            client, *issued = principal_components(user.access_token)
            # As JSON, because a name may hold any separator.
            name = json.dumps([client, *issued]) if any(issued) else client
            return Principal(name, key)
        if key is None:
            return ANONYMOUS
        # Without authentication the same key means the same principal.
        return Principal("key " + hashlib.sha256(key.get_secret_value().encode()).hexdigest(), key)

    def _key(self, given: str) -> SecretStr | None:
        if self._keys == "off":
            return None
        if not given:
            if self._keys == "require":
                raise NotConfigured(f"This server uses the keys of its callers: send yours in the header {KEY_HEADER}.")
            return None
        if not given.isascii() or not given.isprintable() or " " in given:
            raise InvalidRequest(f"The header {KEY_HEADER} must be a key: printable ASCII characters, no spaces.")
        return SecretStr(given)
