"""Ended calls on disk: they outlive the server. JSON in SQLite, in a folder that only its user can read."""

import json
import logging
import os
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio

from mcp_grok.completions.call import Call, Outcome
from mcp_grok.completions.memory import MemoryStore
from mcp_grok.completions.outcomes import read, written
from mcp_grok.completions.owner import Owner
from mcp_grok.completions.store import BOUNDS, Bounds
from mcp_grok.errors import InternalError, Lost, NotConfigured, NotFound
from mcp_grok.upstream.completion import Completion

logger = logging.getLogger(__name__)

ON_ITS_WAY = 2
"""Stands in `abandoned` for an outcome that its server is about to deliver; the view knows it, too."""

DATABASE = "completions.sqlite"

BUSY_TIMEOUT = 1.0
"""Seconds to wait for another process that is writing."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,      -- the process that runs or ran it
    question TEXT NOT NULL,
    caller TEXT NOT NULL,
    model TEXT NOT NULL,
    began_at REAL NOT NULL,
    ended_at REAL,            -- NULL while it runs
    abandoned INTEGER NOT NULL,  -- or 2: on its way to whoever waits
    answered INTEGER NOT NULL,
    size INTEGER NOT NULL,
    notes TEXT NOT NULL,
    outcome TEXT              -- NULL while it runs, and for a call that was lost
);
CREATE INDEX IF NOT EXISTS calls_by_question ON calls (question) WHERE abandoned;
CREATE INDEX IF NOT EXISTS calls_by_end ON calls (ended_at);
CREATE VIEW IF NOT EXISTS undelivered AS SELECT id, owner FROM calls WHERE ended_at IS NULL OR abandoned = 2;
"""
Result = TypeVar("Result")
Row = dict[str, Any]


class _StoreFailed(Exception):
    """The disk would not do something."""


@asynccontextmanager
async def open_disk_store(folder: Path) -> AsyncIterator["DiskStore"]:
    """The store in a folder, which is made if it is not there.

    Raises:
        NotConfigured: the folder cannot be used, or others may read it.
    """
    try:
        store = await anyio.to_thread.run_sync(partial(DiskStore, folder))
    except (OSError, sqlite3.Error) as error:
        raise NotConfigured(f"MCP_GROK_STORE: {folder} cannot be used: {error}.") from None
    try:
        yield store
    finally:
        store.close()


