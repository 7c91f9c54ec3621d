"""The return of freed memory to the system."""

import ctypes
import sys
from contextlib import suppress

from mcp_grok.limits import MIB

M_MMAP_THRESHOLD = -3
"""The number of the option in glibc's `malloc.h`."""


def return_large_memory() -> None:
    """Makes glibc return blocks of 1 MiB and more as soon as they are freed; elsewhere, does nothing.

    By default glibc raises this threshold to the size of each such block that is freed, up to 32 MiB. Then the copies
    of a large request stay with the process (https://man7.org/linux/man-pages/man3/mallopt.3.html).
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MIB)
