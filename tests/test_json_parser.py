import json
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mcp_grok.json_parser import MAX_DEPTH, MAX_ITEMS, parse_json, parse_large_json

MANY = MAX_ITEMS + 1


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}', "1e999", "{", "", "[" * 100_000])
def test_other_text_than_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


def test_numbers_are_read_exactly() -> None:
    assert parse_json("[123456789012345678901234567890, 1.5, -0.0]") == [123456789012345678901234567890, 1.5, -0.0]


def test_text_with_too_many_items_is_refused() -> None:
    with pytest.raises(ValueError, match="too many items"):
        parse_json("[" + "[]," * MANY + "0]")
    assert len(parse_json("[" + '"[],[]",' * (MANY // 2) + "0]")) == MANY // 2 + 1


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_text_that_is_nested_too_deeply_is_refused(begin: str, end: str) -> None:
    parse_json(begin * MAX_DEPTH + "0" + end * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 90_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(begin * depth + "0" + end * depth)


async def test_large_text_is_parsed_while_others_run() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        await anyio.lowlevel.checkpoint()
        before = turns
        value = await parse_large_json(b"[" + b'{"a":[1]},' * MANY + b'"b"]')
        tasks.cancel_scope.cancel()
    assert len(value) == MANY + 1
    assert turns > before + 2


@pytest.mark.parametrize("content", [b"[NaN" + b",0" * MANY + b"]", b"[0" + b",1e999" * MANY + b"]", b"[" * MANY])
async def test_large_text_has_the_same_rules(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        await parse_large_json(content)


async def test_large_text_gives_the_same_value() -> None:
    values: list[Any] = [None, True, 1, -0.5, 1e300, 2**70, "", 'é"\\\n\u2028😀', {}, {"": {"a": [[]]}}, [], [[], {}]]
    content = b"\xef\xbb\xbf" + json.dumps([values, *[[]] * MANY]).encode()
    assert (await parse_large_json(content))[0] == values
