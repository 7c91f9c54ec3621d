"""The entries that `install` writes."""

import pytest

from mcp_grok.cli.install.clients import ALL_CLIENTS, CLIENTS, McpClient
from mcp_grok.cli.install.entry import entry, remote_entry
from mcp_grok.cli.install.entry_form import LOCAL_KEYS, REMOTE_KEYS, address_of, command_of

URL = "https://grok.example.com/mcp"

ADDED = {"disabled": False, "tool_timeout_sec": 9.5, "tools": ["a"], "trust": True, "alwaysAllow": ["b"]}
"""What a user adds, and fits each kind of entry."""

WITH_BOTH = [client for client in ALL_CLIENTS if client.remote is not None]


@pytest.mark.parametrize("client", WITH_BOTH, ids=lambda client: client.name)
def test_entry_of_another_kind_is_replaced_as_a_whole(client: McpClient) -> None:
    remote = remote_entry(client, URL, "t", is_typed=False, existing=ADDED)
    local = entry(client, ["mcp-grok", "-x"], {}, {"XAI_API_KEY": "k"}, existing={**remote, "type": "http"})
    assert not REMOTE_KEYS & set(local)
    assert local.get("type") == client.local.get("type")
    assert command_of(client, local) == ["mcp-grok", "-x"]
    again = remote_entry(client, URL, "", is_typed=False, existing=local)
    assert not LOCAL_KEYS & set(again)
    assert again.get("type") == (client.remote or {}).get("type")
    assert address_of(again) == URL
    kept = {key: value for key, value in ADDED.items() if key != client.call_limit}
    assert {key: again[key] for key in kept} == {key: local[key] for key in kept} == kept


def test_mixed_entry_becomes_one_of_a_kind() -> None:
    mixed = {"url": URL, "headers": {"Authorization": "a"}, "command": "x", "args": ["y"], "cwd": "/", "envFile": "e"}
    assert entry(CLIENTS["cursor"], ["mcp-grok"], {}, {}, existing=mixed) == {
        "command": "mcp-grok",
        "args": [],
        "cwd": "/",
        "envFile": "e",
        "env": {},
    }


@pytest.mark.parametrize(
    ("client", "written"),
    [
        ("claude-code", {"type": "http", "headers": {"Authorization": "Bearer ${MCP_GROK_TOKEN}"}}),
        ("cursor", {"headers": {"Authorization": "Bearer ${env:MCP_GROK_TOKEN}"}}),
        ("codex", {"bearer_token_env_var": "MCP_GROK_TOKEN"}),
        ("opencode", {"type": "remote", "headers": {"Authorization": "Bearer {env:MCP_GROK_TOKEN}"}}),
        ("zed", {"headers": {"Authorization": "Bearer t"}}),
    ],
)
def test_token_is_referred_to_where_the_client_can(client: str, written: dict[str, object]) -> None:
    described = remote_entry(CLIENTS[client], URL, "t", is_typed=False)
    assert {key: described[key] for key in written} == written
    assert described[CLIENTS[client].address] == URL


def test_typed_token_is_written() -> None:
    described = remote_entry(CLIENTS["codex"], URL, "t", is_typed=True, existing={"bearer_token_env_var": "OLD"})
    assert described == {"url": URL, "http_headers": {"Authorization": "Bearer t"}}


def test_headers_do_not_go_to_another_address() -> None:
    existing = {"url": URL, "headers": {"X-Mine": "a"}}
    for address, headers in ((URL, {"X-Mine": "a"}), ("https://b.example/mcp", None)):
        described = remote_entry(CLIENTS["cursor"], address, "", is_typed=False, existing=existing)
        assert described.get("headers") == headers


def test_tools_that_the_user_chose_stay() -> None:
    assert entry(CLIENTS["copilot-cli"], ["x"], {}, {}, existing={"tools": ["one"]})["tools"] == ["one"]
    assert entry(CLIENTS["copilot-cli"], ["x"], {}, {})["tools"] == ["*"]
