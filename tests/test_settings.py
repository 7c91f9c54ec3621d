"""What each environment variable does, and how a wrong one is explained."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from mcp_grok.settings import Settings, explain, unknown_variables, variable
from tests.conftest import KEY

Read = Callable[..., Settings]
BASE = "MCP_GROK_BASE_URL"
ACEDATA_URL = "https://api.acedata.cloud/grok/chat/completions"
LLMPROVIDER_URL = "https://platform.llmprovider.ai/v1/chat/completions"
XAI_URL = "https://api.x.ai/v1/chat/completions"
KEY_VARIABLES = ("MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads settings from an environment with some variables in it."""

    def settings(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return settings


def explained(read: Read, **variables: str) -> str:
    """The line that tells what is wrong with an environment."""
    with pytest.raises(ValidationError) as caught:
        read(**variables)
    line = explain(caught.value)
    assert line.isprintable()
    return line


def secret_of(settings: Settings) -> str | None:
    return settings.key.get_secret_value() if settings.key else None


@pytest.mark.parametrize(
    ("name", "text", "field", "value", "default"),
    [
        ("MCP_GROK_PROVIDER", "xai", "provider", "xai", None),
        (BASE, "https://api.example.com", "base_url", "https://api.example.com", None),
        ("MCP_GROK_ALLOW_HTTP", "true", "allow_http", True, False),
        ("MCP_GROK_DEFAULT_MODEL", "grok-3", "default_model", "grok-3", None),
        ("MCP_GROK_TIMEOUT", "0.25", "timeout", 0.25, 900),
        ("MCP_GROK_IDLE_TIMEOUT", "86400", "idle_timeout", 86_400, 300),
        ("MCP_GROK_MAX_RETRIES", "0", "max_retries", 0, 2),
        ("MCP_GROK_MAX_CONCURRENCY", "100000", "max_concurrency", 100_000, 20),
        ("MCP_GROK_STRUCTURED", "1", "structured", True, False),
        ("MCP_GROK_TOOLSETS", "chat, image", "toolsets", "chat, image", "chat,search"),
        ("MCP_GROK_EXCLUDE_TOOLS", "grok_search", "exclude_tools", "grok_search", ""),
        ("MCP_GROK_READ_ONLY", "true", "read_only", True, False),
        ("MCP_GROK_OUTPUT_DIR", "~", "output_dir", "~", ""),
        ("MCP_GROK_LOG_LEVEL", "debug", "log_level", "DEBUG", "WARNING"),
        ("MCP_GROK_API_KEY", KEY, "api_key", SecretStr(KEY), None),
        ("ACEDATACLOUD_API_TOKEN", KEY, "acedata_api_key", SecretStr(KEY), None),
        ("LLMPROVIDER_API_KEY", KEY, "llmprovider_api_key", SecretStr(KEY), None),
        ("XAI_API_KEY", KEY, "xai_api_key", SecretStr(KEY), None),
    ],
)
def test_variable_sets_its_field_without_space_around_it(
    read: Read, name: str, text: str, field: str, value: Any, default: Any
) -> None:
    assert variable(field) == name
    assert getattr(read(), field) == default
    assert getattr(read(**{name: f" {text}\n"}), field) == value


def test_list_of_variables_is_complete() -> None:
    assert {variable(field) for field in Settings.model_fields} == {
        *KEY_VARIABLES,
        *(f"MCP_GROK_{name}" for name in ("SHARED_TOOLS", "TASK_AFTER", "TOOLSETS", "EXCLUDE_TOOLS", "READ_ONLY")),
        "MCP_GROK_OUTPUT_DIR",
        *(f"MCP_GROK_{name}" for name in ("PROVIDER", "BASE_URL", "ALLOW_HTTP", "DEFAULT_MODEL", "TIMEOUT")),
        *(
            f"MCP_GROK_{name}"
            for name in ("IDLE_TIMEOUT", "MAX_RETRIES", "MAX_CONCURRENCY", "HANDOFF_AFTER", "STRUCTURED", "LOG_LEVEL")
        ),
        *(
            f"MCP_GROK_{name}"
            for name in ("ON_DISCONNECT", "STORE", "MAX_RESULT_BYTES", "ALLOWED_DIRS", "STRICT", "LOG_FORMAT")
        ),
    }


@pytest.mark.parametrize("unset", ["", " ", "${user_config.x}", " ${user_config.api_key}", "${env:KEY}", "${KEY}"])
def test_empty_value_or_placeholder_counts_as_unset(read: Read, unset: str) -> None:
    settings = read(**{variable(field): unset for field in Settings.model_fields})
    assert settings == Settings.model_construct()
    assert (settings.url, settings.key, settings.model) == (ACEDATA_URL, None, "grok-4")


@pytest.mark.parametrize(
    ("variables", "provider", "key"),
    [
        ("", "acedata", None),
        ("XAI_API_KEY", "xai", "XAI_API_KEY"),
        ("XAI_API_KEY LLMPROVIDER_API_KEY", "llmprovider", "LLMPROVIDER_API_KEY"),
        ("XAI_API_KEY LLMPROVIDER_API_KEY ACEDATACLOUD_API_TOKEN", "acedata", "ACEDATACLOUD_API_TOKEN"),
        ("XAI_API_KEY MCP_GROK_API_KEY", "xai", "XAI_API_KEY"),
        ("ACEDATACLOUD_API_TOKEN MCP_GROK_API_KEY", "acedata", "ACEDATACLOUD_API_TOKEN"),
        ("MCP_GROK_API_KEY", "acedata", None),
        ("MCP_GROK_API_KEY=xai-1", "xai", "xai-1"),
        ("ACEDATACLOUD_API_TOKEN MCP_GROK_API_KEY=xai-1", "xai", "xai-1"),
        ("MCP_GROK_PROVIDER=llmprovider MCP_GROK_API_KEY", "llmprovider", "MCP_GROK_API_KEY"),
        ("MCP_GROK_PROVIDER=xai ACEDATACLOUD_API_TOKEN XAI_API_KEY", "xai", "XAI_API_KEY"),
        ("MCP_GROK_PROVIDER=xai XAI_API_KEY MCP_GROK_API_KEY", "xai", "MCP_GROK_API_KEY"),
        ("MCP_GROK_PROVIDER=xai ACEDATACLOUD_API_TOKEN", "xai", None),
        (f"MCP_GROK_PROVIDER=custom {BASE}=https://a.example XAI_API_KEY", "custom", None),
        ("MCP_GROK_PROVIDER=sandbox XAI_API_KEY", "sandbox", "sandbox-key"),
    ],
)
def test_provider_is_the_named_one_or_the_first_with_a_key(
    read: Read, variables: str, provider: str, key: str | None
) -> None:
    named = (word.partition("=") for word in variables.split())
    settings = read(**{name: value or name for name, _, value in named})
    assert (settings.active_provider.name, secret_of(settings)) == (provider, key)


@pytest.mark.parametrize(
    ("variables", "unknown"),
    [
        ({"MCP_GROK_API_KEY": "sk-1"}, True),
        ({"MCP_GROK_API_KEY": "sk-1", "MCP_GROK_PROVIDER": "xai"}, False),
        ({"MCP_GROK_API_KEY": "sk-1", "XAI_API_KEY": "xai-1"}, False),
        ({"MCP_GROK_API_KEY": "xai-1"}, False),
        ({}, False),
    ],
)
def test_key_without_a_provider_is_for_none(read: Read, variables: dict[str, str], unknown: bool) -> None:
    settings = read(**variables)
    assert (settings.provider_unknown, settings.endpoint.provider_unknown) == (unknown, unknown)


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, "ACEDATACLOUD_API_TOKEN, LLMPROVIDER_API_KEY or XAI_API_KEY"),
        ({"MCP_GROK_PROVIDER": "xai"}, "XAI_API_KEY"),
        ({"MCP_GROK_PROVIDER": "custom", BASE: "https://a.example"}, "MCP_GROK_API_KEY"),
        ({"LLMPROVIDER_API_KEY": "k"}, "LLMPROVIDER_API_KEY"),
        ({"MCP_GROK_API_KEY": "sk-1"}, "MCP_GROK_API_KEY"),
        ({"MCP_GROK_API_KEY": "xai-1"}, "MCP_GROK_API_KEY"),
        ({"MCP_GROK_API_KEY": "sk-1", "MCP_GROK_PROVIDER": "acedata"}, "MCP_GROK_API_KEY"),
        ({"MCP_GROK_API_KEY": "sk-1", "XAI_API_KEY": "k"}, "XAI_API_KEY"),
    ],
)
def test_messages_name_the_variable_of_the_key(read: Read, variables: dict[str, str], names: str) -> None:
    settings = read(**variables)
    assert (settings.key_names, settings.endpoint.names.api_key) == (names, names)


