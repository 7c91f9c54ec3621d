"""A table of calls in SQLite: in a folder, where it outlives the process, or in memory."""

import json
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

from mcp_grok.calls.call import Call, Delivery, Reason, State
from mcp_grok.calls.call_log import log_call
from mcp_grok.calls.candidate import Candidate, lost_of
from mcp_grok.calls.process_lock import ProcessLock
from mcp_grok.calls.store import BOUNDS, Bounds
from mcp_grok.errors import Lost, NotConfigured

DATABASE = "calls.sqlite"

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process that is writing."""

BUSY_INTERVAL = 0.02
"""Seconds between attempts to open a database that another process is setting up."""

ROW_BYTES = 1024
"""Approximate bytes of a row without its outcome."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY,
    process TEXT NOT NULL,    -- the process that runs it, or delivers its outcome
    fingerprint TEXT NOT NULL,
    principal TEXT NOT NULL,
    model TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL,            -- NULL while it runs
    state TEXT NOT NULL,
    delivery TEXT NOT NULL,
    id_given INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,  -- whether its loss was reported to a client
    billed TEXT NOT NULL DEFAULT '',  -- of an error
    size INTEGER NOT NULL DEFAULT 0,
    outcome BLOB,             -- NULL while it runs, and if its process died
    kind TEXT NOT NULL DEFAULT 'chat',
    job TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS by_fingerprint ON calls (fingerprint);
