"""The addresses that are downloaded from, and where their redirects may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.media_address import MAX_LENGTH, MediaAddress

START = MediaAddress.read("https://media.example.com/a/b?sig=1", local=False)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://media.example.com", ("https", "media.example.com", 443, "/")),
        ("HTTPS://Media.Example.COM:8443/A%20b?c=/d", ("https", "media.example.com", 8443, "/A%20b?c=/d")),
        ("https://media.example.com?x", ("https", "media.example.com", 443, "/?x")),
        ("https://[2606:4700::1]:1/x", ("https", "2606:4700::1", 1, "/x")),
        ("https://media.example.com/a@b:c\\d", ("https", "media.example.com", 443, "/a@b:c\\d")),
    ],
)
def test_address_is_read(url: str, parts: tuple[str, str, int, str]) -> None:
    found = MediaAddress.read(url, local=False)
    assert (found.scheme, found.host, found.port, found.target) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "media.example.com/x",
        "//media.example.com/x",
        "file:///etc/passwd",
        "ftp://media.example.com/x",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https:/media.example.com",
        "https://user@media.example.com/x",
        "https://user:password@media.example.com/x",
        "https://media.example.com@evil.example.com/x",
        "https://media.example.com\\@evil.example.com/x",
        "https://media.example.com/x#fragment",
        "https://media.example.com/x y",
        "https://media.example.com/x\r\nhost: evil.example.com",
        "https://media.example.com/x\n",
        " https://media.example.com/x",
        "https://media.example.com/\x00",
        "https://media.example.com/ü",
        "https://ｍedia.example.com/x",
        "https://media.example.com:/x",
        "https://media.example.com:0/x",
        "https://media.example.com:65536/x",
        "https://media.example.com:٣/x",
        "https://media.example.com:443:80/x",
        "https://[fe80::1%25eth0]/x",
        "https://[::1/x",
        "https://media%2eexample.com/x",
        "http://media.example.com/x",
        "http://127.0.0.1/x",
        "https://media.example.com/" + "x" * MAX_LENGTH,
    ],
)
def test_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DownloadFailed) as refused:
        MediaAddress.read(url, local=False)
    assert "evil" not in refused.value.reason
    assert "password" not in refused.value.reason


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]/x"])
def test_http_to_this_machine_is_allowed_where_the_api_is(url: str) -> None:
    assert MediaAddress.read(url, local=True).port == 80


def test_http_to_another_machine_is_never_allowed() -> None:
    with pytest.raises(DownloadFailed, match="not https"):
        MediaAddress.read("http://media.example.com/x", local=True)


@given(st.text(max_size=60) | st.text("htps:/[]@\\?#%.:0123456789abcx\t\n ", max_size=60).map("https://".__add__))
def test_what_is_read_is_what_was_written(url: str) -> None:
    try:
        found = MediaAddress.read(url, local=True)
    except DownloadFailed:
        return
    again = MediaAddress.read(f"{found.scheme}://{found.authority}{found.target}", local=True)
    assert found == again
    assert url.lower().startswith(f"{found.scheme}://{found.host}") or url.startswith("https://[")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/c?d", "/c?d"),
        ("c", "/a/c"),
        ("?e", "/a/b?e"),
        ("https://media.example.com/c", "/c"),
        ("https://MEDIA.example.com:443/c", "/c"),
        ("//media.example.com/c", "/c"),
    ],
)
def test_redirect_within_the_host_is_followed(location: str, target: str) -> None:
    found = START.redirected(location)
    assert (found.host, found.port, found.target) == ("media.example.com", 443, target)


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example.com/c",
        "//evil.example.com/c",
        "https://media.example.com:8443/c",
        "http://media.example.com/c",
        "http://127.0.0.1/c",
        "https://user@media.example.com/c",
        "https://media.example.com.evil.example.com/",
        "file:///etc/passwd",
        "https://[::1",
        "/ü",
        "/" + "x" * MAX_LENGTH,
    ],
)
def test_redirect_elsewhere_is_refused(location: str) -> None:
    with pytest.raises(DownloadFailed) as refused:
        START.redirected(location)
    assert "evil" not in refused.value.reason
