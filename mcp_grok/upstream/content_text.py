"""The text in a message's content, which may be a list of parts."""

from typing import Any


def content_text(content: Any) -> str:
    """The content if it is text, else the joined texts of its parts. Other parts, such as thinking, have none."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") in ("text", None)]
    return "".join(text for text in texts if isinstance(text, str))
