"""The limits that operators ask about. Those that a setting or an option changes are in `settings.py`."""

MIB = 1024 * 1024

MAX_REQUEST_BYTES = 32 * MIB
"""Of a request over HTTP. Images come inline, and base64 adds a third."""

MAX_LINE_BYTES = 256 * MIB
"""Of a message over stdio."""

MAX_RESPONSE_BYTES = 64 * MIB
"""Of an answer of the API."""

MAX_ERROR_BYTES = MIB
"""Of an error of the API; the rest is not read."""

MAX_IMAGE_BYTES = 20 * MIB
"""Of one image file. xAI takes no larger one (https://docs.x.ai/docs/guides/image-understanding)."""

MAX_IMAGES = 20
"""Image files in one call."""

MAX_TOTAL_IMAGE_BYTES = 50 * MIB
"""Of all image files of one call. A third more is sent, because they go as base64."""

CONNECT_TIMEOUT = 15.0
"""Seconds to connect to the API."""

KEEPALIVE_EXPIRY = 15.0
"""Seconds that an idle connection to the API is kept. A call on one that the API closes is never sent again."""

ORPHAN_TIMEOUT = 15 * 60.0
"""Seconds that a call goes on while no request waits for it."""

CLAIMABLE_SECONDS = 30 * 60.0
"""Seconds after the end of a call in which the same call made again gets its answer."""

KEPT_SECONDS = 24 * 3600.0
"""Seconds after the end of a call in which its answer is kept."""

KEPT_ENTRIES = 1000
"""Calls that have ended and are kept."""

KEPT_BYTES = 200 * MIB
"""Of their answers, as they lie in memory or on disk."""

DRAIN_SECONDS = 20.0
"""Seconds that running calls get to end after a signal, by default."""

SHUTDOWN_TIMEOUT = 3
"""Seconds that open responses get to end after that."""