def test_token_of_a_client_is_no_wrong_setting() -> None:
    assert unknown_variables(["MCP_GROK_TOKEN", "MCP_GROK_TOKENS"]) == {"MCP_GROK_TOKENS": "MCP_GROK_TOKEN"}


def test_sandbox_of_this_process_has_its_own_key(read: Read) -> None:
    assert secret_of(read(MCP_GROK_PROVIDER="sandbox", MCP_GROK_API_KEY=KEY)) == "sandbox-key"


@pytest.mark.parametrize(
    ("provider", "url", "model"),
    [
        ("acedata", ACEDATA_URL, "grok-4"),
        ("llmprovider", LLMPROVIDER_URL, "grok-beta"),
        ("xai", XAI_URL, "grok-4.7"),
        ("sandbox", "", "grok-4"),
    ],
)
def test_provider_has_its_address_and_model(read: Read, provider: str, url: str, model: str) -> None:
    settings = read(MCP_GROK_PROVIDER=provider)
    assert (settings.url, settings.model) == (url, model)
    assert read(MCP_GROK_DEFAULT_MODEL="grok-3").model == "grok-3"


def test_custom_api_has_no_model_by_default(read: Read) -> None:
    custom = {"MCP_GROK_PROVIDER": "custom", BASE: "https://a.example"}
    assert (read(**custom).model, read(MCP_GROK_DEFAULT_MODEL="llama").model) == (None, "llama")


