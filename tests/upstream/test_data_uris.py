"""Images in data URIs: what is sent, and what is refused."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.limits import MAX_IMAGE_BYTES
from mcp_grok.settings import Settings
from mcp_grok.upstream.images import LONG, hold_long_images, with_images
from mcp_grok.upstream.request import read_request
from tests.upstream.refusal import refusal_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"?"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(255, 0, -1))
PATH = "messages[0].content[0].image_url.url"


def encoded(content: bytes) -> str:
    """The content in base64."""
    return base64.b64encode(content).decode()


def uri(content: bytes, label: str = "image/png") -> str:
    """The content in a data URI."""
    return f"data:{label};base64,{encoded(content)}"


def messages(*urls: Any) -> list[dict[str, Any]]:
    """A conversation of one message with images."""
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}} for url in urls]}]


def sent(url: str, provider: str = "xai") -> str:
    """The address of an image as it is sent."""
    body = json.loads(read_request({"messages": messages(url)}, Settings(provider=provider).endpoint).body)
    address: str = body["messages"][0]["content"][0]["image_url"]["url"]
    return address


def refusal(url: str, provider: str = "xai") -> str:
    """The message of the error for an image that is not sent."""
    message, param = refusal_of(lambda: sent(url, provider))
    assert param == PATH
    return message.removeprefix(f"{PATH} ")


@pytest.mark.parametrize("url", [uri(PNG), uri(JPEG, "image/jpeg"), "https://example.com/a.webp"])
def test_address_that_every_api_reads_is_unchanged(url: str) -> None:
    assert sent(url) == url


@pytest.mark.parametrize(
    "url",
    [
        uri(PNG, "image/jpg"),
        uri(PNG, "image/webp"),
        uri(PNG, "application/octet-stream"),
        uri(PNG, ""),
        uri(PNG, "image/png;charset=utf-8"),
        uri(PNG, 'image/png;name="a.png"'),
        uri(PNG).replace("data:image/png;base64", "DATA:IMAGE/PNG;BASE64"),
        uri(PNG).replace(";base64", "; base64"),
        uri(PNG).replace(";base64", ""),
        f" \n{uri(PNG)}\n",
        uri(PNG).rstrip("="),
        f"{uri(PNG)}==",
        uri(PNG).replace("+", "-").replace("/", "_").replace("image_png", "image/png"),
        re.sub("(.{76})", "\\1\r\n", encoded(PNG)).join(["data:image/png;base64,", ""]),
        f"data:image/png;base64,{quote(encoded(PNG), safe='')}",
        f"data:image/png;base64,{encoded(PNG)[:40]}%0A{encoded(PNG)[40:]}",
        f"data:image/png,{quote(PNG)}",
    ],
)
def test_image_in_another_spelling_is_sent_in_plain_base64_with_its_own_type(url: str) -> None:
    assert len(PNG) % 3
    assert sent(url) == uri(PNG)


@given(st.binary(max_size=40), st.integers(0, 60), st.sampled_from(["\n", " ", "\r\n", "\t"]), st.booleans())
def test_image_is_read_whatever_its_spelling(rest: bytes, at: int, space: str, padded: bool) -> None:
    image = JPEG[:20] + rest
    text = encoded(image) if padded else encoded(image).rstrip("=")
    url = f"data:image/png;base64,{text[:at]}{space}{text[at:]}"
    [message] = with_images(messages(url), Settings(provider="xai").endpoint)
    assert message["content"][0]["image_url"]["url"] == uri(image, "image/jpeg")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"\0\0\0\x18ftypmif1", "image/heic"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"BM\x46\0", "image/bmp"),
        (b"MM\0*", "image/tiff"),
        (b"%PDF-1.7", "application/pdf"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    ],
)
@pytest.mark.parametrize("label", ["image/png", ""])
def test_type_that_the_provider_does_not_take_is_refused(content: bytes, found: str, label: str) -> None:
    assert refusal(uri(content, label)) == (
        f"is {found}, which the provider does not accept; send one of image/png, image/jpeg."
    )


def test_type_is_accepted_where_the_provider_takes_it() -> None:
    webp = b"RIFF\x10\0\0\0WEBPVP8 "
    assert sent(uri(webp), "acedata") == uri(webp, "image/webp")
    assert refusal(uri(b"%PDF-1.7"), "acedata").startswith("is application/pdf, which the provider does not accept")


def test_svg_as_plain_text_is_refused_by_its_type() -> None:
    assert refusal("data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'/>").startswith("is image/svg+xml")


@pytest.mark.parametrize("label", ["image/png", "text/plain"])
def test_content_that_is_no_image_is_refused(label: str) -> None:
    assert refusal(uri(b"Hello", label)).startswith("is not an image, by its content; send one of image/png, ")


@pytest.mark.parametrize("data", ["@@not base64@@", "iVBORw0KGgo=iVBORw0KGgo=", "iVBOR", "bild-ä", "<base64>"])
def test_data_that_is_not_base64_is_refused_with_what_to_do(data: str) -> None:
    assert refusal(f"data:image/png;base64,{data}") == (
        "is not base64 after the comma; encode the bytes of the image as base64, or give an https URL."
    )


@pytest.mark.parametrize("data", ["", " ", "\n"])
def test_uri_without_data_is_refused(data: str) -> None:
    assert refusal(f"data:image/png;base64,{data}") == "is a data URI without data."


def test_image_has_the_limit_of_files() -> None:
    largest = PNG + bytes(MAX_IMAGE_BYTES - len(PNG))
    assert sent(uri(largest)) == uri(largest)
    assert refusal(uri(largest + b"\0")).startswith(f"has {MAX_IMAGE_BYTES + 1} bytes, and an image may have ")


def test_images_together_have_a_limit() -> None:
    endpoint = Settings(provider="xai").endpoint
    message, param = refusal_of(
        lambda: with_images(messages(uri(PNG), uri(JPEG)), endpoint, max_total_bytes=len(PNG) + len(JPEG) - 1)
    )
    assert "the images of one call may have" in message
    assert param == "messages[0].content[1].image_url.url"


def test_only_long_images_are_read_in_a_thread() -> None:
    long = uri(PNG) + "A" * LONG
    for conversation in (messages(long), json.dumps(messages(long)), [json.dumps(messages(long)[0])]):
        assert hold_long_images(conversation)
    shorthand = [{"role": "user", "content": [{"type": "image_url", "image_url": long}]}]
    assert hold_long_images(shorthand)
    short: tuple[Any, ...] = (messages(uri(PNG)), None, 7, [7], [{"role": "user", "content": None}], [[[[[[[long]]]]]]])
    for conversation in short:
        assert not hold_long_images(conversation)
