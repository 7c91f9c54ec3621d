"""A call as a task."""

import time

import pytest

from mcp_grok.calls import Call, State
from mcp_grok.errors import Cancelled, GrokError, Lost
from mcp_grok.tools.task import new_task, task_fields
from mcp_grok.upstream.completion import Completion
from tests.replay import COMPLETION


def call(age: float = 0.0, outcome: Completion | GrokError | None = None, state: State = State.RUNNING) -> Call:
    """A call of an age in seconds."""
    return Call("grok-4", "fingerprint", started=time.monotonic() - age, outcome=outcome, state=state)


@pytest.mark.parametrize(("age", "seconds"), [(0, 1), (10, 1), (60, 6), (3600, 15)])
def test_old_call_is_polled_less_often(age: float, seconds: float) -> None:
    assert task_fields(call(age))["pollIntervalMs"] == pytest.approx(1000 * seconds, rel=0.01)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (None, "working"),
        (Completion(COMPLETION), "completed"),
        (Lost(), "completed"),
        (Cancelled("Stopped."), "cancelled"),
    ],
)
def test_status_has_the_names_of_the_protocol(outcome: Completion | GrokError | None, status: str) -> None:
    assert task_fields(call(outcome=outcome))["status"] == status


def test_queued_call_says_what_it_waits_for() -> None:
    assert "queued" in task_fields(call(state=State.QUEUED))["statusMessage"]


def test_task_has_the_id_of_its_call() -> None:
    made = call()
    task = new_task(made)
    assert (task["resultType"], task["taskId"]) == ("task", made.id)


@pytest.mark.parametrize("age", [0, 7200])
def test_task_lives_for_an_hour_more(age: float) -> None:
    assert task_fields(call(age))["ttlMs"] == pytest.approx(1000 * (age + 3600), rel=0.01)
