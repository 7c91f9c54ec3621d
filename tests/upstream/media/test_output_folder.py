"""The output folder: whole files of its user, and nothing overwritten."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import anyio
import pytest

from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.output_folder import MAX_SAME_NAME, OutputFolder

posix = pytest.mark.skipif(sys.platform == "win32", reason="the modes, owners and links of POSIX")


async def save(folder: Path, content: bytes = b"content", name: str = "grok-1") -> Path:
    """The path of a new file."""
    async with OutputFolder(folder).new_file() as file:
        await file.write(content)
        return await file.keep(name, "png")


async def reason(folder: Path, content: bytes = b"content") -> str:
    """Why a file is not saved."""
    with pytest.raises(DownloadFailed) as failed:
        await save(folder, content)
    return failed.value.reason


async def test_file_has_its_name_and_content(tmp_path: Path) -> None:
    path = await save(tmp_path)
    assert path == tmp_path.resolve() / "grok-1.png"
    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


async def test_file_is_written_in_pieces(tmp_path: Path) -> None:
    async with OutputFolder(tmp_path).new_file() as file:
        for piece in (b"a", b"", b"bc"):
            await file.write(piece)
        assert (await file.keep("grok-1", "mp4")).read_bytes() == b"abc"


@posix
async def test_missing_folder_is_made_for_its_user_only(tmp_path: Path) -> None:
    path = await save(tmp_path / "new" / "folder")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_folder_is_not_made_before_there_is_a_file(tmp_path: Path) -> None:
    async with OutputFolder(tmp_path / "new").new_file():
        pass
    assert list(tmp_path.iterdir()) == []


def test_check_leaves_nothing(tmp_path: Path) -> None:
    OutputFolder(tmp_path / "new" / "folder").check()
    OutputFolder(tmp_path).check()
    assert list(tmp_path.iterdir()) == []


def test_check_fails_where_nothing_can_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadFailed, match="it is not a folder"):
        OutputFolder(tmp_path / "file").check()
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


async def test_name_in_use_gets_a_number(tmp_path: Path) -> None:
    paths = [await save(tmp_path, b"%d" % number) for number in range(3)]
    assert [path.name for path in paths] == ["grok-1.png", "grok-1-2.png", "grok-1-3.png"]
    assert [path.read_bytes() for path in paths] == [b"0", b"1", b"2"]


async def test_numbers_end(tmp_path: Path) -> None:
    (tmp_path / "grok-1.png").touch()
    for number in range(2, MAX_SAME_NAME + 1):
        (tmp_path / f"grok-1-{number}.png").touch()
    assert f"{MAX_SAME_NAME} files of this name" in await reason(tmp_path)
    assert len(list(tmp_path.iterdir())) == MAX_SAME_NAME


async def test_files_that_are_saved_at_once_are_all_kept(tmp_path: Path) -> None:
    contents = [b"%d" % number * 100_000 for number in range(8)]
    async with anyio.create_task_group() as tasks:
        for content in contents:
            tasks.start_soon(save, tmp_path, content)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == contents


@posix
@pytest.mark.parametrize("target", ["missing", "file", "folder"])
async def test_link_of_the_name_is_neither_followed_nor_replaced(tmp_path: Path, target: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    folder.mkdir()
    if target == "file":
        outside.write_bytes(b"mine")
    elif target == "folder":
        outside.mkdir()
    (folder / "grok-1.png").symlink_to(outside)
    assert (await save(folder)).name == "grok-1-2.png"
    assert (folder / "grok-1.png").readlink() == outside
    assert outside.exists() == (target != "missing")
    assert target != "file" or outside.read_bytes() == b"mine"


async def test_folder_of_the_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "grok-1.png").mkdir()
    assert (await save(tmp_path)).name == "grok-1-2.png"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a.b", "-a", "a\0", "a\n", "ä", "x" * 101])
async def test_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a file"):
        await save(tmp_path / "folder", name=name)
    assert list(tmp_path.rglob("*.*")) == []


async def test_file_that_is_not_kept_is_gone(tmp_path: Path) -> None:
    async with OutputFolder(tmp_path).new_file() as file:
        await file.write(b"content")
        [temporary] = tmp_path.iterdir()
        assert temporary.name.startswith(".mcp-grok.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", ["scope", "task"])
async def test_cancelled_file_is_gone(tmp_path: Path, cut: str) -> None:
    async def write_on() -> None:
        async with OutputFolder(tmp_path).new_file() as file:
            while True:
                await file.write(b"content")
                begun.set()

    begun = anyio.Event()
    if cut == "scope":
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write_on)
            await begun.wait()
            tasks.cancel_scope.cancel()
    else:
        task = asyncio.create_task(write_on())
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
    assert list(tmp_path.iterdir()) == []


async def test_write_after_the_end_leaves_nothing(tmp_path: Path) -> None:
    async with OutputFolder(tmp_path).new_file() as file:
        pass
    with pytest.raises(DownloadFailed):
        await file.write(b"content")
    assert list(tmp_path.iterdir()) == []


async def test_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert await reason(tmp_path / "file") == "the output folder cannot be used (it is not a folder)"
    assert "not a directory" in await reason(tmp_path / "file" / "folder")


@posix
async def test_links_of_the_folder_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "missing")
    for name in ("loop", "dangling"):
        assert await reason(tmp_path / name) == "the output folder cannot be used (it is not a folder)"
    assert not (tmp_path / "missing").exists()


@posix
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a folder away")
async def test_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, -1)
    assert await reason(tmp_path) == "the output folder cannot be used (it belongs to another user)"
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
async def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert await reason(tmp_path) == "the output folder cannot be used (permission denied)"


async def test_folder_that_is_removed_meanwhile_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    async with OutputFolder(folder).new_file() as file:
        await file.write(b"content")
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        with pytest.raises(DownloadFailed, match="no such file"):
            await file.keep("grok-1", "png")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path

import anyio

from mcp_grok.upstream.media.download_failed import DownloadFailed
from mcp_grok.upstream.media.output_folder import OutputFolder

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

async def main() -> None:
    async with OutputFolder(Path(sys.argv[1])).new_file() as file:
        try:
            for _ in range(int(sys.argv[2])):
                await file.write(bytes(100_000))
            await file.keep("grok-1", "png")
        except DownloadFailed as failed:
            print(failed.reason)

anyio.run(main)
"""


@posix
@pytest.mark.parametrize("pieces", [4, 30])
async def test_full_disk_leaves_nothing(tmp_path: Path, pieces: int) -> None:
    done = await anyio.run_process([sys.executable, "-c", FULL_DISK, str(tmp_path), str(pieces)])
    assert done.stdout.decode() == "the output folder cannot be used (file too large)\n"
    assert list(tmp_path.iterdir()) == []