class DiskStore:
    """A `Store` in a folder that several servers may share, at the same time and one after the other.

    A call that a server was running when it ended is `Lost` to the next one. What cannot be written, as on a full
    disk, is kept in memory.

    Args:
        folder: The folder; made with access for its user alone.
        bounds: How much it keeps.

    Raises:
        OSError, sqlite3.Error: the folder cannot be used.
        NotConfigured: others may read it.
    """

    def __init__(self, folder: Path, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self._unwritten = MemoryStore()
        self._turn = anyio.Lock()
        _make_private(folder)
        self._database = sqlite3.connect(
            folder / DATABASE, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)
        self._owner = Owner(folder)
        self._owner.remove_dead()

    def close(self) -> None:
        """Closes the files. Calls that still run are lost from then on."""
        self._database.close()
        self._owner.close()

    async def begin(self, call: Call) -> None:
        """Notes that a call runs."""
        with suppress(_StoreFailed):
            await self._work(partial(self._write, call, None, 0))

    async def deliver(self, call: Call, outcome: Outcome) -> None:
        """Keeps an outcome that nobody has heard of yet."""
        with suppress(_StoreFailed):
            await self._work(partial(self._write, call, outcome, ON_ITS_WAY))

    async def save(self, call: Call) -> None:
        """Keeps an ended call as it is now."""
        try:
            await self._work(partial(self._write, call, call.outcome, call.abandoned))
        except _StoreFailed:
            await self._unwritten.save(call)

    async def forget(self, call: Call) -> None:
        """Keeps nothing of a call."""
        await self._unwritten.forget(call)
        with suppress(_StoreFailed):
            await self._work(partial(self._delete, call.id))

    async def find(self, call_id: str) -> Call | None:
        """The ended call of an id.

        Raises:
            NotFound: another server, which still runs, has not finished it.
            InternalError: the disk cannot be read.
        """
        unwritten = await self._unwritten.find(call_id)
        if unwritten is not None:
            return unwritten
        try:
            row = await self._work(partial(self._row, call_id))
        except _StoreFailed:
            raise InternalError(
                "The answers on disk cannot be read; this server's log on stderr says why. Ask here again once that is "
                "mended.",
                retryable=True,
                param="id",
            ) from None
        if row is not None and row["ended_at"] is None:
            raise NotFound(
                "Another server process that shares this store runs that call; ask here again once it has ended.",
                param="id",
                retryable=True,
            )
        return None if row is None else _call(row)

    async def take(self, question: str) -> Call | None:
        """An abandoned, ended call that asked this, or one that was lost; nobody else gets it again."""
        with suppress(_StoreFailed):
            row = await self._work(partial(self._taken, question))
            if row is not None:
                return _call(row)
        return await self._unwritten.take(question)

    async def _work(self, work: Callable[[], Result]) -> Result:
        """Works in a thread, one thing at a time and in order.

        Raises:
            _StoreFailed: the disk will not; the log says why.
        """
        async with self._turn:
            try:
                return await anyio.to_thread.run_sync(work)
            except (OSError, sqlite3.Error, ValueError, RecursionError) as error:
                logger.error("the store failed: %s: %s", type(error).__name__, error)
                raise _StoreFailed from None

    def _write(self, call: Call, outcome: Outcome | None, abandoned: int) -> None:
        text = "" if outcome is None else written(outcome)
        values = (
            call.id,
            self._owner.name,
            call.question,
            call.caller,
            call.model,
            call.began_at,
            None if outcome is None else call.ended_at or time.time(),
            abandoned,
            isinstance(outcome, Completion),
            len(text),
            json.dumps(call.notes),
            text or None,
        )
        self._database.execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        if outcome is not None:
            self._trim()

    def _delete(self, call_id: str) -> None:
        self._database.execute("DELETE FROM calls WHERE id = ?", (call_id,))

    def _row(self, call_id: str) -> Row | None:
        self._find_lost()
        return self._one("SELECT * FROM calls WHERE id = ?", call_id)

    def _taken(self, question: str) -> Row | None:
        self._find_lost()
        return self._one(
            "UPDATE calls SET abandoned = 0 WHERE id = (SELECT id FROM calls WHERE abandoned = 1 AND question = ? "
            "AND (ended_at >= ? OR outcome IS NULL) ORDER BY answered DESC, ended_at LIMIT 1) RETURNING *",
            question,
            time.time() - self._bounds.idle,
        )

    def _one(self, statement: str, *values: Any) -> Row | None:
        cursor = self._database.execute(statement, values)
        rows = cursor.fetchall()
        if not rows:
            return None
        row = dict(zip((column[0] for column in cursor.description), rows[0], strict=True))
        # Here, in the thread, since an outcome may be long.
        return {**row, "outcome": row["outcome"] and read(json.loads(row["outcome"]))}

    def _find_lost(self) -> None:
        """Ends the calls whose process has died, and leaves what it had not delivered to whoever asks again."""
        for (owner,) in self._database.execute("SELECT DISTINCT owner FROM undelivered").fetchall():
            if not self._owner.is_alive(owner):
                self._database.execute(
                    "UPDATE calls SET ended_at = ifnull(ended_at, ?), abandoned = 1 "
                    "WHERE id IN (SELECT id FROM undelivered WHERE owner = ?)",
                    (time.time(), owner),
                )

    def _trim(self) -> None:
        self._database.execute("DELETE FROM calls WHERE ended_at < ?", (time.time() - self._bounds.age,))
        self._database.execute(
            "DELETE FROM calls WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER newest AS place, "
            "sum(size) OVER newest AS bytes FROM calls WHERE ended_at IS NOT NULL "
            "WINDOW newest AS (ORDER BY ended_at DESC)) WHERE place > ? OR bytes > ?)",
            (self._bounds.entries, self._bounds.bytes),
        )


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise NotConfigured(f"MCP_GROK_STORE: others may read {folder}; chmod 700 it, or name a folder of its own.")


def _call(row: Row) -> Call:
    call = Call(row["model"], row["question"], row["caller"], call_id=row["id"], began_at=row["began_at"])
    call.kept = True
    call.abandoned = row["abandoned"] == 1
    call.notes = json.loads(row["notes"])
    call.ended_at = row["ended_at"]
    call.end(row["outcome"] or Lost())
    return call
