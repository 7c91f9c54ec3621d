"""Work on answers that gives way to other tasks where it takes long."""

import threading

import pytest

from mcp_grok.calls.call import size_of
from mcp_grok.errors import StreamTruncated
from mcp_grok.offload import LARGE, offload
from mcp_grok.upstream.completion import Completion
from tests.replay import COMPLETION


@pytest.mark.parametrize(("size", "in_thread"), [(0, False), (LARGE, False), (LARGE + 1, True)])
async def test_work_on_a_large_answer_is_done_in_a_thread(size: int, in_thread: bool) -> None:
    worker = await offload(threading.current_thread, size)
    assert (worker is not threading.current_thread()) == in_thread


def test_size_of_an_outcome_is_that_of_its_text() -> None:
    assert size_of(Completion(COMPLETION, 1, size=7)) == 7
    assert size_of(StreamTruncated("The answer was cut.", partial="four")) == 4
    assert size_of(StreamTruncated("The answer was cut.")) == 0
