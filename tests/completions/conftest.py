"""A store that servers share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay
from tests.valkey import Valkey, running_valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A store that servers share."""
    with running_valkey(tmp_path / "valkey") as valkey:
        yield valkey


@pytest.fixture
def shared(upstream: Replay, valkey: Valkey) -> Settings:
    """Settings of processes that share calls."""
    return settings_for(upstream, store=valkey.url)