CREATE INDEX IF NOT EXISTS by_end ON calls (ended_at, size);
CREATE VIEW IF NOT EXISTS undelivered AS SELECT * FROM calls WHERE ended_at IS NULL OR delivery = 'attached';
"""

ADDED = {"kind": "TEXT NOT NULL DEFAULT 'chat'", "job": "TEXT NOT NULL DEFAULT ''"}
"""The columns that a table of an earlier version lacks."""

Row = dict[str, Any]


class CallTable:
    """The calls that a later request may want. Several processes may share a folder, even at the same time.

    Args:
        folder: Created with access only for its user; None for memory.
        bounds: How much is kept.

    Raises:
        OSError, sqlite3.Error: the folder cannot be used.
        NotConfigured: the folder belongs to another user, or others have access to it.
    """

    def __init__(self, folder: Path | None = None, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        if folder is not None:
            _make_private(folder)
        self._database = sqlite3.connect(
            folder / DATABASE if folder else ":memory:", BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        self._database.row_factory = _row
        try:
            _set_up(self._database)
            self._lock = ProcessLock(folder) if folder else None
        except BaseException:
            self._database.close()
            raise
        self.process = self._lock.name if self._lock else ""
        if self._lock:
            self._lock.remove_dead()

    def close(self) -> None:
        """Closes the files. Other processes then treat calls that still run as lost."""
        self._database.close()
        if self._lock:
            self._lock.close()

    def insert(self, call: Call, limit: int | None) -> bool:
        """Adds a new call; returns False if its principal has `limit` running calls already."""
        running = "(SELECT count(*) FROM calls WHERE principal = ? AND ended_at IS NULL AND process IN "
        running += "(SELECT value FROM json_each(?)))"
        cursor = self._database.execute(
            "INSERT INTO calls (id, process, fingerprint, principal, model, created_at, kind, state, delivery, "
            f"id_given) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE ? IS NULL OR {running} < ?",
            (
                *(*self._identity(call), call.state, call.delivery, call.id_given, limit),
                *(call.principal, json.dumps([] if limit is None else self._living()), limit),
            ),
        )
        return cursor.rowcount == 1

    def _living(self) -> list[str]:
        """The processes that live and run calls. The jobs that dead ones have left count for no limit."""
        running = self._database.execute("SELECT DISTINCT process FROM calls WHERE ended_at IS NULL").fetchall()
        names = [row["process"] for row in running]
        return [name for name in names if name == self.process or self._is_alive(name)]

    def claim(self, fingerprint: str, *, take: bool) -> tuple[Row | None, list[dict[str, str]]]:
        """Attaches the oldest orphan with a fingerprint to this process, if `take` is true.

        Returns:
            The row of the orphan, or None, and the lost calls with the fingerprint. An orphan with a job that another
            process runs stays with that process.
        """
        self._find_dead()
        rows = self._database.execute(
            "SELECT id, process, state, delivery, ended_at, billed FROM calls "
            "WHERE fingerprint = ? AND (ended_at IS NOT NULL OR (job <> '' AND process <> ?)) AND NOT told "
            "ORDER BY ended_at",
            (fingerprint, self.process),
        ).fetchall()
        now = time.time()
        candidates = [_candidate(row, now) for row in rows]
        claimable = [row for row, known in zip(rows, candidates, strict=True) if known.is_claimable(self._bounds)]
        claimed = next(filter(self._claims, claimable), None) if take else None
        if take and claimed is None and any(row["ended_at"] is None for row in claimable):
            # Another process has just taken up its job.
            return self.claim(fingerprint, take=take)
        return self.find(claimed["id"]) if claimed else None, lost_of(candidates)

    def commit(self, call: Call, billed: str, content: bytes) -> bool:
        """Writes the outcome of a call that this process runs; returns False if the call has no row."""
        cursor = self._database.execute(
            "UPDATE calls SET state = ?, ended_at = ?, delivery = ?, billed = ?, size = ?, outcome = ? "
            "WHERE id = ? AND process = ?",
            (
                *(call.state, call.ended_at, call.delivery, billed, len(content) + ROW_BYTES, content),
                *(call.id, self.process),
            ),
        )
        self._trim()
        return cursor.rowcount == 1

    def update(self, call: Call) -> bool:
        """Writes the delivery of a call, unless another process owns its row now; returns False if it has no row."""
        cursor = self._database.execute(
            "UPDATE calls SET process = ?, delivery = ?, id_given = ? WHERE id = ? AND process = ?",
            (self.process, call.delivery, call.id_given, call.id, call.process),
        )
        return cursor.rowcount == 1 or self.find(call.id) is not None

    def record_job(self, call: Call) -> bool:
        """Writes the job of a call that this process runs; returns False if it has no row."""
        cursor = self._database.execute(
            "UPDATE calls SET job = ?, state = ? WHERE id = ? AND process = ?",
            (call.job, call.state, call.id, self.process),
        )
        return cursor.rowcount == 1

    def take_up(self, call: Call) -> bool:
        """Gives the row of a call whose process has died to this process; returns False if another was faster."""
        if self._is_alive(call.process):
            return False
        cursor = self._database.execute(
            "UPDATE calls SET process = ?, state = 'running' WHERE id = ? AND process = ? AND ended_at IS NULL",
            (self.process, call.id, call.process),
        )
        return cursor.rowcount == 1

    def left_jobs(self) -> list[Row]:
        """The rows of running calls with a job whose process has died."""
        self._find_dead()
        rows = self._database.execute(
            "SELECT * FROM calls WHERE ended_at IS NULL AND job <> '' AND process <> ?", (self.process,)
        ).fetchall()
        return [row for row in rows if not self._is_alive(row["process"])]

    def save(self, call: Call, billed: str, content: bytes) -> bool:
        """Writes an ended call whose row was removed or never written; returns True."""
        self._database.execute(
            "INSERT OR REPLACE INTO calls (id, process, fingerprint, principal, model, created_at, kind, job, state, "
            "delivery, id_given, ended_at, billed, size, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *self._identity(call),
                call.job,
                call.state,
                call.delivery,
                call.id_given,
                call.ended_at,
                billed,
                len(content) + ROW_BYTES,
                content,
            ),
        )
        self._trim()
        return True

    def delete(self, call: Call) -> None:
        """Removes a call, unless another process owns its row now."""
        self._database.execute("DELETE FROM calls WHERE id = ? AND process = ?", (call.id, call.process))

    def mark_told(self, call_ids: list[str], *, told: bool) -> None:
        """Records whether lost calls were reported to a client."""
        self._database.executemany("UPDATE calls SET told = ? WHERE id = ?", [(told, call_id) for call_id in call_ids])

    def find(self, call_id: str) -> Row | None:
        """The row of a call; without `ended_at`, the call runs in another process."""
        self._find_dead()
        row: Row | None = self._database.execute("SELECT * FROM calls WHERE id = ?", (call_id,)).fetchone()
        return row

    def _identity(self, call: Call) -> tuple[Any, ...]:
        return call.id, self.process, call.fingerprint, call.principal, call.model, call.created_at, call.kind

    def _claims(self, row: Row) -> bool:
        """Attaches an orphan, unless another process runs it; returns False if another request was faster."""
        return (row["ended_at"] is None and self._is_alive(row["process"])) or self._attach(row)

    def _attach(self, row: Row) -> bool:
        cursor = self._database.execute(
            "UPDATE calls SET process = ?, delivery = ? WHERE id = ? AND process = ? AND delivery = ?",
            (self.process, Delivery.ATTACHED, row["id"], row["process"], Delivery.ORPHANED),
        )
        return cursor.rowcount == 1

    def _is_alive(self, process: str) -> bool:
        return self._lock is not None and self._lock.is_alive(process)

    def _find_dead(self) -> None:
        """Records as lost the calls whose process has died, and orphans the answers that it had not delivered.

        A call with a job is not lost: it is orphaned, and another process may take it up.
        """
        if self._lock is None:
            return
        processes = self._database.execute(
            "SELECT DISTINCT process FROM undelivered WHERE process <> ?", (self.process,)
        ).fetchall()
        for process in [row["process"] for row in processes]:
            if self._lock.is_alive(process):
                continue
            # A job is followed for an hour: what is left after so long cannot be taken up by any process.
            self._database.execute(
                "DELETE FROM calls WHERE process = ? AND ended_at IS NULL AND job <> '' AND created_at < ?",
                (process, time.time() - self._bounds.age),
            )
            self._database.execute(
                "UPDATE calls SET delivery = 'orphaned' "
                "WHERE process = ? AND ended_at IS NULL AND job <> '' AND delivery = 'attached'",
                (process,),
            )
            rows = self._database.execute(
                "UPDATE calls SET state = iif(ended_at IS NULL, 'lost', state), "
                "billed = iif(ended_at IS NULL, 'unknown', billed), delivery = 'orphaned', "
                "ended_at = ifnull(ended_at, ?) WHERE id IN (SELECT id FROM undelivered WHERE process = ?) "
                "AND (ended_at IS NOT NULL OR job = '') RETURNING *",
                (time.time(), process),
            ).fetchall()
            for row in rows:
                if row["state"] == State.LOST:
                    log_lost(row)

    def _trim(self) -> None:
        """Removes the oldest calls over the bounds."""
        self._database.execute("DELETE FROM calls WHERE ended_at < ?", (time.time() - self._bounds.age,))
        [totals] = self._database.execute(
            "SELECT count(*) AS entries, total(size) AS bytes FROM calls WHERE ended_at IS NOT NULL"
        )
        if totals["entries"] > self._bounds.entries or totals["bytes"] > self._bounds.bytes:
            self._database.execute(
                "DELETE FROM calls WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER newest AS number, "
                "sum(size) OVER newest AS bytes FROM calls WHERE ended_at IS NOT NULL "
                "WINDOW newest AS (ORDER BY ended_at DESC)) WHERE number > ? OR bytes > ?)",
                (self._bounds.entries, self._bounds.bytes),
            )


def call_of(row: Row) -> Call:
    """The record of a row, without its outcome."""
    call = Call(row["model"], row["fingerprint"], row["principal"], row["id"], row["process"], row["created_at"])
    call.started = time.monotonic() - max(0.0, time.time() - row["created_at"])
    call.ended_at, call.id_given = row["ended_at"], bool(row["id_given"])
    call.state, call.delivery = State(row["state"]), Delivery(row["delivery"])
    call.kind, call.job = row["kind"], row["job"]
    return call


def log_lost(row: Row) -> None:
    """Logs a call that was lost because its server died."""
    call = call_of(row)
    call.reason = Reason.CRASH
    log_call(call, Lost())


def _candidate(row: Row, now: float) -> Candidate:
    is_orphaned = row["delivery"] == Delivery.ORPHANED
    age = max(0.0, now - (row["ended_at"] or now))
    return Candidate(row["id"], State(row["state"]), is_orphaned, age, row["billed"])


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return dict(zip((column[0] for column in cursor.description), values, strict=True))


def _set_up(database: sqlite3.Connection) -> None:
    """Creates the table. SQLite ignores the busy timeout when it changes the journal mode, so this retries."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            database.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {SCHEMA}")
            _add_columns(database)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_INTERVAL)
        else:
            return


def _add_columns(database: sqlite3.Connection) -> None:
    """Adds the columns of this version to a table of an earlier one."""
    present = {column["name"] for column in database.execute("PRAGMA table_info(calls)")}
    if present.issuperset(ADDED):
        return
    # Of two processes that add them at the same time, the second waits, and finds them there.
    database.execute("BEGIN IMMEDIATE")
    present = {column["name"] for column in database.execute("PRAGMA table_info(calls)")}
    for name, form in ADDED.items():
        if name not in present:
            database.execute(f"ALTER TABLE calls ADD COLUMN {name} {form}")
    database.execute("COMMIT")


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise NotConfigured(f"MCP_GROK_STORE: {folder} belongs to another user; name a folder of your own.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NotConfigured(f"MCP_GROK_STORE: others may read {folder}; chmod 700 it, or name a folder of its own.")
    database = folder / DATABASE
    if database.exists() and database.stat().st_uid != os.geteuid():
        raise NotConfigured(f"MCP_GROK_STORE: {database} belongs to another user; name a folder of your own.")
