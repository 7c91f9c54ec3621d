"""The metrics of server processes, on a port of their own."""

from tests.chat import HELLO
from tests.conftest import KEY
from tests.http.requests import call, get
from tests.process import free_port, serving
from tests.replay import COMPLETION, Replay


async def test_metrics_count_calls_and_tokens_without_content(upstream: Replay) -> None:
    port = free_port()
    async with serving(upstream, "http", "--metrics-port", str(port)) as (url, _):
        await call(url)
        upstream.answer({"error": {"code": "used_up", "message": "secret words"}}, 403)
        await call(url)
        text = (await get(f"http://127.0.0.1:{port}/metrics")).text
        assert (await get(url.replace("mcp", "metrics"))).status_code == 404
    assert 'gen_ai_client_token_usage_sum{gen_ai_operation_name="chat"' in text.replace("_total", "")
    assert 'error_type="insufficient_quota"' in text
    assert 'gen_ai_request_model="grok-4"' in text
    assert "Hello" not in text
    assert "Yo!" not in text
    assert "secret" not in text
    assert KEY not in text


async def test_names_that_callers_make_up_are_no_labels(upstream: Replay) -> None:
    upstream.answer({**COMPLETION, "model": "made-up-by-the-provider"})
    port = free_port()
    async with serving(upstream, "http", "--metrics-port", str(port)) as (url, _):
        for number in range(20):
            await call(url, arguments={**HELLO, "model": f"made-up-{number}"})
        upstream.answer({"error": {"code": "made_up_code", "message": "no"}}, 400)
        await call(url)
        text = (await get(f"http://127.0.0.1:{port}/metrics")).text
    assert "made" not in text
    assert 'gen_ai_request_model="other"' in text
    assert 'gen_ai_response_model="other"' in text
    assert len(text) < 50_000
