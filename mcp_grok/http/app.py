"""The web application: streamable HTTP, SSE and the health checks, behind authentication and host checks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_grok.calls import RequestBytes
from mcp_grok.connection import Connection
from mcp_grok.http.accepted_form import AcceptedForm
from mcp_grok.http.bounded_body import BoundedBody
from mcp_grok.http.exchange_recorder import RecordedExchange
from mcp_grok.http.options import HTTP_PATH, SSE_PATH, ServiceOptions
from mcp_grok.http.readable_body import ReadableBody
from mcp_grok.limits import MAX_REQUEST_BYTES
from mcp_grok.request_principal import PrincipalReader

MESSAGES_PATH = "/messages/"

MESSAGE_EVENT = b"event: message"
"""The beginning of each message on an SSE connection. The address and pings begin differently."""

OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def service_app(
    server: Server[Any], options: ServiceOptions, operations: list[Route], request_bytes: RequestBytes
) -> Starlette:
    """The application.

    Args:
        server: Answers the requests.
        options: What is served, and who may call.
        operations: Routes for operators, open to everyone who reaches the server.
        request_bytes: The count of the bytes of requests.

    Raises:
        NotConfigured: the tokens or the OpenID provider of the options cannot be used.
    """
    verifier = _verifier(options)
    guard = _guard(verifier, options)
    security = transport_security(options)

    def with_body(app: ASGIApp) -> ASGIApp:
        """A transport that gets whole bodies that it can read. It is inside the guard: no stranger's body is read."""
        return BoundedBody(ReadableBody(app, security), request_bytes, PrincipalReader(options.caller_keys))

    routes: list[BaseRoute] = [*operations, *_metadata_routes(options)]
    if options.sse:
        routes += _sse_routes(server, security, guard, with_body)
    # Without sessions a client may reconnect to any server, and a disconnect is noticed in every era.
    streamable = server.streamable_http_app(
        streamable_http_path=HTTP_PATH,
        stateless_http=True,
        max_request_body_size=MAX_REQUEST_BYTES,
        transport_security=security,
    )
    if options.transport == "http":
        [route] = [route for route in streamable.routes if isinstance(route, Route) and route.path == HTTP_PATH]
        endpoint = guard(with_body(AcceptedForm(RecordedExchange(route.endpoint))))
        routes += [Route(path, endpoint=endpoint) for path in (HTTP_PATH, f"{HTTP_PATH}/")]
    app = Starlette(routes=routes, lifespan=streamable.router.lifespan_context)
    # A redirect to the other form of a path goes to the host that the request names, and not every client follows it:
    # https://github.com/modelcontextprotocol/python-sdk/issues/732
    app.router.redirect_slashes = False
    if verifier is not None:
        app.add_middleware(AuthContextMiddleware)
        app.add_middleware(AuthenticationMiddleware, backend=BearerAuthBackend(verifier))
    return app


def transport_security(options: ServiceOptions) -> TransportSecuritySettings:
    """The hosts and origins that are served. Any other is refused, on every address that the server listens on."""
    hosts = [*OWN_HOSTS, *options.hosts]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[name for host in hosts for name in (host, f"{host}:*")],
        allowed_origins=[name for origin in origins for name in (origin, f"{origin}:*")] + list(options.origins),
    )


class _AnyOf:
    """A verifier that accepts a token if one of several others does."""

    def __init__(self, verifiers: list[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        for verifier in self._verifiers:
            if (access := await verifier.verify_token(token)) is not None:
                return access
        return None


def _verifier(options: ServiceOptions) -> TokenVerifier | None:
    verifiers: list[TokenVerifier] = []
    if options.token_file is not None:
        from mcp_grok.auth.tokens import TokenFile

        verifiers.append(TokenFile(options.token_file))
    if options.oidc_issuer is not None:
        from mcp_grok.auth.openid import OidcVerifier

        verifiers.append(OidcVerifier(options.oidc_issuer, options.oidc_audience, options.oidc_scopes))
    return _AnyOf(verifiers) if verifiers else None


def _guard(verifier: TokenVerifier | None, options: ServiceOptions) -> Callable[[ASGIApp], ASGIApp]:
    if verifier is None:
        return lambda app: app
    metadata = _metadata_url(options) if options.oidc_issuer else None
    return lambda app: RequireAuthMiddleware(app, [], metadata)


def _metadata_routes(options: ServiceOptions) -> list[Route]:
    """The document that names the authorization server to OAuth clients (RFC 9728)."""
    if not options.oidc_issuer:
        return []
    metadata = {
        # As configured: clients compare them letter by letter, and the SDK's URL type adds a slash.
        "resource": options.public_url,
        "authorization_servers": [options.oidc_issuer],
        "bearer_methods_supported": ["header"],
        **({"scopes_supported": list(options.oidc_scopes)} if options.oidc_scopes else {}),
    }

    async def show(request: Request) -> Response:
        return JSONResponse(metadata, headers={"access-control-allow-origin": "*", "cache-control": "max-age=3600"})

    path = urlsplit(str(_metadata_url(options))).path
    return [Route(path, show)]


def _metadata_url(options: ServiceOptions) -> AnyHttpUrl:
    return build_resource_metadata_url(AnyHttpUrl(options.public_url or ""))


def _sse_routes(
    server: Server[Any],
    security: TransportSecuritySettings,
    guard: Callable[[ASGIApp], ASGIApp],
    with_body: Callable[[ASGIApp], ASGIApp],
) -> list[BaseRoute]:
    sse = SseServerTransport(MESSAGES_PATH, security_settings=security, max_request_body_size=MAX_REQUEST_BYTES)

    async def connect(scope: Scope, receive: Receive, send: Send) -> None:
        # connect_sse answers a request from a foreign host or origin itself, then raises.
        connections: list[Connection] = []

        async def confirming(message: Message) -> None:
            await send(message)
            if connections and message.get("body", b"").startswith(MESSAGE_EVENT):
                await connections[0].confirm()

        with suppress(ValueError):
            async with sse.connect_sse(scope, receive, confirming) as (reader, writer):
                connections.append(Connection(reader, confirmed=True))
                await server.run(connections[0], writer, server.create_initialization_options())

    endpoint = guard(_App(connect))
    return [
        *(Route(path, endpoint=endpoint, methods=["GET"]) for path in (SSE_PATH, f"{SSE_PATH}/")),
        Mount(MESSAGES_PATH, app=guard(with_body(sse.handle_post_message))),
    ]


class _App:
    """An ASGI function as an object: Starlette would treat a function as a request handler."""

    def __init__(self, function: ASGIApp) -> None:
        self._function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._function(scope, receive, send)
