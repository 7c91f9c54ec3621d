"""Traces of calls: joined to the client's, passed to the upstream, and without a word of what was said."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from mcp import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from tests.chat import CHAT, HELLO
from tests.conftest import KEY, settings_for
from tests.replay import Replay

TRACE = "0af7651916cd43dd8448eb211c80319c"
META: Any = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@cache
def collector() -> InMemorySpanExporter:
    """Where the spans of this process go; that can be said once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of a test."""
    collector().clear()
    yield collector()
    collector().clear()


async def call(settings: Settings) -> None:
    """One call by a client that traces."""
    async with Client(create_server(settings)) as client:
        await client.call_tool(CHAT, HELLO, meta=META)


def chat_span(spans: InMemorySpanExporter) -> ReadableSpan:
    """The span of the call to the upstream."""
    [span] = [span for span in spans.get_finished_spans() if span.name == "chat grok-4"]
    return span


async def test_trace_goes_from_client_over_call_to_upstream(
    upstream: Replay, settings: Settings, spans: InMemorySpanExporter
) -> None:
    await call(settings)
    span = chat_span(spans)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None
    version, trace_id, parent, _ = upstream.requests[0].headers["traceparent"].split("-")
    assert (version, trace_id, parent) == ("00", TRACE, f"{span.context.span_id:016x}")


async def test_span_has_the_attributes_of_the_conventions(
    upstream: Replay, settings: Settings, spans: InMemorySpanExporter
) -> None:
    await call(settings)
    attributes = dict(chat_span(spans).attributes or {})
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acedata",
        "gen_ai.request.model": "grok-4",
        "gen_ai.response.id": "foaicmpl-1",
        "gen_ai.response.model": "grok-4",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 8,
        "gen_ai.usage.output_tokens": 2,
        "mcp_grok.attempts": 1,
        "server.address": "127.0.0.1",
        "server.port": upstream.port,
    }


async def test_span_of_a_failure_holds_no_content(upstream: Replay, spans: InMemorySpanExporter) -> None:
    upstream.answer({"error": {"code": "used_up", "message": "secret words"}}, 403)
    await call(settings_for(upstream))
    span = chat_span(spans)
    assert span.status.status_code is trace.StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "used_up"
    written = "".join(one.to_json() for one in spans.get_finished_spans())
    for secret in ("Hello", "secret words", KEY):
        assert secret not in written
