"""Garbage collection of a server."""

import gc

THRESHOLDS = (500, 1, 2_400)
"""New objects, and collections of the younger generations, after which a generation is collected.

Nothing else runs meanwhile. Python's default looks through all objects of a server with 1,000 open streams every few
seconds, which takes a good part of a second, so the last number is large. The first two are small, so that the other
collections take milliseconds: objects that are freed count against new ones, and the youngest generation holds several
times the first number. Most objects are freed without all this, by their reference counts.
"""


def collect_rarely() -> None:
    """Looks through all objects less often, and never again through those that exist now: modules and classes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
