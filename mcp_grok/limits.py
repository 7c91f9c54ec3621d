"""Fixed limits, and the defaults of some options. Configurable limits are in `settings.py`."""

MIB = 1024 * 1024

MAX_REQUEST_BYTES = 32 * MIB
"""Size of a request over HTTP. Images are inline, and base64 adds a third."""

MAX_SMALL_REQUEST_BYTES = MIB
"""Size of a request over HTTP that is no call of a tool, or without the key that callers must send."""

MAX_REQUEST_ITEMS = 100_000
"""Items of all lists and objects in a request together. Parsing more would stop other calls for too long."""

MAX_ANSWER_ITEMS = 1_000_000
"""Items of all lists and objects in an answer from the API together. `logprobs` can have 200 for each token."""

MAX_RESPONSE_ITEMS = 200_000
"""The same in an answer of the Responses API, whose sources become several items each. No answer has so many."""

MAX_CHOICES = 128
"""Answers to one request: the maximum of the parameter `n`."""

MAX_CONNECTIONS = 10_000
"""Connections of a server over HTTP, if the system allows it so many."""

HEADER_TIMEOUT = 15.0
"""Seconds for the headers of a request over HTTP."""

BODY_TIMEOUT = 120.0
"""Seconds for the body of a request over HTTP."""

MAX_LINE_BYTES = 256 * MIB
"""Size of a message over stdio."""

MAX_RESPONSE_BYTES = 64 * MIB
"""Size of an answer from the API."""

MAX_ERROR_BYTES = MIB
"""Size of an error from the API; the rest is not read."""

MAX_IMAGE_BYTES = 20 * MIB
"""Size of one image: xAI's limit (https://docs.x.ai/docs/guides/image-understanding)."""

MAX_IMAGES = 20
"""Image files in one call."""

MAX_TOTAL_IMAGE_BYTES = 50 * MIB
"""Total size of the images of one call, before base64 adds a third."""

CONNECT_TIMEOUT = 15.0
"""Seconds to connect to the API."""

KEEPALIVE_EXPIRY = 15.0
"""Seconds that an idle connection to the API is kept. A call is not resent if the API closes its connection."""

JOB_SECONDS = 3600.0
"""Seconds that a video is waited for, from its job's creation or from when it was taken up. It is paid for already."""

ORPHAN_TIMEOUT = 15 * 60.0
"""Seconds that a call continues while no request waits for it."""

CLAIMABLE_SECONDS = 30 * 60.0
"""Seconds after the end of a call during which a repeated call gets its answer."""

KEPT_SECONDS = 24 * 3600.0
"""Seconds that an answer is kept after the end of its call."""

KEPT_ENTRIES = 1000
"""Maximum number of ended calls that are kept."""

KEPT_BYTES = 200 * MIB
"""Total size of their answers, as stored in memory or on disk."""

TASK_TTL = 3600.0
"""Seconds that a task lives after its creation, or after it was last polled."""

SHARED_CALLS_AT_ONCE = 32
"""Default maximum of running calls of one caller, where a server tells callers apart."""

TOTAL_REQUEST_BYTES = 96 * MIB
"""Size of all requests that a server over HTTP holds: bodies that are being read, and calls that wait or run."""

SHARED_REQUEST_BYTES = TOTAL_REQUEST_BYTES // 2
"""Size of the requests that a server holds for one caller, where it tells callers apart."""

SMALL_REQUEST_BYTES = 64 * 1024
"""Size of a small request: a connection's buffer has as much."""

SMALL_REQUESTS_SHARE = 16 * MIB
"""Part of `TOTAL_REQUEST_BYTES` for small requests alone."""

DRAIN_SECONDS = 20.0
"""Default seconds for running calls to end after a signal."""

SHUTDOWN_TIMEOUT = 3
"""Seconds for open responses to end after `DRAIN_SECONDS`."""