@pytest.mark.parametrize(
    ("provider", "base_url", "url"),
    [
        ("acedata", "https://a.example", "https://a.example/grok/chat/completions"),
        ("acedata", "https://a.example/grok/", "https://a.example/grok/chat/completions"),
        ("acedata", "https://a.example/grok/chat", "https://a.example/grok/chat/completions"),
        ("acedata", "https://a.example/in/grok/chat/completions/", "https://a.example/in/grok/chat/completions"),
        ("acedata", "https://grok/", "https://grok/grok/chat/completions"),
        ("xai", "https://a.example/v1", "https://a.example/v1/chat/completions"),
        ("xai", "https://a.example/api//", "https://a.example/api/v1/chat/completions"),
        ("xai", "https://a.example/xv1", "https://a.example/xv1/v1/chat/completions"),
        ("xai", "https://a.example/compat/chat/completions", "https://a.example/compat/chat/completions"),
        ("custom", "https://a.example:8443/v1/chat/completions", "https://a.example:8443/v1/chat/completions"),
        ("sandbox", "http://127.0.0.1:8080", "http://127.0.0.1:8080/grok/chat/completions"),
        ("xai", "http://localhost:1/v1", "http://localhost:1/v1/chat/completions"),
        ("xai", "http://[::1]:1", "http://[::1]:1/v1/chat/completions"),
    ],
)
def test_base_url_may_hold_any_part_of_the_path(read: Read, provider: str, base_url: str, url: str) -> None:
    assert read(MCP_GROK_PROVIDER=provider, MCP_GROK_BASE_URL=base_url).url == url


