"""The health checks of a server, and the address of its metrics. `mcp_grok.upstream.telemetry` records them."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_grok.calls import Calls
from mcp_grok.errors import NotConfigured


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
        expose = _exposed_metrics()

        async def show(request: Request) -> Response:
            content, kind = expose()
            return Response(content, media_type=kind)

        routes.append(Route("/metrics", show))
    return routes


def _exposed_metrics() -> Callable[[], tuple[bytes, str]]:
    """Starts to collect metrics; returns a function that renders them, with their content type.

    Raises:
        NotConfigured: the extra `metrics` is not installed.
    """
    try:
        import prometheus_client
        from opentelemetry import metrics
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from opentelemetry.sdk.metrics import MeterProvider
    except ImportError:
        raise NotConfigured("--metrics needs the extra [metrics].") from None
    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
    return lambda: (prometheus_client.generate_latest(), prometheus_client.CONTENT_TYPE_LATEST)
