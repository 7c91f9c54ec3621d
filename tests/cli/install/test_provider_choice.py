"""The provider of an entry: what is set now decides."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mcp_grok.cli.install.clients import CLIENTS, McpClient
from mcp_grok.cli.install.entry import entry
from mcp_grok.cli.install.entry_form import environment_of, forwarded
from mcp_grok.cli.install.provider_choice import Choice, choose, held_in
from mcp_grok.settings import Settings

KEY = "sk-1"
ACEDATA = {"ACEDATACLOUD_API_TOKEN": KEY}
XAI = {"XAI_API_KEY": "xai-1"}
SANDBOX = {"MCP_GROK_PROVIDER": "sandbox", "MCP_GROK_DEFAULT_MODEL": "sandbox-slow:4"}
CUSTOM = {
    "MCP_GROK_PROVIDER": "custom",
    "MCP_GROK_BASE_URL": "https://a.example/v1",
    "MCP_GROK_DEFAULT_MODEL": "m",
    "MCP_GROK_API_KEY": KEY,
}

Chosen = Callable[..., tuple[Choice, dict[str, Any]]]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Chosen:
    """The choice, and the entry that it makes, with some variables in the environment."""

    def chosen(
        client: McpClient, environment: Mapping[str, str], existing: Mapping[str, Any] | None = None
    ) -> tuple[Choice, dict[str, Any]]:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            choice = choose(client, Settings(), environment, existing or {})
        return choice, entry(client, ["mcp-grok"], choice.settings, choice.keys, existing=existing or {})

    return chosen


def names_in(client: McpClient, described: Mapping[str, Any]) -> set[str]:
    """The variables that an entry sets or passes on, without the hand-off time."""
    return {*environment_of(client, described), *forwarded(client, described)} - {"MCP_GROK_HANDOFF_AFTER"}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize(
    ("before", "title"), [(SANDBOX, "the sandbox"), (ACEDATA, "AceData"), (CUSTOM, "the custom API")]
)
def test_key_that_is_set_now_decides(client: McpClient, before: dict[str, str], title: str, chosen: Chosen) -> None:
    _, existing = chosen(client, {"MCP_GROK_TIMEOUT": "60", **before})
    choice, described = chosen(client, XAI, existing)
    assert names_in(client, described) == {"XAI_API_KEY", "MCP_GROK_TIMEOUT"}
    [note] = choice.notes
    assert note.startswith(f"The entry is now for xAI; it was for {title}.")
    assert [name for name in before if name not in note] == []
    assert "xai-1" not in note


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_provider_that_is_set_now_decides(client: McpClient, chosen: Chosen) -> None:
    _, with_key = chosen(client, XAI)
    _, on_sandbox = chosen(client, SANDBOX, with_key)
    assert names_in(client, on_sandbox) == {*SANDBOX, *XAI}
    choice, back = chosen(client, {"MCP_GROK_PROVIDER": "xai"}, on_sandbox)
    assert names_in(client, back) == {"MCP_GROK_PROVIDER", *XAI}
    assert choice.notes == [
        "The entry is now for xAI; it was for the sandbox. It no longer has MCP_GROK_DEFAULT_MODEL."
    ]


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_same_provider_keeps_everything(client: McpClient, chosen: Chosen) -> None:
    _, existing = chosen(client, {**XAI, "MCP_GROK_PROVIDER": "xai", "MCP_GROK_DEFAULT_MODEL": "grok-3"})
    choice, described = chosen(client, {}, existing)
    assert described == existing
    assert choice.notes == ["The entry is for xAI."]
    assert chosen(client, XAI, existing)[1] == existing


@pytest.mark.parametrize(
    ("more", "used", "unused"),
    [
        ({}, "ACEDATACLOUD_API_TOKEN", "XAI_API_KEY"),
        ({"MCP_GROK_PROVIDER": "xai"}, "XAI_API_KEY", "ACEDATACLOUD_API_TOKEN"),
    ],
)
def test_of_two_keys_one_is_used_and_the_other_named(
    more: dict[str, str], used: str, unused: str, chosen: Chosen
) -> None:
    choice, described = chosen(CLIENTS["cursor"], {**ACEDATA, **XAI, **more})
    assert names_in(CLIENTS["cursor"], described) == {used, *more}
    assert f"{unused} is set too, and not used" in choice.notes[-1]


@pytest.mark.parametrize(
    ("held", "variables"),
    [
        ({"MCP_GROK_API_KEY": KEY}, ACEDATA),
        ({"MCP_GROK_API_KEY": "xai-1"}, XAI),
        (
            {"MCP_GROK_API_KEY": "${env:MCP_GROK_API_KEY}"},
            {"MCP_GROK_PROVIDER": "acedata", "MCP_GROK_API_KEY": "${env:MCP_GROK_API_KEY}"},
        ),
        ({"MCP_GROK_API_KEY": KEY, **XAI}, ACEDATA),
    ],
)
def test_key_of_an_earlier_version_gets_its_provider(
    held: dict[str, str], variables: dict[str, str], chosen: Chosen
) -> None:
    choice, described = chosen(CLIENTS["cursor"], {}, {"command": "mcp-grok", "env": held})
    assert described["env"] == variables
    assert "did not say which provider" in choice.notes[0]


def test_forwarded_key_of_an_earlier_version_gets_its_provider(chosen: Chosen) -> None:
    existing = {"command": "mcp-grok", "env_vars": ["MCP_GROK_API_KEY"]}
    _, described = chosen(CLIENTS["codex"], {}, existing)
    assert described["env_vars"] == ["MCP_GROK_API_KEY"]
    assert described["env"]["MCP_GROK_PROVIDER"] == "acedata"
    _, described = chosen(CLIENTS["codex"], {"MCP_GROK_API_KEY": "xai-1"}, existing)
    assert described["env"]["MCP_GROK_PROVIDER"] == "xai"


def test_key_with_its_provider_stays(chosen: Chosen) -> None:
    held = {"MCP_GROK_API_KEY": KEY, "MCP_GROK_PROVIDER": "llmprovider"}
    assert chosen(CLIENTS["cursor"], {}, {"command": "mcp-grok", "env": held})[1]["env"] == held
    later = {"MCP_GROK_API_KEY": "sk-2"}
    assert chosen(CLIENTS["zed"], later, {"command": "mcp-grok", "env": held})[1]["env"] == {**held, **later}


def test_key_without_a_provider_is_not_written(chosen: Chosen) -> None:
    choice, described = chosen(CLIENTS["zed"], {"MCP_GROK_API_KEY": KEY})
    assert described["env"] == {}
    assert choice.notes[-1].startswith("MCP_GROK_API_KEY is not used")
    _, described = chosen(CLIENTS["zed"], {"MCP_GROK_API_KEY": "xai-1"})
    assert described["env"] == {"MCP_GROK_PROVIDER": "xai", "MCP_GROK_API_KEY": "xai-1"}


def test_wrong_provider_is_left_out(chosen: Chosen) -> None:
    existing = {"command": "mcp-grok", "env": {"MCP_GROK_PROVIDER": "nobody", **XAI}}
    assert chosen(CLIENTS["zed"], {}, existing)[1]["env"] == XAI


def test_provider_of_references_is_known_before_they_are_set() -> None:
    held = held_in(CLIENTS["codex"], {"env_vars": ["XAI_API_KEY", "ACEDATACLOUD_API_TOKEN"]})
    providers = [held.provider(CLIENTS["codex"], environment) for environment in ({}, XAI, {**XAI, **ACEDATA})]
    assert [provider and provider.name for provider in providers] == ["acedata", "xai", "acedata"]