@pytest.mark.parametrize(
    ("base_url", "rule"),
    [
        *[(url, "must be a URL") for url in ("a.example", "//a.example", "ftp://a.example", "https://")],
        *[(f"https://a.example:{port}", "must be a URL") for port in ("99999", "-1", "x")],
        ("https://[::1", "must be a URL"),
        *[(f"https://{user}a.example", "must not contain a user") for user in ("me@", "me:pw@", ":pw@", "@")],
        *[(f"https://a.example{end}", "password or fragment") for end in ("#x", "#", "/v1?api-version=1#x")],
        *[
            (f"https://a.example/v1?{values}", "must not contain a key in its query")
            for values in ("key=pw", "x=1&api_key=pw", "access-token=pw", "CLIENT_SECRET=pw", "sig=pw", "k%65y=")
        ],
        *[
            (f"https://{host}", "must be a URL")
            for host in ("a b.example", "999.1.1.1", "[v1.x]", "a\u2028b", "a/\u2028x")
        ],
        *[
            (f"http://{host}", "must be https, or http to a loopback address")
            for host in ("a.example", "10.0.0.1", "0.0.0.0", "localhost.a.example", "127.0.0.1.a.example")
        ],
    ],
)
def test_wrong_or_leaking_base_url_is_refused(read: Read, base_url: str, rule: str) -> None:
    line = explained(read, MCP_GROK_BASE_URL=base_url, MCP_GROK_API_KEY=KEY)
    assert line.startswith(BASE)
    assert rule in line
    assert "pw" not in line


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/chat", "/v1/chat/completions"),
        ("/proxy", "/proxy/chat/completions"),
        ("/openai/v1//", "/openai/v1/chat/completions"),
        ("/xv1", "/xv1/chat/completions"),
        ("/models", "/models/chat/completions"),
        ("/v1/projects/p/endpoints/openapi", "/v1/projects/p/endpoints/openapi/chat/completions"),
        ("/client/v4/accounts/a/ai/v1/chat/completions/", "/client/v4/accounts/a/ai/v1/chat/completions"),
        ("?api-version=2024-05-01-preview", "/v1/chat/completions?api-version=2024-05-01-preview"),
        ("/models?api-version=2024-05-01-preview", "/models/chat/completions?api-version=2024-05-01-preview"),
        ("/models/chat/completions?api-version=1&x=%2F", "/models/chat/completions?api-version=1&x=%2F"),
        ("/openai/deployments/g/?api-version=1", "/openai/deployments/g/chat/completions?api-version=1"),
        ("/v1?", "/v1/chat/completions"),
        *[(f"/v1/{other}", "/v1/chat/completions") for other in ("completions", "responses", "models", "messages")],
        ("/v1beta/openai/models", "/v1beta/openai/chat/completions"),
        ("/api/paas/v4/embeddings?x=1", "/api/paas/v4/chat/completions?x=1"),
    ],
)
def test_base_url_of_any_api_leads_to_its_completions(read: Read, base_url: str, path: str) -> None:
    settings = read(MCP_GROK_PROVIDER="custom", MCP_GROK_BASE_URL=f"https://a.example{base_url}")
    assert settings.url == f"https://a.example{path}"


def test_http_to_another_machine_needs_to_be_allowed(read: Read) -> None:
    house = {BASE: "http://10.0.0.1", "MCP_GROK_ALLOW_HTTP": "1"}
    assert "MCP_GROK_ALLOW_HTTP=1" in explained(read, MCP_GROK_PROVIDER="xai", **house)
    assert read(MCP_GROK_PROVIDER="custom").url == "http://10.0.0.1/v1/chat/completions"
    assert "must be https" in explained(read, MCP_GROK_ALLOW_HTTP="0")


