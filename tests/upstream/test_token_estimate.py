"""The estimates of tokens."""

import base64
import json
from typing import Any

import pytest

from mcp_grok.settings import Settings
from mcp_grok.upstream.completion import Completion
from mcp_grok.upstream.request import read_request
from mcp_grok.upstream.token_estimate import IMAGE_TOKENS, answer_tokens, prompt_tokens
from tests.replay import COMPLETION

IMAGE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(750_000)).decode()


def estimated(*parts: Any) -> int:
    """The estimate for a message with some parts."""
    messages = [{"role": "user", "content": list(parts)}]
    return prompt_tokens(read_request({"messages": messages}, Settings(provider="acedata").endpoint).body)


def test_prompt_counts_its_characters() -> None:
    empty = estimated({"type": "text", "text": ""})
    assert estimated({"type": "text", "text": "a" * 4000}) == pytest.approx(empty + 1000, abs=1)
    assert estimated({"type": "text", "text": "字" * 4000}) == pytest.approx(empty + 3000, abs=1)


@pytest.mark.parametrize("url", [IMAGE, "https://example.com/cat.png"])
def test_image_counts_the_same_whatever_its_size(url: str) -> None:
    image = {"type": "image_url", "image_url": {"detail": "high", "url": url}}
    text = {"type": "text", "text": ""}
    assert estimated(text, image, image) - estimated(text) == pytest.approx(2 * IMAGE_TOKENS, abs=60)


@pytest.mark.parametrize("disguise", [IMAGE, json.dumps({"url": IMAGE}), f'"url":"{IMAGE}"', f'","url":"{IMAGE}'])
def test_text_that_looks_like_an_image_counts_as_text(disguise: str) -> None:
    assert estimated({"type": "text", "text": disguise}) > 250_000


def test_answer_counts_all_choices() -> None:
    answer = Completion({**COMPLETION, "choices": [{"message": {"content": "a" * 400, "tool_calls": ["b" * 400]}}] * 2})
    assert answer_tokens(answer) == pytest.approx(400, abs=30)
