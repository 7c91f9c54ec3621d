"""The reading of the arguments of the tools that need the id of a call."""

from typing import Any

import pytest

from mcp_grok.tools.get_completion import PARAMETERS
from mcp_grok.tools.tool import read_arguments
from tests.upstream.refusal import refusal_of


@pytest.mark.parametrize("name", ["offset", "choice", "wait"])
@pytest.mark.parametrize("empty", [None, "", " ", "null", [], {}, "{}"])
def test_empty_value_means_not_given(name: str, empty: Any) -> None:
    assert read_arguments(PARAMETERS, {"id": "a", name: empty}) == {"id": "a"}


@pytest.mark.parametrize("zero", [0, "0"])
def test_zero_is_given(zero: Any) -> None:
    assert read_arguments(PARAMETERS, {"id": "a", "offset": zero}) == {"id": "a", "offset": 0}


@pytest.mark.parametrize("arguments", [{}, {"id": None}, {"id": ""}, {"id": []}])
def test_id_is_needed(arguments: dict[str, Any]) -> None:
    assert refusal_of(lambda: read_arguments(PARAMETERS, arguments))[1] == "id"


def test_unknown_name_is_refused() -> None:
    assert refusal_of(lambda: read_arguments(PARAMETERS, {"id": "a", "ofset": ""}))[1] == "ofset"
