import tomllib

import pytest

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
    "none": "",
    "no servers": "model = 'x'\n",
    "windows": 'model = "x"\r\n\r\n[mcp_servers.other]\r\ncommand = "x"\r\n',
    "blank lines at the end": "model = 'x'\n\n\n",
    "look-alikes": '[mcp_servers.grokking]\ncommand = "x"\n\n[mcp_servers."grok.x"]\ncommand = "y"\n',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_table_is_put_at_the_end_and_taken_out_again_to_the_byte(text: str) -> None:
    after = toml.put(text, "mcp_servers", "grok", ENTRY)
    assert after.startswith(text)
    expected = tomllib.loads(text)
    expected.setdefault("mcp_servers", {})["grok"] = ENTRY
    assert tomllib.loads(after) == expected
    assert toml.remove(after, "mcp_servers", "grok") == text
    assert toml.put(after, "mcp_servers", "grok", ENTRY) == after


def test_a_table_among_others_is_replaced_with_its_own_tables() -> None:
    text = (
        '[mcp_servers.grok]\ncommand = "old"\n\n[mcp_servers.grok.env]\nA = "1"\n\n[mcp_servers.other]\ncommand = "x"\n'
    )
    after = toml.put(text, "mcp_servers", "grok", {"command": "new"})
    assert tomllib.loads(after) == {"mcp_servers": {"other": {"command": "x"}, "grok": {"command": "new"}}}


def test_every_kind_of_value_is_written_as_it_was_read() -> None:
    value = {
        "on": True,
        "off": False,
        "count": 3,
        "share": 0.5,
        "list": ["a", {"name": "B", "of": [1]}],
        "t": {"x": "y"},
    }
    assert tomllib.loads(toml.put("", "t", "grok", value)) == {"t": {"grok": value}}


def test_a_file_without_a_last_newline_gets_one() -> None:
    assert toml.put("a = 1", "t", "grok", {"b": 2}) == "a = 1\n\n[t.grok]\nb = 2\n"


def test_what_is_not_toml_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        toml.put("a = ", "t", "grok", {})
