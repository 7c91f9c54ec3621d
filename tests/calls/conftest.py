"""The settings of servers, over each kind of store."""

import pytest

from mcp_grok.settings import Settings
from tests.conftest import settings_for
from tests.replay import Replay


@pytest.fixture
def stored(upstream: Replay, store: str) -> Settings:
    """The settings of a server, once for each kind of store."""
    return settings_for(upstream, store=store)


@pytest.fixture
def shared(upstream: Replay, redis_url: str) -> Settings:
    """The settings of servers that share their calls."""
    return settings_for(upstream, store=redis_url)
