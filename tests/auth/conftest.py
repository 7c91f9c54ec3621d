"""An issuer of access tokens, and the clock by which its keys are cached."""

from collections.abc import AsyncIterator

import pytest

from tests.auth.issuer import Clock, Issuer
from tests.replay import Replay


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer that a test controls."""
    async with Replay() as replay:
        yield Issuer(replay)


@pytest.fixture
def clock() -> Clock:
    """A clock that a test controls."""
    return Clock()
