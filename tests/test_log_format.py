"""The lines of the log: no control characters, no forged lines, no line without end."""

import asyncio
import json
import logging
import os
import re
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_grok.log_format import CALL, MAX_RECORD_BYTES, JsonFormatter, TextFormatter
from tests.conftest import KEY
from tests.process import MCP_GROK, environment
from tests.replay import Replay

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x00\r\n\u2028")))


def record(message: str, error: Exception | None = None, **fields: object) -> logging.LogRecord:
    """A record of a library's logger."""
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("uvicorn.error", logging.WARNING, __file__, 1, "%s", (message,), info)
    setattr(made, CALL, fields)
    return made


@settings(deadline=None)
@given(HOSTILE, st.integers(1, 20_000))
def test_lines_hold_no_control_characters_and_end(text: str, times: int) -> None:
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record(text * times, ValueError(text), model=text * times))
        assert not CONTROL.search(line)
        assert len(line.encode(errors="backslashreplace")) <= MAX_RECORD_BYTES


def test_newline_cannot_forge_a_record() -> None:
    forged = record("a\nERROR mcp_grok: forged", ValueError("b\nERROR mcp_grok: forged"))
    first, *rest = TextFormatter().format(forged).split("\n")
    assert first == "WARNING uvicorn.error: a"
    assert all(line.startswith("  ") for line in rest)
    assert "\n" not in JsonFormatter().format(forged)


def test_json_of_a_long_record_is_json_with_its_facts() -> None:
    fields = json.loads(JsonFormatter().format(record("short", model="\x00\U0001f600" * 100_000, tokens=3)))
    assert (fields["message"], fields["tokens"], fields["logger"]) == ("short", 3, "uvicorn.error")
    assert "the middle left out" in fields["model"]


def test_long_traceback_keeps_its_reason() -> None:
    try:
        raise ValueError("first " + "x" * 100_000 + " last")
    except ValueError as error:
        line = TextFormatter().format(record("failed", error))
    assert "Traceback" in line
    assert line.endswith(" last")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_host_and_origin_cannot_control_the_log(upstream: Replay, form: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *MCP_GROK,
        *("serve", "--transport", "http", "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(upstream, log_format=form)},
    )
    assert process.stderr is not None
    address = urlsplit((await asyncio.wait_for(process.stderr.readline(), 20)).decode().split()[-1])
    escape = b"\x1b]52;c;eA==\x07\xc2\x9b31m\x9d\xe2\x80\xa8"
    try:
        for header in (b"Host: evil" + escape, b"Host: " + b"x" * 50_000, b"Host: localhost\r\nOrigin: " + escape):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(b"POST /mcp HTTP/1.1\r\n" + header + b"\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
            # A refusal may come before the whole request is read; the system then resets the connection.
            with suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 20)
            writer.close()
    finally:
        process.terminate()
        log = (await process.communicate())[1].decode()
    assert "Host" in log
    assert not CONTROL.search(log)
    assert KEY not in log
    assert max(map(len, log.splitlines())) <= MAX_RECORD_BYTES
