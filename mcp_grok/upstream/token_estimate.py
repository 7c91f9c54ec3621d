"""The estimate of a call's tokens, where the API states no usage."""

import json
import math

from mcp_grok.upstream.completion import Completion

BYTES_PER_TOKEN = 4
"""A rule of thumb (https://ai.google.dev/gemini-api/docs/tokens)."""

IMAGE_TOKENS = 1792
"""Maximum tokens of an image at xAI (https://docs.x.ai/consumption-and-rate-limits)."""

IMAGE = b'"image_url":{'
DATA_URI = b'"url":"data:'
"""Parts of a request's body. In a text its quotation marks would have backslashes before them."""


def prompt_tokens(body: bytes) -> int:
    """The tokens of a request, estimated from its JSON; each image counts the same."""
    size, start = len(body), 0
    while (start := body.find(DATA_URI, start)) >= 0:
        end = body.find(b'"', start + len(DATA_URI))
        size -= end - start
        start = end
    return byte_tokens(size) + body.count(IMAGE) * IMAGE_TOKENS


def byte_tokens(size: int) -> int:
    """The tokens of a text of some bytes in UTF-8, estimated."""
    return math.ceil(size / BYTES_PER_TOKEN)


def utf8_length(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


def answer_tokens(answer: Completion) -> int:
    """The tokens of an answer, estimated from its choices."""
    return byte_tokens(utf8_length(json.dumps(answer.body["choices"], ensure_ascii=False)))
