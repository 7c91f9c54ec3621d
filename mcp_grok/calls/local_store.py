"""The store of one machine: a table on disk, if a folder is configured, and a table in memory."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from mcp_grok.calls.call import Call, Claim, Outcome
from mcp_grok.calls.candidate import billed_of, is_deletable
from mcp_grok.calls.codec import decoded, encoded
from mcp_grok.calls.store import BOUNDS, Bounds, Store, uninterrupted
from mcp_grok.calls.usage import Usage
from mcp_grok.errors import InternalError, Lost, NotConfigured, NotFound

if TYPE_CHECKING:
    from mcp_grok.calls.sqlite_table import CallTable, Row

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Otherwise = TypeVar("Otherwise")


class LocalStore(Store):
    """The calls of this machine. If writing to the disk fails, the error is logged and the call is kept in memory.

    Without a disk, a call whose result is delivered uses no table.

    Args:
        disk: The table that keeps calls after the process has ended; None without one.
        bounds: How much is kept.
    """

    def __init__(self, disk: "CallTable | None" = None, bounds: Bounds = BOUNDS) -> None:
        self.process = disk.process if disk else ""
        self.outlives_process = disk is not None
        self._disk = disk
        self._bounds = bounds
        self._memory: CallTable | None = None
        self._uncommitted: set[str] = set()
        self._turn = anyio.Lock()
        self._usage: defaultdict[str, Usage] = defaultdict(Usage)

    def close(self) -> None:
        """Closes the tables. Other processes then treat calls that still run as lost."""
        for table in filter(None, (self._disk, self._memory)):
            table.close()

    async def claim(self, fingerprint: str, running: Call | None) -> Claim:
        """See `Store.claim`."""
        row: Row | None = None
        lost: list[dict[str, str]] = []
        if self._memory:
            row, lost = self._memory.claim(fingerprint, take=running is None)
        take = running is None and row is None
        on_disk, lost_on_disk = await self._on_disk(lambda disk: disk.claim(fingerprint, take=take), (None, []))
        call = running or await self._call(row or on_disk)
        if call is not None and isinstance(call.outcome, InternalError):
            return None, [*lost, *lost_on_disk, {"id": call.id, "billed": call.outcome.billed}]
        return call, [*lost, *lost_on_disk]

    async def insert(self, call: Call, limit: int | None) -> bool:
        """See `Store.insert`."""
        return await self._on_disk(lambda disk: disk.insert(call, limit), True)

    async def discard(self, call: Call) -> None:
        """See `Store.discard`."""
        await self._on_disk(lambda disk: disk.delete(call), None)

    async def commit(self, call: Call, outcome: Outcome) -> None:
        """See `Store.commit`."""
        self._usage[call.principal].add(call, outcome)
        if self._disk is None:
            return
        content = await encoded(outcome)
        if not await self._on_disk(lambda disk: disk.commit(call, billed_of(outcome), content), False):
            self._uncommitted.add(call.id)

    async def sync(self, call: Call, *, restore: bool = False) -> None:
        """See `Store.sync`."""
        if is_deletable(call):
            self._uncommitted.discard(call.id)
            if self._memory:
                self._memory.delete(call)
            await self._on_disk(lambda disk: disk.delete(call), None)
        elif call.outcome is None:
            await self._on_disk(lambda disk: disk.update(call), None)
        elif call.is_wanted:
            await self._keep(call, call.outcome, restore=restore)

    async def record_job(self, call: Call) -> bool:
        """See `Store.record_job`."""
        return await self._on_disk(lambda disk: disk.record_job(call), False)

    async def take_up(self, call: Call) -> bool:
        """See `Store.take_up`."""
        if not await self._on_disk(lambda disk: disk.take_up(call), False):
            raise _runs_elsewhere()
        return True

    async def left_jobs(self) -> list[Call]:
        """See `Store.left_jobs`."""
        from mcp_grok.calls.sqlite_table import call_of

        return [call_of(row) for row in await self._on_disk(lambda disk: disk.left_jobs(), [])]

    async def mark_told(self, fingerprint: str, lost: list[dict[str, str]], *, told: bool) -> None:
        """See `Store.mark_told`."""
        ids = [call["id"] for call in lost]
        if self._memory:
            self._memory.mark_told(ids, told=told)
        await self._on_disk(lambda disk: disk.mark_told(ids, told=told), None)

    async def find(self, call_id: str) -> Call | None:
        """See `Store.find`."""
        row = self._memory.find(call_id) if self._memory else None
        if row is None and self._disk:
            found = await self._on_disk(lambda disk: [disk.find(call_id)], None)
            if found is None:
                raise InternalError(
                    "The answers on disk cannot be read; this server's log on stderr says why. Ask again when that is "
                    "fixed.",
                    retryable=True,
                    param="id",
                )
            row = found[0]
        call = await self._call(row)
        if call is not None and call.outcome is None and not call.job:
            raise _runs_elsewhere()
        return call

    async def attach(self, call: Call) -> None:
        """See `Store.attach`."""
        if self._memory:
            self._memory.update(call)
        await self._on_disk(lambda disk: disk.update(call), None)
        call.process = self.process

    async def follow(self, call: Call) -> Outcome:
        """See `Store.follow`. Processes that share a folder do not communicate."""
        raise _runs_elsewhere()

    async def usage(self, principal: str) -> dict[str, Any]:
        """See `Store.usage`."""
        return self._usage[principal].as_dict()

    async def _keep(self, call: Call, outcome: Outcome, *, restore: bool) -> None:
        """Updates the row of an ended call from its record; writes the whole row if there is none."""
        has_row = not restore and call.id not in self._uncommitted
        if has_row and await self._updated(call):
            call.process = self.process
            return
        content = await encoded(outcome)
        billed = billed_of(outcome)
        if not call.is_wanted:
            # It was delivered during the encoding.
            return
        if await self._on_disk(lambda disk: disk.save(call, billed, content), False):
            call.process = self.process
        else:
            self._open_memory().save(call, billed, content)
        self._uncommitted.discard(call.id)

    async def _updated(self, call: Call) -> bool:
        """Updates the row of an ended call; returns False if it has none, or only one in memory instead of on disk."""
        if self._memory is not None and self._memory.update(call):
            return True
        return await self._on_disk(lambda disk: disk.update(call), False)

    def _open_memory(self) -> "CallTable":
        if self._memory is None:
            from mcp_grok.calls.sqlite_table import CallTable

            self._memory = CallTable(bounds=self._bounds)
            self._memory.process = self.process
        return self._memory

    async def _call(self, row: "Row | None") -> Call | None:
        if row is None:
            return None
        from mcp_grok.calls.sqlite_table import call_of

        call = call_of(row)
        if row["outcome"] is not None:
            call.outcome = await decoded(row["outcome"])
        elif call.ended_at is not None:
            call.outcome = Lost()
        return call

    async def _on_disk(self, work: "Callable[[CallTable], Result]", otherwise: Otherwise) -> Result | Otherwise:
        """Runs work on the disk in a thread, one at a time and in order; returns `otherwise` if it fails or no disk."""
        return otherwise if self._disk is None else await self._in_turn(self._disk, work, otherwise)

    @uninterrupted
    async def _in_turn(
        self, disk: "CallTable", work: "Callable[[CallTable], Result]", otherwise: Otherwise
    ) -> Result | Otherwise:
        import sqlite3

        async with self._turn:
            try:
                return await anyio.to_thread.run_sync(lambda: work(disk))
            except (OSError, sqlite3.Error, ValueError) as error:
                logger.error("the store failed: %s: %s", type(error).__name__, error)
                return otherwise


def _runs_elsewhere() -> NotFound:
    return NotFound(
        "Another server process that shares this store runs that call; ask again when it has ended.",
        param="id",
        retryable=True,
    )


@asynccontextmanager
async def open_local_store(folder: Path | None, bounds: Bounds = BOUNDS) -> AsyncIterator[LocalStore]:
    """The store of this machine; on disk if a folder is given.

    Raises:
        NotConfigured: the folder cannot be used, belongs to another user, or is readable by others.
    """
    if folder is None:
        store = LocalStore(bounds=bounds)
        try:
            yield store
        finally:
            store.close()
        return
    import sqlite3

    from mcp_grok.calls.sqlite_table import CallTable

    try:
        disk = await anyio.to_thread.run_sync(CallTable, folder, bounds)
    except (OSError, sqlite3.Error) as error:
        raise NotConfigured(f"MCP_GROK_STORE: {folder} cannot be used: {error}.") from None
    store = LocalStore(disk, bounds)
    try:
        yield store
    finally:
        store.close()
