"""The bytes of the requests that a server holds, and their bounds."""

from collections import Counter
from types import TracebackType

from mcp_grok.errors import LimitReached
from mcp_grok.limits import SMALL_REQUEST_BYTES, SMALL_REQUESTS_SHARE

RETRY = 1.0
"""Seconds to wait after a bound was reached."""

OR_URLS = "or give images by their https URLs."


class RequestBytes:
    """The only count of the bytes that requests take: of bodies that are being read, then of calls that wait or run.

    A caller whose calls have reached its bound can still send one body at a time: it may be the repeat of a call that
    has its answer, which counts no bytes.

    A part of the total is for small requests alone, so that large ones, by many callers or made-up ones, leave room.

    Args:
        per_caller: Maximum bytes of one caller; None for no bound.
        total: Maximum bytes of all callers together; None for no bound.
    """

    def __init__(self, per_caller: int | None = None, total: int | None = None) -> None:
        self._per_caller = per_caller
        self._total = total
        self._bodies: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._held = 0

    def body(self, caller: str, size: int) -> "HeldBytes":
        """Counts a body that will be read; it may still `grow`.

        Raises:
            LimitReached: a bound is reached.
        """
        held = HeldBytes(self, self._bodies, caller)
        held.grow(size)
        return held

    def call(self, caller: str, size: int, body: "HeldBytes | None" = None) -> "HeldBytes":
        """Counts the request of a call that begins, instead of the body in which it came.

        Raises:
            LimitReached: a bound is reached.
        """
        if body is not None:
            body.release()
        if self._per_caller is not None and self._calls[caller] + size > self._per_caller:
            raise self._too_much_of_caller()
        self._check_total(size, size)
        held = HeldBytes(self, self._calls, caller)
        held.count(size)
        return held

    def check_body(self, held: "HeldBytes", more: int) -> None:
        """Checks that a body may grow; see `HeldBytes.grow`."""
        size, caller = held.size + more, held.caller
        others = self._bodies[caller] - held.size
        if self._per_caller is not None and others and others + self._calls[caller] + size > self._per_caller:
            raise self._too_much_of_caller()
        self._check_total(more, size)

    def count(self, counted: Counter[str], caller: str, change: int) -> None:
        """Adds to the counts, or takes from them."""
        counted[caller] += change
        self._held += change
        if not counted[caller]:
            del counted[caller]

    def _check_total(self, more: int, size: int) -> None:
        if self._total is None:
            return
        share = 0 if size <= SMALL_REQUEST_BYTES else SMALL_REQUESTS_SHARE
        if self._held + more > self._total - share:
            raise LimitReached(
                f"Limit reached: this server holds requests of at most {self._total} bytes for all its callers "
                f"together. Send the call again in a moment, {OR_URLS}",
                retry_after=RETRY,
            )

    def _too_much_of_caller(self) -> LimitReached:
        return LimitReached(
            f"Limit reached: your running calls would have requests of over {self._per_caller} bytes together. "
            f"Send the call again when one of yours has ended, {OR_URLS}",
            retry_after=RETRY,
        )


class HeldBytes:
    """Bytes that count for a caller until `release`; those of a body only while they are in use by `with`."""

    def __init__(self, owner: RequestBytes, counted: Counter[str], caller: str) -> None:
        self.caller = caller
        self.size = 0
        self._owner = owner
        self._counted = counted
        self._users = 0
        self._unused = 0

    def __enter__(self) -> None:
        self._users += 1
        self.count(self._unused)
        self._unused = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if not self._users:
            self._unused = self.size
            self.count(-self.size)

    def grow(self, more: int) -> None:
        """Counts further bytes of a body.

        Raises:
            LimitReached: a bound is reached.
        """
        self._owner.check_body(self, more)
        self.count(more)

    def count(self, more: int) -> None:
        """Counts further bytes without a check."""
        self.size += more
        self._owner.count(self._counted, self.caller, more)

    def release(self) -> None:
        """Counts nothing from now on."""
        self.count(-self.size)
        self._unused = 0
