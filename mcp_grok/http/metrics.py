"""The metrics of a server for Prometheus, on a port of their own. `mcp_grok.upstream.telemetry` records them."""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp_grok.errors import NotConfigured
from mcp_grok.extras import missing_extra


@contextmanager
def serving_metrics(host: str, port: int | None) -> Iterator[None]:
    """Collects metrics and serves them, from a thread so that no call waits for it; does nothing without a port.

    Args:
        host: The address to listen on. Anyone who reaches it can read the metrics.
        port: The port; None for no metrics.

    Raises:
        NotConfigured: the extra `metrics` is not installed, or the port cannot be used.
    """
    if port is None:
        yield
        return
    try:
        from opentelemetry import metrics
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
        from opentelemetry.sdk.metrics import MeterProvider
        from prometheus_client import start_http_server
    except ImportError:
        raise missing_extra("--metrics-port", "metrics") from None
    metrics.set_meter_provider(MeterProvider(metric_readers=[PrometheusMetricReader()]))
    try:
        server, thread = start_http_server(port, host)
    except (OSError, OverflowError) as error:
        raise NotConfigured(f"--metrics-port {port}: cannot listen on it: {error}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
