"""Pictures and videos from the API to files: type, size, preview, and what remains of a failure."""

import tracemalloc
from pathlib import Path

import anyio
import pytest

from mcp_grok.settings import Settings
from mcp_grok.upstream.media.download import PICTURE, VIDEO, Downloader
from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.media_files import PREVIEW_BYTES, MediaFile, MediaFiles
from mcp_grok.upstream.media.media_types import EXTENSIONS
from mcp_grok.upstream.media.output_folder import OutputFolder
from tests.replay import Exchange, Replay
from tests.upstream.media.samples import MP4, PNG, SAVED


def files_of(settings: Settings, folder: Path | None) -> MediaFiles:
    """The files of one folder."""
    return MediaFiles(Downloader(settings.endpoint), OutputFolder(folder) if folder else None)


async def downloaded(upstream: Replay, settings: Settings, folder: Path | None, content: bytes) -> MediaFile:
    """What is downloaded of some content."""
    upstream.answer(
        content, content_type="text/html", headers='content-disposition: attachment; filename="../x.sh"\r\n'
    )
    return await files_of(settings, folder).download(f"{upstream.base_url}/../../evil.sh", "grok-1", VIDEO)


@pytest.mark.parametrize("extension", SAVED)
async def test_name_is_ours_and_the_extension_is_of_the_content(
    upstream: Replay, settings: Settings, tmp_path: Path, extension: str
) -> None:
    content = SAVED[extension]
    file = await downloaded(upstream, settings, tmp_path, content)
    assert file.path == tmp_path.resolve() / f"grok-1.{extension}"
    assert file.path.read_bytes() == content
    assert (EXTENSIONS[file.media_type], file.size) == (extension, len(content))
    assert list(tmp_path.iterdir()) == [file.path]


async def test_picture_is_downloaded_once_for_file_and_preview(
    upstream: Replay, settings: Settings, tmp_path: Path
) -> None:
    assert (await downloaded(upstream, settings, tmp_path, PNG)).preview == PNG
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("more", [0, 1])
async def test_preview_has_a_limit(upstream: Replay, settings: Settings, tmp_path: Path, more: int) -> None:
    content = PNG.ljust(PREVIEW_BYTES + more, b"x")
    file = await downloaded(upstream, settings, tmp_path, content)
    assert file.preview == (None if more else content)
    assert file.path is not None
    assert file.path.read_bytes() == content


async def test_video_has_no_preview(upstream: Replay, settings: Settings, tmp_path: Path) -> None:
    assert (await downloaded(upstream, settings, tmp_path, MP4)).preview is None


async def test_preview_alone_is_received_without_a_folder(upstream: Replay, settings: Settings) -> None:
    assert await downloaded(upstream, settings, None, PNG) == MediaFile(None, "image/png", len(PNG), PNG)
    with pytest.raises(DownloadFailed, match="more than"):
        await downloaded(upstream, settings, None, PNG.ljust(PREVIEW_BYTES + 1))


@pytest.mark.parametrize("content", [b"", b"<html>evil</html>", b"#!/bin/sh\n", b'<svg onload="x"/>'])
async def test_other_content_is_not_saved(upstream: Replay, settings: Settings, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DownloadFailed, match="its content is none of png, jpg, webp, gif, mp4, webm"):
        await downloaded(upstream, settings, tmp_path / "folder", content)
    assert list(tmp_path.iterdir()) == []


async def test_other_content_is_not_received_to_its_end(upstream: Replay, settings: Settings, tmp_path: Path) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        while not exchange.closed.is_set():
            exchange.chunk(b"<html>" * 10_000)
            await exchange.writer.drain()

    upstream.behave = behave
    with pytest.raises(DownloadFailed, match="none of"):
        await files_of(settings, tmp_path).download(f"{upstream.base_url}/x", "grok-1", VIDEO)


async def test_file_that_is_cut_off_is_gone(upstream: Replay, settings: Settings, tmp_path: Path) -> None:
    upstream.stream(PNG.ljust(600_000), whole=False)
    with pytest.raises(DownloadFailed, match="broke"):
        await files_of(settings, tmp_path).download(f"{upstream.base_url}/x", "grok-1", PICTURE)
    assert list(tmp_path.iterdir()) == []


async def test_file_of_a_cancelled_call_is_gone(upstream: Replay, settings: Settings, tmp_path: Path) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(PNG.ljust(600_000))
        await exchange.closed.wait()

    upstream.behave = behave
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(files_of(settings, tmp_path).download, f"{upstream.base_url}/x", "grok-1", PICTURE)
        while not list(tmp_path.iterdir()):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert list(tmp_path.iterdir()) == []
    await (await upstream.exchanges.get()).closed.wait()


async def test_video_is_never_in_memory(upstream: Replay, settings: Settings, tmp_path: Path) -> None:
    async def behave(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(MP4)
        for _ in range(64):
            exchange.chunk(bytes(512 * 1024))
            await exchange.writer.drain()
        exchange.end()

    upstream.behave = behave
    tracemalloc.start()
    try:
        file = await files_of(settings, tmp_path).download(f"{upstream.base_url}/x", "grok-1", VIDEO)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert file.size == len(MP4) + 64 * 512 * 1024


async def test_picture_in_the_answer_is_saved(settings: Settings, tmp_path: Path) -> None:
    file = await files_of(settings, tmp_path).save(PNG, "grok-1-1")
    assert file == MediaFile(tmp_path.resolve() / "grok-1-1.png", "image/png", len(PNG), PNG)
    assert await files_of(settings, None).save(PNG, "grok-1-1") == MediaFile(None, "image/png", len(PNG), PNG)
    with pytest.raises(DownloadFailed, match="none of"):
        await files_of(settings, tmp_path).save(b"text", "grok-1-1")