SECONDS = "a number of seconds above 0, at most 86400"
SWITCH = "true or false, or 1 or 0"
NO_NUMBERS = ("nan", "inf", "-1", "5m", "1,5", "a\nb\u2028c")
ALLOWED = {
    **dict.fromkeys(KEY_VARIABLES, ("only printable ASCII characters and no spaces; copy it again", ["sk-one sk-two"])),
    "MCP_GROK_PROVIDER": ("one of acedata, llmprovider, xai, custom, sandbox", ["openai", "XAI"]),
    "MCP_GROK_BASE_URL": ("a URL like https://api.example.com", ["api.example.com"]),
    "MCP_GROK_ALLOW_HTTP": (SWITCH, ["2", "perhaps"]),
    "MCP_GROK_TIMEOUT": (SECONDS, ["0", "86400.1", *NO_NUMBERS]),
    "MCP_GROK_IDLE_TIMEOUT": (SECONDS, ["0", "86400.1", *NO_NUMBERS]),
    "MCP_GROK_MAX_RETRIES": ("a whole number from 0 to 10", ["11", "1.5", *NO_NUMBERS]),
    "MCP_GROK_MAX_CONCURRENCY": ("a whole number of calls from 1 to 100000", ["0", "100001", "many", *NO_NUMBERS]),
    "MCP_GROK_HANDOFF_AFTER": ("a number of seconds from 0 to 86400", ["86400.1", *NO_NUMBERS]),
    "MCP_GROK_TASK_AFTER": ("a number of seconds from 0 to 86400", ["86400.1", *NO_NUMBERS]),
    "MCP_GROK_SHARED_TOOLS": ("file_search, mcp, or both separated by a comma", ["web_search", "mcp file_search"]),
    "MCP_GROK_ON_DISCONNECT": ("finish or stop", ["wait"]),
    "MCP_GROK_STORE": (
        "memory, a folder like disk:~/.local/share/mcp-grok, or a store like redis://localhost:6379/0",
        ["disk", "sqlite"],
    ),
    "MCP_GROK_MAX_RESULT_BYTES": (
        "a whole number of bytes: 0, or 2000 to 1073741824",
        ["1999", "1073741825", *NO_NUMBERS],
    ),
    "MCP_GROK_TOOLSETS": (
        "chat, search, image, video, separated by commas, or all",
        ["images", "chat search", "Chat", "chat,search;video", ","],
    ),
    "MCP_GROK_EXCLUDE_TOOLS": (
        "names of tools, separated by commas, such as grok_search",
        ["search", "grok_serch", "grok_cancel_completion,grok_searches"],
    ),
    "MCP_GROK_READ_ONLY": (SWITCH, ["2", "perhaps"]),
    "MCP_GROK_OUTPUT_DIR": ("the absolute path of a folder", ["pictures", "./a", "~nobody-of-that-name/x"]),
    "MCP_GROK_ALLOWED_DIRS": (f"absolute paths of folders, separated by {os.pathsep}", ["pictures", "/a:b"]),
    "MCP_GROK_STRICT": (SWITCH, ["2", "perhaps"]),
    "MCP_GROK_STRUCTURED": (SWITCH, ["perhaps"]),
    "MCP_GROK_LOG_LEVEL": ("DEBUG, INFO, WARNING, ERROR or CRITICAL", ["LOUD"]),
    "MCP_GROK_LOG_FORMAT": ("text or json", ["xml"]),
}
"""What each setting must be, and values that it must not be."""

UNCHECKED = {"MCP_GROK_DEFAULT_MODEL"}
SECRET = {*KEY_VARIABLES, BASE, "MCP_GROK_STORE"}


def test_every_setting_says_what_it_must_be() -> None:
    assert ALLOWED.keys() | UNCHECKED == {variable(field) for field in Settings.model_fields}


@pytest.mark.parametrize(
    ("name", "allowed", "value"),
    [(name, allowed, value) for name, (allowed, values) in ALLOWED.items() for value in values],
)
def test_wrong_value_is_explained_in_one_sentence(read: Read, name: str, allowed: str, value: str) -> None:
    line = explained(read, **{**dict.fromkeys(KEY_VARIABLES, KEY), name: value})
    verb = "have" if name in KEY_VARIABLES else "be"
    shown = "" if name in SECRET else f"; it is {value!r}"
    assert line == f"{name} must {verb} {allowed}{shown}"


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"TOOLSETS": "search"}, "MCP_GROK_TOOLSETS: no tool is left; AceData has the toolsets chat, video"),
        (
            {"PROVIDER": "xai", "EXCLUDE_TOOLS": "grok_chat_completions, grok_search", "READ_ONLY": "1"},
            (
                "MCP_GROK_TOOLSETS, MCP_GROK_EXCLUDE_TOOLS, MCP_GROK_READ_ONLY: no tool is left; xAI has the toolsets "
                "chat, search, image, video"
            ),
        ),
        (
            {"EXCLUDE_TOOLS": "grok_get_completion", "HANDOFF_AFTER": "0"},
            (
                "MCP_GROK_EXCLUDE_TOOLS must not name grok_get_completion, which gets late and cut answers, unless "
                "MCP_GROK_HANDOFF_AFTER and MCP_GROK_MAX_RESULT_BYTES are 0"
            ),
        ),
    ],
)
def test_server_without_the_tools_it_needs_is_explained(read: Read, variables: dict[str, str], line: str) -> None:
    assert explained(read, **{f"MCP_GROK_{name}": value for name, value in variables.items()}) == line


