"""`/metrics`: what OpenTelemetry measures, in the form that Prometheus reads."""

from collections.abc import Callable

from mcp_grok.errors import NotConfigured


def exposed_metrics() -> Callable[[], tuple[bytes, str]]:
    """Begins to collect metrics; gives what writes them down, with the content type.

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
