import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.cli.install import toml

ENTRY = {
    "command": "C:\\bin\\mcp-grok",
    "args": ["-m"],
    "env_vars": ["K"],
    "tool_timeout_sec": 300.0,
    "env": {"A": 'b"'},
}

FILES = {
    "others": '# mine\nmodel = "gpt"  # why not\n\n[mcp_servers.other]\ncommand = "x"\n',
    "empty": "",
    "blank": "\n\n",
    "no servers": "model = 'x'\n",
    "windows": 'model = "x"\r\n\r\n[mcp_servers.other]\r\ncommand = "x"\r\n',
    "windows without a final newline": 'model = "x"\r\n\r\n[mcp_servers.other]\r\ncommand = "x"',
    "no final newline": "model = 'x'",
    "comment without a final newline": "model = 'x'\n# bye",
    "blank lines at the end": "model = 'x'\n\n\n",
    "look-alikes": '[mcp_servers.grokking]\ncommand = "x"\n\n[mcp_servers."grok.x"]\ncommand = "y"\n',
    "dotted keys": 'mcp_servers.other.command = "x"\nmodel = "y"\n',
    "inline servers": 'mcp_servers = {other = {command = "x"}} # mine\nmodel = "x"\n',
    "inline server": '[mcp_servers]\nother = {command = "x"} # mine\n\n[z]\na=1\n',
    "servers here and there": '[mcp_servers.a]\nb = "x"\n\n[tui]\nb=1\n# c\n[mcp_servers.c]\nd=1\n# end\n',
    "tables in an array": "[[profiles]]\na = 1\n\n[[profiles]]\na = 2\n",
    "brackets in values": "a = '''\n[mcp_servers.grok]\n# x\n'''\nb = [\n  [1], # c\n[2]]\n",
}

OURS = (
    '[mcp_servers.grok]\ncommand = "x"\nargs = [\n[1],\n]\n',
    "[ mcp_servers . 'grok' ] # ours\ncommand = '''\n[mcp_servers.other]\n'''\n\n[mcp_servers.grok.env]\nA = \"1\"\n",
    "[mcp_servers.grok.env]\n",
)
"""Our table with headers, each in a form of its own."""


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_put_then_remove_restores_every_byte(text: str) -> None:
    after = toml.put(text, "mcp_servers", "grok", ENTRY)
    expected = tomllib.loads(text)
    expected.setdefault("mcp_servers", {})["grok"] = ENTRY
    assert tomllib.loads(after) == expected
    assert toml.remove(after, "mcp_servers", "grok") == text
    assert toml.put(after, "mcp_servers", "grok", ENTRY) == after


@pytest.mark.parametrize("text", [text for name, text in FILES.items() if name != "inline servers"])
def test_put_changes_nothing_before_the_new_table(text: str) -> None:
    after = toml.put(text, "mcp_servers", "grok", ENTRY)
    assert after.startswith(text)
    assert ("\n" in after.replace("\r\n", "")) is ("\r\n" not in text)


LINES = st.lists(
    st.sampled_from(
        ("# c", "", "  ", "\t# [mcp_servers.grok]", '[mcp_servers."x y"]', "[[p]]", "[t.grok]", "[mcp_servers.o.env]")
    )
    | st.integers(0, 99).map(lambda number: f"k{number} = [\n[1], # c\n]")
    | st.integers(100, 199).map(lambda number: f"k{number}.grok = {{a = '[x]'}}"),
    max_size=8,
)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@given(LINES, st.sampled_from(("\n", "\r\n")), st.booleans())
def test_any_file_keeps_every_byte(lines: list[str], newline: str, final: bool) -> None:
    text = "\n".join(lines).replace("\n", newline) + newline * final
    if _is_toml(text):
        after = toml.put(text, "mcp_servers", "grok", ENTRY)
        assert after.startswith(text)
        assert tomllib.loads(after)["mcp_servers"]["grok"] == ENTRY
        assert toml.remove(after, "mcp_servers", "grok") == text


@pytest.mark.parametrize("ours", OURS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_remove_takes_only_the_table(ours: str, newline: str) -> None:
    before, behind = "# mine\nm = 'x'\n\n", "# the next\n[mcp_servers.other]\ncommand = 'y'\n"
    text = f"{before}{ours}\n{behind}".replace("\n", newline)
    assert toml.remove(text, "mcp_servers", "grok") == f"{before}{behind}".replace("\n", newline)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("mcp_servers.grok.a = 1\nmcp_servers.o.b = 2 # c\n", "mcp_servers.o.b = 2 # c\n"),
        ('"mcp_servers".grok = {a = 1}\nz=1\n', "z=1\n"),
        ("[mcp_servers]\ngrok.a = 1\ngrok.c = 2\n# c\no.b = 1\n", "[mcp_servers]\n# c\no.b = 1\n"),
        ("[mcp_servers]\r\ngrok = {a=1}\r\no = {b=1}\r\n", "[mcp_servers]\r\no = {b=1}\r\n"),
        ("mcp_servers = {o = {b=1}, grok = {a=1}}\nz=1\n", "mcp_servers = {o = {b=1} }\nz=1\n"),
    ],
)
def test_remove_reads_dotted_keys_and_inline_tables(text: str, rest: str) -> None:
    assert toml.remove(text, "mcp_servers", "grok") == rest
    after = toml.put(text, "mcp_servers", "grok", {"new": [True, 3, {"x": "y"}]})
    others: dict[str, Any] = tomllib.loads(rest)
    others.setdefault("mcp_servers", {})["grok"] = {"new": [True, 3, {"x": "y"}]}
    assert tomllib.loads(after) == others


def test_put_replaces_a_table_with_its_subtables() -> None:
    text = (
        '[mcp_servers.grok]\ncommand = "old"\n\n[mcp_servers.grok.env]\nA = "1"\n\n[mcp_servers.other]\ncommand = "x"\n'
    )
    after = toml.put(text, "mcp_servers", "grok", {"command": "new"})
    assert tomllib.loads(after) == {"mcp_servers": {"other": {"command": "x"}, "grok": {"command": "new"}}}


@pytest.mark.parametrize("text", ["a = ", "mcp_servers = 1", "[[mcp_servers]]\na = 1"])
def test_put_refuses_what_cannot_hold_a_table(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        toml.put(text, "mcp_servers", "grok", {})
