"""Progress: few notifications that, joined in order, are the text."""

import anyio
import anyio.lowlevel
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.surrogates import without_lone_surrogates
from mcp_grok.tools.progress import Progress, ProgressTimings

QUICK = ProgressTimings(interval=0, first_heartbeat=0.001, heartbeat=0.001, reasoning=0.05)
"""Notifications without a wait between them."""


class Sink:
    """Takes notifications; `gate` holds them up."""

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.texts: list[str] = []
        self.gate = anyio.Event()
        self.gate.set()

    async def report(self, progress: float, total: float | None, message: str | None) -> None:
        await self.gate.wait()
        self.numbers.append(progress)
        self.texts.append(message or "")


async def sent(*pieces: str) -> Sink:
    """What goes out for pieces that come one after the other."""
    sink = Sink()
    progress = Progress(sink.report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        for piece in pieces:
            progress.add(piece)
            await anyio.wait_all_tasks_blocked()
        progress.close()
    return sink


async def test_first_piece_is_sent_at_once_and_the_rest_joined() -> None:
    sink = await sent("one ", "two ", "three")
    assert sink.texts == ["one ", "two three"]
    assert sink.numbers == [1, 2]


async def test_nothing_is_sent_without_text() -> None:
    assert (await sent()).texts == []


async def test_halves_of_a_character_are_joined_or_replaced() -> None:
    sink = await sent("smile \ud83d", "\ude00", "half \ud83d")
    assert "".join(sink.texts) == "smile \U0001f600half \ufffd"
    assert all(text.encode() for text in sink.texts)


async def test_slow_reader_gets_all_text() -> None:
    sink = Sink()
    sink.gate = anyio.Event()
    progress = Progress(sink.report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        for number in range(1000):
            progress.add(f"{number} ")
        await anyio.wait_all_tasks_blocked()
        progress.add("last")
        progress.close()
        sink.gate.set()
    assert "".join(sink.texts) == "".join(f"{number} " for number in range(1000)) + "last"


async def test_silence_is_broken_by_notifications_without_text() -> None:
    sink = Sink()
    progress = Progress(sink.report, timings=QUICK)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        with anyio.fail_after(5):
            while len(sink.texts) < 2:
                await anyio.lowlevel.checkpoint()
        progress.add("text")
        progress.close()
    assert sink.texts[:2] == ["", ""]
    assert sink.texts[-1] == "text"
    assert sink.numbers == sorted(set(sink.numbers))


async def test_no_notification_follows_the_end() -> None:
    sink = Sink()
    progress = Progress(sink.report, timings=QUICK)
    progress.close()
    await progress.run()
    assert sink.texts == []


PIECES = st.lists(st.text(st.characters(categories=["L", "Cs", "So"])), max_size=12)


@given(PIECES)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_messages_joined_are_the_text(pieces: list[str]) -> None:
    async def run() -> list[str]:
        sink = Sink()
        progress = Progress(sink.report, timings=QUICK)
        for piece in pieces[: len(pieces) // 2]:
            progress.add(piece)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(progress.run)
            for piece in pieces[len(pieces) // 2 :]:
                await anyio.lowlevel.checkpoint()
                progress.add(piece)
            progress.close()
        return sink.texts

    assert "".join(anyio.run(run)) == without_lone_surrogates("".join(pieces))


async def test_status_is_sent_only_before_the_first_piece() -> None:
    sink = Sink()
    states = iter(["in line\n", "in line\n"])
    progress = Progress(sink.report, status=lambda: next(states, None), timings=QUICK)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        while len(sink.texts) < 3:
            await anyio.lowlevel.checkpoint()
        progress.add("text")
        while "text" not in sink.texts:
            await anyio.lowlevel.checkpoint()
        states = iter(["in line\n"])
        count = len(sink.texts)
        while len(sink.texts) < count + 2:
            await anyio.lowlevel.checkpoint()
        progress.close()
    assert "".join(sink.texts) == "in line\nin line\ntext"


async def thought(*pieces: str, then: str = "") -> Sink:
    """What goes out for thoughts that come one after the other, and the answer after them."""
    sink = Sink()
    progress = Progress(sink.report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        for piece in pieces:
            progress.add_reasoning(piece)
            await anyio.wait_all_tasks_blocked()
        if then:
            progress.add(then)
            while then not in sink.texts:
                await anyio.wait_all_tasks_blocked()
        progress.close()
    return sink


async def test_first_reasoning_is_sent_at_once_and_marked() -> None:
    assert (await thought("Let ", "me ", "see.")).texts == ["[reasoning] Let \n"]


async def test_answer_does_not_wait_for_reasoning() -> None:
    with anyio.fail_after(0.5):
        sink = await thought("Let ", "me ", "see.", then="Yo!")
    assert sink.texts == ["[reasoning] Let \n", "[reasoning] me see.\n", "Yo!"]


async def test_search_is_sent_at_once_on_a_line_of_its_own() -> None:
    with anyio.fail_after(0.5):
        sink = await thought("I ", "look.", "\n[search] web: one\n", "Further.", "\n[search] x: two\n", then="Yo!")
    assert "".join(sink.texts) == (
        "[reasoning] I \n[reasoning] look.\n[search] web: one\n[reasoning] Further.\n[search] x: two\nYo!"
    )
    assert sink.texts[-1] == "Yo!"


async def test_further_reasoning_is_sent_joined_after_a_while() -> None:
    sink = Sink()
    progress = Progress(sink.report, timings=ProgressTimings(reasoning=0.2))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        progress.add_reasoning("one ")
        await anyio.wait_all_tasks_blocked()
        progress.add_reasoning("two ")
        progress.add_reasoning("three")
        with anyio.fail_after(5):
            while len(sink.texts) < 2:
                await anyio.wait_all_tasks_blocked()
        progress.close()
    assert sink.texts == ["[reasoning] one \n", "[reasoning] two three\n"]
    assert sink.numbers == [1, 2]


async def test_reasoning_after_the_answer_has_begun_is_not_sent() -> None:
    sink = Sink()
    progress = Progress(sink.report)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(progress.run)
        progress.add("Yo!")
        await anyio.wait_all_tasks_blocked()
        progress.add_reasoning("hm")
        await anyio.wait_all_tasks_blocked()
        progress.close()
    assert sink.texts == ["Yo!"]
