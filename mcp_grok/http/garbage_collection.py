"""Garbage collection of a server."""

import gc

THRESHOLDS = (10_000, 10, 20)
"""New objects, and collections of the younger generations, after which a generation is collected.

Python's default looks through all objects of a server with 1,000 open streams every few seconds, and nothing else runs
for most of a second. Most objects are freed without it, by their reference counts.
"""


def collect_rarely() -> None:
    """Looks through all objects less often, and never again through those that exist now: modules and classes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
