"""The table of providers, and where an address leads."""

import pytest

from mcp_grok.address import is_loopback
from mcp_grok.providers import PROVIDERS
from mcp_grok.settings import Settings, variable


def test_every_provider_can_be_named_in_the_settings() -> None:
    for name, provider in PROVIDERS.items():
        assert Settings(provider=name, base_url="https://api.example.com").active_provider is provider


def test_key_variable_of_a_provider_is_read_by_the_settings() -> None:
    for provider in PROVIDERS.values():
        if provider.key_variable:
            assert variable(f"{provider.name}_api_key") == provider.key_variable


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("acedata", "https://api.acedata.cloud/grok/chat/completions"),
        ("llmprovider", "https://platform.llmprovider.ai/v1/chat/completions"),
        ("xai", "https://api.x.ai/v1/chat/completions"),
    ],
)
def test_any_part_of_the_documented_address_completes_to_it(provider: str, url: str) -> None:
    path = PROVIDERS[provider].path
    for end in range(len(url) - len(path), len(url) + 1):
        if end == len(url) or url[end] == "/":
            assert PROVIDERS[provider].completions_url(url[:end]) == url
            assert PROVIDERS[provider].completions_url(url[:end] + "/") == url


def test_only_acedata_and_the_sandbox_have_free_errors() -> None:
    free = [name for name, provider in PROVIDERS.items() if provider.server_errors_billed == "no"]
    assert free == ["acedata", "sandbox"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        *[
            (f"http://{host}/v1", True)
            for host in ("127.0.0.1:80", "127.8.9.1", "[::1]:1", "localhost", "a.LOCALHOST:1")
        ],
        *[(f"http://{host}/v1", False) for host in ("0.0.0.0", "[::]", "10.0.0.1", "localhost.a", "127.0.0.1.a", "a")],
        *[(url, False) for url in ("", "http://", "localhost", "http://a/localhost", "http://localhost@a")],
    ],
)
def test_only_a_host_of_this_machine_is_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_pictures_and_videos_are_made_where_they_are_documented() -> None:
    assert [name for name, provider in PROVIDERS.items() if provider.images_path] == ["xai", "sandbox"]
    apis = {name: provider.video_api for name, provider in PROVIDERS.items() if provider.video_api}
    assert apis == {"acedata": "acedata", "xai": "xai", "sandbox": "acedata"}
