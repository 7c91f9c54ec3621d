"""Images in files: those in the allowed folders are sent, and nothing else is ever opened."""

import base64
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_grok.limits import MAX_IMAGES
from mcp_grok.settings import Settings
from mcp_grok.upstream.images import with_images
from mcp_grok.upstream.messages import IMAGE_ADDRESS
from mcp_grok.upstream.request import read_request
from tests.upstream.refusal import refusal_of

CONTENTS = {
    "image/png": b"\x89PNG\r\n\x1a\n" + b"pixels",
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"pixels and more",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "image/gif": b"GIF89a" + b"pixels",
}
PNG = CONTENTS["image/png"]
URL_PATH = "messages[0].content[0].image_url.url"

OUTSIDE = f"{URL_PATH} is not inside the folders of MCP_GROK_ALLOWED_DIRS, so it was not opened."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An allowed folder, beside one that is not allowed."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "cat.png").write_bytes(PNG)
    (tmp_path / "open").mkdir()
    return tmp_path / "open"


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """The names of the files and folders that are opened during the test."""
    names: list[str] = []
    WATCHERS.append(names.append)
    yield names
    WATCHERS.clear()


WATCHERS: list[Callable[[str], None]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        for watcher in WATCHERS:
            watcher(str(arguments[0]))


sys.addaudithook(_watch)


def messages(*urls: str, role: str = "user") -> list[dict[str, Any]]:
    """A conversation of one message with images."""
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return [{"role": role, "content": parts, "tool_call_id": "call_1"}]


def sent(folder: Path | None, *urls: str, provider: str = "acedata", role: str = "user") -> list[str]:
    """The addresses of the images as they are sent."""
    settings = Settings(provider=provider, allowed_dirs=str(folder or ""))
    body = json.loads(read_request({"messages": messages(*urls, role=role)}, settings.endpoint).body)
    parts = body["messages"][0]["content"]
    assert all(part["image_url"]["detail"] == "low" for part in parts)
    return [part["image_url"]["url"] for part in parts]


def refusal(folder: Path | None, *urls: str, provider: str = "acedata") -> str:
    """The message of the error for an image that is not sent."""
    began = time.monotonic()
    message, param = refusal_of(lambda: sent(folder, *urls, provider=provider))
    assert time.monotonic() - began < 1
    assert param.startswith("messages[0].content[")
    return message


@pytest.mark.parametrize("image_type", CONTENTS)
@pytest.mark.parametrize("name", ["cat", "cat.png", "cat.txt", "a cat & ä.jpeg", "100%25.gif"])
def test_type_of_image_comes_from_content(folder: Path, image_type: str, name: str) -> None:
    path = folder / "sub" / name
    path.parent.mkdir()
    path.write_bytes(CONTENTS[image_type])
    expected = f"data:{image_type};base64,{base64.b64encode(CONTENTS[image_type]).decode()}"
    assert sent(folder, str(path), path.as_uri(), "https://example.com/a.png") == [
        expected,
        expected,
        "https://example.com/a.png",
    ]


def test_image_in_tool_message_is_sent(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    assert sent(folder, str(folder / "cat.png"), role="tool")[0].startswith("data:image/png;base64,")


def test_tilde_is_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "cat.png").write_bytes(PNG)
    assert Settings(allowed_dirs="~").endpoint.image_folders == (folder,)
    assert sent(folder, "~/cat.png")[0].startswith("data:image/png")


def test_several_folders_and_a_link_may_be_allowed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "cat.png").write_bytes(PNG)
    both = Path(f"{tmp_path / 'nowhere'}{os.pathsep}{tmp_path / 'link'}")
    assert sent(both, str(tmp_path / "link" / "cat.png"), str(folder / "cat.png"))


