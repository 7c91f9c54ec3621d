"""The metrics that OpenTelemetry collects, in the format of Prometheus. `mcp_grok.upstream.telemetry` records them."""

from collections.abc import Callable

from mcp_grok.errors import NotConfigured


def exposed_metrics() -> Callable[[], tuple[bytes, str]]:
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
