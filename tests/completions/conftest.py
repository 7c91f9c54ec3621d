"""Processes that share calls."""

import pytest

from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay
from tests.valkey import Valkey


@pytest.fixture
def shared(upstream: Replay, valkey: Valkey) -> Settings:
    """Settings of processes that share calls."""
    return settings_for(upstream, store=valkey.url)
