"""The store on disk: processes that share its folder, failures of the disk, and who may open it."""

import asyncio
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from mcp_grok.calls import Delivery
from mcp_grok.calls.local_store import LocalStore, open_local_store
from mcp_grok.calls.process_lock import ProcessLock
from mcp_grok.calls.sqlite_table import DATABASE
from mcp_grok.calls.store import Bounds
from mcp_grok.errors import InternalError, NotConfigured, NotFound
from mcp_grok.upstream.completion import Completion
from tests.calls.conftest import Opened
from tests.calls.servers import claimed, ended, new_call
from tests.chat import GET, body_of, completion
from tests.process import environment, server_process
from tests.replay import COMPLETION, Held, Replay


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store on disk."""
    return f"disk:{tmp_path / 'store'}"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The database of the store."""
    return tmp_path / "store" / DATABASE


async def test_call_of_another_process_is_neither_lost_nor_found(open_store: Opened) -> None:
    async with open_store() as running, open_store() as other:
        call = new_call(running)
        await running.insert(call, None)
        assert await other.claim("?", None) == (None, [])
        with pytest.raises(NotFound, match="Another server process"):
            await other.find(call.id)


async def test_row_claimed_by_another_process_is_not_written(open_store: Opened) -> None:
    async with open_store() as one, open_store() as other:
        call = await ended(one)
        assert await claimed(other) == call.id
        call.delivery, call.id_given = Delivery.DELIVERED, False
        await one.sync(call)
        assert await other.find(call.id) is not None
        assert await claimed(one) is None


async def test_call_that_cannot_be_written_stays_in_memory(
    open_store: Opened, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store() as store:
        with sqlite3.connect(database) as other:
            other.execute("DROP TABLE calls")
        call = await ended(store)
        assert await claimed(store) == call.id
    assert "the store failed" in caplog.text
    assert "Yo!" not in caplog.text


async def test_answer_that_a_full_disk_refuses_is_claimed(open_store: Opened, database: Path) -> None:
    async with open_store() as store:
        with sqlite3.connect(database) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF outcome ON calls BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        call = await ended(store)
        assert await claimed(store) == call.id


async def test_unreadable_disk_does_not_count_as_empty(open_store: Opened, database: Path) -> None:
    async with open_store() as store:
        with sqlite3.connect(database) as other:
            other.execute("DROP TABLE calls")
        with pytest.raises(InternalError, match="cannot be read"):
            await store.find("grok-x")
        assert await store.claim("?", None) == (None, [])


async def test_unreadable_record_fails_its_call_alone(open_store: Opened, database: Path) -> None:
    async with open_store() as store:
        broken, whole = await ended(store), await ended(store)
        with sqlite3.connect(database) as other:
            other.execute("UPDATE calls SET outcome = x'7b7d' WHERE id = ?", (broken.id,))
        found = await store.find(broken.id)
        assert found is not None
        assert isinstance(found.outcome, InternalError)
        assert await store.claim("?", None) == (None, [{"id": broken.id, "billed": "unknown"}])
        assert await claimed(store) == whole.id


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_folder_belongs_to_its_user_alone(open_store: Opened, tmp_path: Path) -> None:
    async with open_store():
        assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    (tmp_path / "store").chmod(0o750)
    with pytest.raises(NotConfigured, match="chmod 700"):
        async with open_store():
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
async def test_folder_of_another_user_is_refused(open_store: Opened, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    os.chown(tmp_path / "store", 12345, 12345)
    with pytest.raises(NotConfigured, match="belongs to another user"):
        async with open_store():
            pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
async def test_database_of_another_user_is_refused(open_store: Opened, tmp_path: Path) -> None:
    async with open_store():
        pass
    os.chown(tmp_path / "store" / DATABASE, 12345, 12345)
    with pytest.raises(NotConfigured, match="belongs to another user"):
        async with open_store():
            pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_pipe_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "store" / DATABASE)
    with pytest.raises(NotConfigured, match=r"MCP_GROK_STORE: .* cannot be used"):
        async with open_local_store(tmp_path / "store"):
            pass


async def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotConfigured, match=r"MCP_GROK_STORE: .* cannot be used"):
        async with open_local_store(tmp_path / "file"):
            pass


async def test_damaged_database_is_refused_and_leaves_no_lock(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o700)
    (folder / DATABASE).write_bytes(os.urandom(4096))
    with pytest.raises(NotConfigured, match="cannot be used"):
        async with open_local_store(folder):
            pass
    assert not list(folder.glob("*.lock"))


OPEN = """
import sys
from pathlib import Path
from mcp_grok.calls.sqlite_table import CallTable
print("ready", flush=True)
for folder in sys.stdin:
    CallTable(Path(folder.strip()))
    print("open", flush=True)
"""


async def test_processes_open_a_fresh_folder_at_the_same_moment(tmp_path: Path) -> None:
    async def next_line(process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None
        return await process.stdout.readline()

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", OPEN, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(5)
    ]
    assert await asyncio.gather(*map(next_line, processes)) == [b"ready\n"] * 5
    for attempt in range(5):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / str(attempt)}\n".encode())
        assert await asyncio.gather(*map(next_line, processes)) == [b"open\n"] * 5
    for process in processes:
        await process.communicate(b"")


def test_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    one, other = ProcessLock(tmp_path), ProcessLock(tmp_path)
    assert one.is_alive(one.name)
    assert one.is_alive(other.name)
    other.close()
    assert not one.is_alive(other.name)
    (tmp_path / "killed.lock").touch()
    assert not one.is_alive("killed")
    assert [path.stem for path in tmp_path.iterdir()] == [one.name]


@pytest.mark.parametrize("end", ["killed", "stdin closed"])
async def test_call_cut_by_the_end_of_its_server_is_lost(upstream: Replay, tmp_path: Path, end: str) -> None:
    held = Held(upstream)
    given = environment(upstream, store=f"disk:{tmp_path / 'store'}")
    async with server_process({**given, "MCP_GROK_HANDOFF_AFTER": "0.05"}) as server:
        pending = body_of(await server.grok())
        await upstream.exchanges.get()
        if end == "killed":
            server.process.kill()
        else:
            server.close_stdin()
        await server.process.wait()
    held.release.set()
    async with server_process(given) as server:
        result = await server.request("tools/call", {"name": GET, "arguments": {"id": pending["id"]}})
        assert result["isError"]
        error = body_of(result)["error"]
        assert (error["code"], error["billed"]) == ("lost", "unknown")
        again = await server.grok()
        assert body_of(again) == COMPLETION
        assert again["_meta"]["mcp-grok/lost"] == [{"id": pending["id"], "billed": "unknown"}]
        assert "mcp-grok/lost" not in (await server.grok())["_meta"]
    assert len(upstream.requests) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is read as Linux shows it")
async def test_bound_of_bytes_bounds_the_memory_of_the_process() -> None:
    psutil = pytest.importorskip("psutil")
    bound = 48 * 2**20
    store = LocalStore(bounds=Bounds(bytes=bound))
    before = psutil.Process().memory_info().rss
    for number in range(120):
        body = completion(f"{number} " + "é" * 400_000)
        await ended(store, str(number), outcome=Completion(body, size=800_000))
    # And a few copies of an answer that is on its way.
    assert psutil.Process().memory_info().rss - before < bound + 20 * 800_000
    store.close()
