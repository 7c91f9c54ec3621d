"""How wrong arguments are refused."""

from collections.abc import Callable

import pytest

from mcp_grok.errors import InvalidRequest


def refusal_of(call: Callable[[], object]) -> tuple[str, str]:
    """The message and the parameter of the error that a function raises for wrong arguments."""
    with pytest.raises(InvalidRequest) as caught:
        call()
    error = caught.value
    assert (error.code, error.type, error.billed) == ("invalid_request", "invalid_request_error", "no")
    assert error.param is not None
    return error.message, error.param
