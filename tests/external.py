"""Programs that some tests need and not every machine has."""

import os
import shutil
from typing import NoReturn

import pytest

NGINX = ("nginx", "apt-get install nginx-light")
NPM = ("npm", "https://nodejs.org")
UV = ("uv", "pip install uv")
"""Programs, and where each comes from."""


def external(name: str, source: str) -> str:
    """The path of a program.

    Skips the test where it is not installed; with REQUIRE_EXTERNAL set, as in CI, that is a failure instead.
    """
    found = shutil.which(name)
    if found is None:
        unavailable(f"{name} is not installed ({source})")
    return found


def unavailable(reason: str) -> NoReturn:
    """Skips the test, or fails it where REQUIRE_EXTERNAL is set."""
    if os.environ.get("REQUIRE_EXTERNAL"):
        pytest.fail(reason)
    pytest.skip(reason)
