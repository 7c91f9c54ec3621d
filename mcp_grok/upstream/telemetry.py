"""Traces and metrics of calls, by OpenTelemetry's conventions for generative AI.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/. They contain no prompt, answer or key. Nothing is
recorded unless an OpenTelemetry SDK is configured.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from opentelemetry import propagate, trace

from mcp_grok import __version__
from mcp_grok.address import host_and_port
from mcp_grok.errors import GrokError
from mcp_grok.models import find_model
from mcp_grok.providers import Provider
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import ChatRequest

SCOPE = "mcp_grok"
OPERATION = "chat"

DURATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/"""

OTHER = "other"
"""The name of every undocumented model in metrics: a caller could write millions of names."""

MODEL_LABELS = ("gen_ai.request.model", "gen_ai.response.model")

MAX_NAME = 100
"""Maximum characters of a model's name in traces."""

tracer = trace.get_tracer(SCOPE, __version__)


class Observed:
    """The observation of one call, which ends with `answered` or `failed`."""

    def __init__(self, provider: Provider, url: str, request: ChatRequest, span: trace.Span) -> None:
        host, port = host_and_port(url)
        self.shared: dict[str, Any] = {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": provider.telemetry_name or provider.name,
            "gen_ai.request.model": request.model[:MAX_NAME],
            "server.address": host,
            "server.port": port,
        }
        self._provider = provider
        self._span = span
        self._began = time.perf_counter()

    def headers(self) -> dict[str, str]:
        """Headers that connect the upstream's trace to this one; empty without tracing."""
        carrier: dict[str, str] = {}
        if self._span.get_span_context().is_valid:
            propagate.inject(carrier)
        return carrier

    def answered(self, completion: Completion) -> None:
        """Records that the answer was received."""
        counts = completion.tokens
        self.shared["gen_ai.response.model"] = completion.model[:MAX_NAME]
        if self._span.is_recording():
            finishes = [str(choice.get("finish_reason")) for choice in completion.body["choices"]]
            self._span.set_attributes(
                {
                    **self.shared,
                    "gen_ai.response.id": str(completion.body.get("id", "")),
                    "gen_ai.response.finish_reasons": finishes,
                    "gen_ai.usage.input_tokens": counts["prompt_tokens"],
                    "gen_ai.usage.output_tokens": counts["total_tokens"] - counts["prompt_tokens"],
                    "mcp_grok.attempts": completion.attempts,
                }
            )
        self._measure({"input": counts["prompt_tokens"], "output": counts["total_tokens"] - counts["prompt_tokens"]})

    def failed(self, code: str, error_type: str) -> None:
        """Records that the call failed; the code may be the upstream's own, so it is in the trace only."""
        if self._span.is_recording():
            self._span.set_attributes({**self.shared, "error.type": code})
            self._span.set_status(trace.StatusCode.ERROR, code)
        self.shared["error.type"] = error_type
        self._measure({})

    def _measure(self, tokens: Mapping[str, int]) -> None:
        if "opentelemetry.metrics" not in sys.modules:
            return
        duration, usage = _instruments()
        labels = {key: self._known(value) if key in MODEL_LABELS else value for key, value in self.shared.items()}
        duration.record(time.perf_counter() - self._began, labels)
        for kind, count in tokens.items():
            usage.record(count, {**labels, "gen_ai.token.type": kind})

    def _known(self, name: str) -> str:
        model = find_model(self._provider.name, name)
        return model.name if model else OTHER


def is_observed() -> bool:
    """Whether an OpenTelemetry SDK is loaded; without one nothing is recorded."""
    return "opentelemetry.sdk" in sys.modules


@contextmanager
def observed(provider: Provider, url: str, request: ChatRequest) -> Iterator[Observed]:
    """A span around a call to the upstream, and its measurements."""
    with tracer.start_as_current_span(
        f"{OPERATION} {request.model[:MAX_NAME]}",
        kind=trace.SpanKind.CLIENT,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        call = Observed(provider, url, request, span)
        try:
            yield call
        except GrokError as error:
            call.failed(error.code, error.type)
            raise
        except BaseException:
            # The log of calls has the reason.
            call.failed("cancelled", "cancelled")
            raise


@cache
def _instruments() -> tuple[Any, Any]:
    # Imported only in a process that collects metrics: it takes a hundredth of the start-up time.
    from opentelemetry import metrics

    meter = metrics.get_meter(SCOPE, __version__)
    return (
        meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=DURATION_BUCKETS
        ),
        meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=TOKEN_BUCKETS
        ),
    )
