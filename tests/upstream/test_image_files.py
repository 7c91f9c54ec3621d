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

from mcp_grok.errors import InvalidRequest
from mcp_grok.settings import Settings
from mcp_grok.upstream import image_files
from mcp_grok.upstream.request import read_request

CONTENTS = {
    "image/png": b"\x89PNG\r\n\x1a\n" + b"pixels",
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"pixels and more",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "image/gif": b"GIF89a" + b"pixels",
}
PNG = CONTENTS["image/png"]
PLACE = "messages[0].content[0].image_url.url"

OUTSIDE = f"{PLACE} is not inside the folders of MCP_GROK_ALLOWED_DIRS, so it is not looked at."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose images may be sent, beside one whose may not."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "cat.png").write_bytes(PNG)
    (tmp_path / "open").mkdir()
    return tmp_path / "open"


@pytest.fixture
def opened_files() -> Iterator[list[str]]:
    """The names of what is opened meanwhile."""
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
    body = json.loads(read_request({"messages": messages(*urls, role=role)}, settings).body)
    parts = body["messages"][0]["content"]
    assert all(part["image_url"]["detail"] == "low" for part in parts)
    return [part["image_url"]["url"] for part in parts]


def refusal(folder: Path | None, *urls: str, provider: str = "acedata") -> str:
    """What is said to an image that is not sent."""
    began = time.monotonic()
    with pytest.raises(InvalidRequest) as caught:
        sent(folder, *urls, provider=provider)
    assert time.monotonic() - began < 1
    told = caught.value.as_dict()
    assert (told["code"], told["billed"]) == ("invalid_request", "no")
    assert told["param"].startswith("messages[0].content[")
    return str(told["message"])


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("name", ["cat", "cat.png", "cat.txt", "a cat & ä.jpeg", "100%25.gif"])
def test_an_image_in_an_allowed_folder_is_sent_by_its_content_whatever_its_name(
    folder: Path, kind: str, name: str
) -> None:
    path = folder / "sub" / name
    path.parent.mkdir()
    path.write_bytes(CONTENTS[kind])
    expected = f"data:{kind};base64,{base64.b64encode(CONTENTS[kind]).decode()}"
    assert sent(folder, str(path), path.as_uri(), "https://example.com/a.png") == [
        expected,
        expected,
        "https://example.com/a.png",
    ]


def test_an_image_in_a_tools_message_is_sent_too(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    assert sent(folder, str(folder / "cat.png"), role="tool")[0].startswith("data:image/png;base64,")


def test_the_home_folder_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "cat.png").write_bytes(PNG)
    assert Settings(allowed_dirs="~").endpoint.image_folders == (folder,)
    assert sent(folder, "~/cat.png")[0].startswith("data:image/png")


def test_several_folders_may_be_open_and_one_of_them_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "cat.png").write_bytes(PNG)
    both = Path(f"{tmp_path / 'nowhere'}{os.pathsep}{tmp_path / 'link'}")
    assert sent(both, str(tmp_path / "link" / "cat.png"), str(folder / "cat.png"))


def test_a_link_inside_the_folder_to_an_image_inside_is_followed(folder: Path) -> None:
    (folder / "cat.png").write_bytes(PNG)
    (folder / "link.png").symlink_to("cat.png")
    assert sent(folder, str(folder / "link.png"))


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    "how", ["path", "dots", "link", "link to the folder", "uri", "encoded", "other host", "parent"]
)
def test_nothing_outside_is_opened_and_nobody_learns_whether_it_is_there(
    folder: Path, tmp_path: Path, opened_files: list[str], how: str, there: bool
) -> None:
    secret = tmp_path / "secret" / ("cat.png" if there else "dog.png")
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


def test_a_folder_whose_name_begins_like_an_open_one_is_not_open(folder: Path) -> None:
    other = folder.with_name("open-not")
    other.mkdir()
    (other / "cat.png").write_bytes(PNG)
    assert refusal(folder, str(other / "cat.png")) == OUTSIDE


def test_without_an_open_folder_the_error_says_how_to_open_one(opened_files: list[str]) -> None:
    message = refusal(None, "/etc/passwd")
    assert "set MCP_GROK_ALLOWED_DIRS" in message
    assert opened_files == []


def test_a_pipe_is_refused_without_being_opened(folder: Path, opened_files: list[str]) -> None:
    os.mkfifo(folder / "pipe.png")
    assert refusal(folder, str(folder / "pipe.png")) == f"{PLACE} cannot be read: it is not a regular file."
    assert "pipe.png" not in opened_files


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty"])
def test_a_device_is_refused_without_being_opened(device: str, opened_files: list[str]) -> None:
    assert refusal(Path("/dev"), device) == f"{PLACE} cannot be read: it is not a regular file."
    assert Path(device).name not in opened_files


def test_a_socket_and_a_folder_are_refused(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "s"))
        assert refusal(folder, str(folder / "s")).endswith("it is not a regular file.")
    assert refusal(folder, str(folder)).endswith("it is not a regular file.")


def test_a_file_of_four_gigabytes_is_refused_at_once(folder: Path) -> None:
    with (folder / "large.png").open("wb") as file:
        file.write(PNG)
        file.truncate(4 * 1024**3)
    assert "has 4294967296 bytes, and an image may have 20971520" in refusal(folder, str(folder / "large.png"))


def test_text_that_is_called_a_picture_is_refused(folder: Path) -> None:
    (folder / "cat.png").write_text("root:x:0:0", encoding="utf-8")
    message = refusal(folder, str(folder / "cat.png"))
    assert message.startswith(f"{PLACE} holds no image, whatever its name says; send one of image/png, ")
    (folder / "empty.png").touch()
    assert "holds no image" in refusal(folder, str(folder / "empty.png"))


@pytest.mark.parametrize("kind", ["image/webp", "image/gif"])
def test_a_kind_that_the_provider_does_not_take_is_refused(folder: Path, kind: str) -> None:
    (folder / "cat").write_bytes(CONTENTS[kind])
    message = refusal(folder, str(folder / "cat"), provider="xai")
    assert message == f"{PLACE} is {kind}, which is not taken here; send one of image/png, image/jpeg."


def test_what_is_missing_in_an_open_folder_is_said_to_be_missing(folder: Path) -> None:
    assert refusal(folder, str(folder / "no.png")) == f"{PLACE} cannot be read: No such file or directory."
    assert "cannot be read" in refusal(folder, f"{folder}/a\0b")


def test_more_files_than_go_into_a_call_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "cat.png").write_bytes(PNG)
    paths = [str(folder / "cat.png")] * (image_files.MAX_IMAGES + 1)
    assert len(sent(folder, *paths[1:])) == image_files.MAX_IMAGES
    assert "at most 20 image files go into one call" in refusal(folder, *paths)
    monkeypatch.setattr(image_files, "MAX_TOTAL_BYTES", 2 * len(PNG))
    assert "may have 28 bytes together" in refusal(folder, *paths[:3])


@pytest.mark.parametrize("url", ["cat.png", "./cat.png", "http://example.com/cat.png", "ftp://a/cat.png"])
def test_what_is_neither_an_address_nor_a_whole_path_is_refused(folder: Path, url: str) -> None:
    assert "must be an https URL, a data:image/…;base64,… URI, or the whole path of a file" in refusal(folder, url)
