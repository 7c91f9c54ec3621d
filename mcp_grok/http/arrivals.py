"""The order in which requests that have arrived are parsed: many of one caller must not hold up the event loop."""

import asyncio
import re
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice

from mcp_grok.request_principal import KEY_HEADER

AT_ONCE = 8
"""Requests that are parsed in one round of the event loop, each of another caller."""

HEAD_BYTES = 16_384
"""Bytes at the beginning of a request in which credentials are looked for."""

CREDENTIALS = re.compile(rb"\r\n(?:authorization|%b):[ \t]*([^\r\n]+)" % KEY_HEADER.encode(), re.IGNORECASE)


def credentials_in(head: bytes) -> bytes:
    """The token or the caller's own key in the first bytes of a request, unchecked; empty if neither is there."""
    found = CREDENTIALS.search(head, 0, HEAD_BYTES)
    return found[1] if found else b""


class Arrivals:
    """The requests that wait to be parsed; it alone changes them.

    The event loop reads all connections that have data in one round, and the other tasks wait meanwhile. So in a round
    one request of each caller is parsed, and the callers take turns.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, deque[Callable[[], None]]] = OrderedDict()
        self._parsed: set[bytes] = set()

    def add(self, credentials: bytes, parse: Callable[[], None]) -> None:
        """Calls `parse` immediately, or in a later round.

        Args:
            credentials: Tell callers apart; those without any count as one.
            parse: Parses a request.
        """
        if not self._parsed:
            asyncio.get_running_loop().call_soon(self._next_round)
        if len(self._parsed) == AT_ONCE or credentials in self._parsed or credentials in self._waiting:
            self._waiting.setdefault(credentials, deque()).append(parse)
        else:
            self._parsed.add(credentials)
            parse()

    def _next_round(self) -> None:
        self._parsed = set(islice(self._waiting, AT_ONCE))
        if self._parsed:
            asyncio.get_running_loop().call_soon(self._next_round)
        with ExitStack() as parsing:  # One that fails does not keep the others waiting.
            for credentials in self._parsed:
                requests = self._waiting.pop(credentials)
                parsing.callback(requests.popleft())
                if requests:
                    self._waiting[credentials] = requests
