"""The health checks of a server, and its metrics."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_grok.calls import Calls


def health_routes(calls: Calls, *, metrics: bool) -> list[Route]:
    """The routes `/healthz`, `/readyz` and, if asked for, `/metrics`.

    Args:
        calls: The calls of this process.
        metrics: Whether `/metrics` is served, in the format of Prometheus.

    Raises:
        NotConfigured: metrics are asked for, and the extra `metrics` is not installed.
    """

    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        # Not while it drains, and not while the shared store is away.
        if await calls.is_ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, 503)

    routes = [Route("/healthz", alive), Route("/readyz", ready)]
    if metrics:
        from mcp_grok.http.prometheus import exposed_metrics

        expose = exposed_metrics()

        async def show(request: Request) -> Response:
            content, kind = expose()
            return Response(content, media_type=kind)

        routes.append(Route("/metrics", show))
    return routes
