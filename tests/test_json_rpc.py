"""Messages as clients send them."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import JSONRPCNotification, JSONRPCRequest

from mcp_grok.json_rpc import Unreadable, plain_message, repaired_message, too_deep

IDS = st.text() | st.integers() | st.sampled_from([0.5, -2.25])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='id":,{}[]\\ 1é'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", 'a"id', "x"]), inner),
    max_leaves=10,
)


@given(
    IDS,
    st.dictionaries(st.sampled_from(["id", "messages", ',"id":1']), VALUES),
    st.permutations(["jsonrpc", "id", "method", "params"]),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
)
def test_id_beside_nested_params_is_found_wherever_it_stands(
    request_id: Any, params: Any, order: list[str], separators: tuple[str, str]
) -> None:
    members = {"jsonrpc": "2.0", "id": request_id, "method": 'a "quoted" method', "params": params}
    text = json.dumps({name: members[name] for name in order}, separators=separators)
    # Strings near both ends are short in real requests; one that fills the searched part hides the id.
    found = too_deep(text.encode()).request_id
    assert found == request_id or len(json.dumps(request_id)) > 800


@given(st.dictionaries(st.sampled_from(["id", "x", '","id":1}']), VALUES), st.booleans())
def test_id_within_params_is_not_the_id_of_the_request(params: Any, is_last: bool) -> None:
    members = [("method", "tools/call"), ("params", params)]
    text = json.dumps(dict(members if is_last else members[::-1]))
    assert too_deep(text.encode()).request_id is None


@pytest.mark.parametrize("filler", [b"{" * 2**20, b'"id":1,' * 2**17, b'\\"' * 2**19, b",\n" * 2**19])
def test_search_for_the_id_is_fast_in_any_text(filler: bytes) -> None:
    began = time.process_time()
    too_deep(b'{"a":' + filler + b"}")
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (b'{"jsonrpc":"2.0","id":4.0,"method":"m","params":{"requestId":2.0}}', {"requestId": 2}),
        (
            b'{"jsonrpc":"2.0","id":4.0,"method":"m","params":{"_meta":{"progressToken":9.0}}}',
            {"_meta": {"progressToken": 9}},
        ),
        (b'{"jsonrpc":"2.0","id":4.0,"method":"m","params":{"temperature":1.0}}', {"temperature": 1.0}),
        (b'{"jsonrpc":"2.0","id":4,"method":"m","params":""}', None),
    ],
)
def test_only_ids_and_empty_params_are_changed(text: bytes, params: Any) -> None:
    message = repaired_message(text)
    assert isinstance(message, JSONRPCRequest)
    assert (message.id, repr(message.params)) == (4, repr(params))


def test_cancellation_of_an_id_with_a_decimal_point_is_not_plain() -> None:
    text = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3.0}}'
    assert plain_message(text) is None
    message = repaired_message(text)
    assert isinstance(message, JSONRPCNotification)
    assert message.params == {"requestId": 3}


@pytest.mark.parametrize("number", ["NaN", "1e999", "true", "{}"])
def test_id_that_json_cannot_repeat_is_null_in_the_error(number: str) -> None:
    with pytest.raises(Unreadable) as refused:
        repaired_message(f'{{"jsonrpc":"2.0","id":{number},"method":"ping"}}'.encode())
    assert json.loads(refused.value.as_json())["id"] is None