def test_link_within_folder_is_followed(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    (folder / "link.png").symlink_to("cat.png")
    assert sent(folder, str(folder / "link.png"))


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    "how", ["path", "dots", "link", "link to the folder", "uri", "encoded", "other host", "parent"]
)
def test_file_outside_is_not_opened_and_its_existence_not_revealed(
    folder: Path, tmp_path: Path, opened_files: list[str], how: str, exists: bool
) -> None:
    secret = tmp_path / "secret" / ("cat.png" if exists else "dog.png")
    (folder / "link.png").symlink_to(secret)
    (folder / "way").symlink_to(secret.parent)
    urls = {
        "path": str(secret),
        "dots": f"{folder}/../secret/{secret.name}",
        "link": str(folder / "link.png"),
        "link to the folder": f"{folder}/way/{secret.name}",
        "uri": secret.as_uri(),
        "encoded": f"file://{folder}/%2e%2e/secret/{secret.name}",
        "other host": f"file://example.com{folder}/{secret.name}",
        "parent": str(folder.parent),
    }
    assert refusal(folder, urls[how]) == OUTSIDE
    assert not [name for name in opened_files if str(tmp_path) in name or name == secret.name]


def test_folder_with_same_name_prefix_is_outside(folder: Path) -> None:
    other = folder.with_name("open-not")
    other.mkdir()
    (other / "cat.png").write_bytes(PNG)
    assert refusal(folder, str(other / "cat.png")) == OUTSIDE


def test_error_without_allowed_folder_names_the_setting(opened_files: list[str]) -> None:
    message = refusal(None, "/etc/passwd")
    assert "set MCP_GROK_ALLOWED_DIRS" in message
    assert opened_files == []


def test_pipe_is_refused_without_being_opened(folder: Path, opened_files: list[str]) -> None:
    os.mkfifo(folder / "pipe.png")
    assert refusal(folder, str(folder / "pipe.png")) == f"{URL_PATH} cannot be read: it is not a regular file."
    assert "pipe.png" not in opened_files


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty"])
def test_device_is_refused_without_being_opened(device: str, opened_files: list[str]) -> None:
    assert refusal(Path("/dev"), device) == f"{URL_PATH} cannot be read: it is not a regular file."
    assert Path(device).name not in opened_files


def test_socket_and_folder_are_refused(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "s"))
        assert refusal(folder, str(folder / "s")).endswith("it is not a regular file.")
    assert refusal(folder, str(folder)).endswith("it is not a regular file.")


def test_file_of_4_gigabytes_is_refused_at_once(folder: Path) -> None:
    with (folder / "large.png").open("wb") as file:
        file.write(PNG)
        file.truncate(4 * 1024**3)
    assert "has 4294967296 bytes, and an image may have 20971520" in refusal(folder, str(folder / "large.png"))


def test_text_with_image_name_is_refused(folder: Path) -> None:
    (folder / "cat.png").write_text("root:x:0:0", encoding="utf-8")
    message = refusal(folder, str(folder / "cat.png"))
    assert message.startswith(f"{URL_PATH} is not an image, by its content; send one of image/png, ")
    (folder / "empty.png").touch()
    assert "is not an image" in refusal(folder, str(folder / "empty.png"))


@pytest.mark.parametrize("image_type", ["image/webp", "image/gif"])
def test_type_that_the_provider_does_not_take_is_refused(folder: Path, image_type: str) -> None:
    (folder / "cat").write_bytes(CONTENTS[image_type])
    message = refusal(folder, str(folder / "cat"), provider="xai")
    assert (
        message == f"{URL_PATH} is {image_type}, which the provider does not accept; send one of image/png, image/jpeg."
    )


def test_missing_file_in_allowed_folder_is_refused(folder: Path) -> None:
    assert refusal(folder, str(folder / "no.png")) == f"{URL_PATH} cannot be read: no such file or directory."
    assert "cannot be read" in refusal(folder, f"{folder}/a\0b")


def test_more_than_20_files_are_refused(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    paths = [str(folder / "cat.png")] * (MAX_IMAGES + 1)
    assert len(sent(folder, *paths[1:])) == MAX_IMAGES
    assert "a call may have at most 20 image files" in refusal(folder, *paths)


def test_more_bytes_than_allowed_together_are_refused(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    given = messages(*[str(folder / "cat.png")] * 3)
    endpoint = Settings(allowed_dirs=str(folder)).endpoint
    message, param = refusal_of(lambda: with_images(given, endpoint, max_total_bytes=2 * len(PNG)))
    assert "may have 28 bytes together" in message
    assert param == "messages[0].content[2].image_url.url"


@pytest.mark.parametrize("url", ["cat.png", "./cat.png", "http://example.com/cat.png", "ftp://a/cat.png"])
def test_other_address_is_refused(folder: Path, url: str) -> None:
    assert f"must be {IMAGE_ADDRESS}" in refusal(folder, url)