def test_tool_that_fetches_can_be_excluded_where_it_is_not_needed(read: Read) -> None:
    settings = read(
        MCP_GROK_EXCLUDE_TOOLS="grok_get_completion", MCP_GROK_HANDOFF_AFTER="0", MCP_GROK_MAX_RESULT_BYTES="0"
    )
    assert settings.tools == ["grok_chat_completions"]


def test_output_folder_begins_at_the_home(read: Read) -> None:
    assert read().output_folder is None
    assert read(MCP_GROK_OUTPUT_DIR="~/pictures").output_folder == Path.home() / "pictures"


def test_all_wrong_values_are_explained_together(read: Read) -> None:
    line = explained(read, MCP_GROK_TIMEOUT="0", MCP_GROK_PROVIDER="x" * 1000)
    assert "MCP_GROK_TIMEOUT must be a number of seconds above 0, at most 86400; it is '0'; " in f"{line}; "
    assert f"custom, sandbox; it is '{'x' * 80}'" in line


def test_custom_api_needs_its_base_url(read: Read) -> None:
    line = explained(read, MCP_GROK_PROVIDER="custom", MCP_GROK_API_KEY=KEY)
    assert line == "MCP_GROK_BASE_URL is required when MCP_GROK_PROVIDER is custom"


@pytest.mark.parametrize("key", ["sk-one sk-two", "sk-one\nsk-two", "sk-\u00fcber", "sk-\x7f"])
@pytest.mark.parametrize("name", KEY_VARIABLES)
def test_impossible_key_is_refused_and_not_shown(read: Read, name: str, key: str) -> None:
    line = explained(read, **{name: key})
    assert line == f"{name} must have only printable ASCII characters and no spaces; copy it again"


@pytest.mark.parametrize(("name", "value"), [("MCP_GROK_PROVIDER", "custom"), ("MCP_GROK_API_KEY", "sk-own two")])
def test_traceback_of_the_error_shows_no_key(read: Read, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**{"MCP_GROK_API_KEY": "sk-own", name: value})
    assert "sk-own" not in str(caught.value)


def test_password_in_an_unreadable_host_is_not_shown(read: Read) -> None:
    assert KEY not in explained(read, MCP_GROK_BASE_URL=f"https://me:{KEY}@ex\u2100mple.com")


def test_settings_show_no_key_and_are_frozen(read: Read) -> None:
    settings = read(**dict.fromkeys(KEY_VARIABLES, KEY))
    assert KEY not in f"{settings!r} {settings}"
    with pytest.raises(ValidationError, match="frozen"):
        settings.timeout = 1  # type: ignore[misc]


def test_foreign_variable_is_ignored(read: Read) -> None:
    assert read(MCP_GROK_UNHEARD_OF="1", ACEDATA_API_KEY="not ours") == Settings.model_construct()


def test_settings_can_be_given_by_name() -> None:
    settings = Settings(provider="xai", xai_api_key=SecretStr(KEY), timeout=1)
    assert (secret_of(settings), settings.timeout) == (KEY, 1)


@pytest.mark.parametrize(
    "store",
    [
        *(f"{scheme}://ann:hunter2@host/0" for scheme in ("valkey", "REDIS", "redis+sentinel", "http", "")),
        *("redis:/ann:hunter2@host", "redis:ann:hunter2@host", "ann:hunter2@host", "hunter2", "disk"),
        *(f"redis://:hunter2{sign}hunter2@host:6379/0" for sign in "/?#["),
        "redis://:hunter2@host:99999/0",
    ],
)
def test_wrong_store_is_explained_without_its_password(read: Read, store: str) -> None:
    line = explained(read, MCP_GROK_STORE=store)
    assert line.startswith("MCP_GROK_STORE must be ")
    assert "redis://" in line
    assert "hunter2" not in line
