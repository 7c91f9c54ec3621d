"""Recorded bodies of the upstream, each with what its bytes do (`index.toml`)."""

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

RECORDINGS: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "index.toml").read_text(encoding="utf-8"))


def recorded(name: str) -> bytes:
    """The bytes of a recording."""
    [file] = FOLDER.glob(f"{name}.*")
    return file.read_bytes()
