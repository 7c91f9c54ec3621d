"""The resources `grok://models` and `grok://usage`, and the command `models`."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from mcp_grok.cli.main import main
from mcp_grok.models import catalogue
from mcp_grok.server import create_server
from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay


async def read(settings: Settings, uri: str = "grok://models") -> Any:
    """A resource, as a client reads it."""
    async with Client(create_server(settings)) as client:
        [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def test_resource_has_only_documented_facts() -> None:
    known = await read(Settings(provider="xai"))
    assert (known["provider"], known["default"]) == ("xai", "grok-4.7")
    models = {model["name"]: model for model in known["models"]}
    assert models["grok-4.5"]["context"] == 500_000
    assert models["grok-4.5"]["efforts"] == ["low", "medium", "high"]
    assert models["grok-4.20-0309-reasoning"]["efforts"] == []
    assert "efforts" not in models["grok-code-fast-1"]
    assert models["grok-3"]["retired_for"] == "grok-4.3"
    assert all(model["source"] for model in models.values())


async def test_custom_api_has_no_models() -> None:
    settings = Settings(provider="custom", base_url="https://example.org")
    assert await read(settings) == {"provider": "custom", "models": []}


def test_live_names_are_merged_with_documented_ones() -> None:
    models = {model["name"]: model for model in catalogue("xai", "grok-4.7", ["grok-4.7", "grok-9"])["models"]}
    assert (models["grok-4.7"]["live"], models["grok-4.6"]["live"]) == (True, False)
    assert models["grok-9"] == {"name": "grok-9", "live": True}


def test_live_alias_names_its_model() -> None:
    models = {model["name"]: model for model in catalogue("xai", None, ["grok-4.6-latest"])["models"]}
    assert models["grok-4.6-latest"] == {"name": "grok-4.6-latest", "same_as": "grok-4.6", "live": True}


def test_command_prints_a_line_a_model(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_GROK_PROVIDER", "xai")
    assert main(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "default; 500,000 tokens; images" in lines["grok-4.7"]
    assert "reasoning effort none, low, medium, high" in lines["grok-4.3"]
    assert "refuses presence_penalty, reasoning_effort" in lines["grok-4.20-0309-non-reasoning"]
    assert "withdrawn, use grok-4.3" in lines["grok-3"]
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(catalogue("xai", "grok-4.7")))


def test_live_is_no_failure_where_the_provider_lists_no_models(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_GROK_PROVIDER", "acedata")
    assert main(["models", "--live"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("grok-4 ")
    assert "AceData lists no models" in err


async def test_usage_separates_stated_and_estimated_costs(upstream: Replay) -> None:
    settings = settings_for(upstream)
    hello = {"messages": [{"role": "user", "content": "Hello"}]}
    usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 12}
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Yo!"}, "finish_reason": "stop"}]
    async with Client(create_server(settings)) as client:
        for model, cost in (("grok-4", {"cost": {"amount": 0.25, "currency": "USD"}}), ("grok-4", {}), ("other", {})):
            upstream.answer({"model": model, "choices": choices, "usage": {**usage, **cost}})
            result = await client.call_tool("grok_chat_completions", hello)
            assert result.meta is not None
            assert ("mcp-grok/cost" in result.meta) is (model == "grok-4")
        upstream.answer({"error": {"code": "api_error", "message": "x"}}, 500)
        await client.call_tool("grok_chat_completions", hello)
        [content] = (await client.read_resource("grok://usage")).contents
    assert isinstance(content, TextResourceContents)
    models = json.loads(content.text)["models"]
    assert models.keys() == {"grok-4", "other"}
    assert models["grok-4"]["answers"] == 2
    assert models["grok-4"]["total_tokens"] == 24
    assert models["grok-4"]["cost"]["USD"]["stated"] == 0.25
    assert 0 < models["grok-4"]["cost"]["USD"]["estimated"] < 0.01
    assert models["other"]["cost"] == {}
