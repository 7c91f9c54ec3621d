import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_grok.cli.install import jsonc

ENTRY = {"command": "/usr/bin/mcp-grok", "args": [], "env": {"A": 'b "c"'}}

LAYOUTS = {
    "two spaces": '{\n  "mcpServers": {\n    "other": {\n      "command": "x"\n    }\n  },\n  "theme": "dark"\n}\n',
    "tabs": '{\n\t"mcpServers": {\n\t\t"other": {"command": "x"}\n\t}\n}',
    "windows": '{\r\n    "mcpServers": {\r\n        "other": {\r\n            "a": "x"\r\n        }\r\n    }\r\n}\r\n',
    "byte order mark": '\ufeff{\n  "mcpServers": {\n    "other": {"command": "ü"}\n  }\n}\n',
    "minified": '{"a":1,"mcpServers":{"other":{"command":"x"}}}',
    "comments": """// mine
{
  /* "mcpServers": {"fake": 1} */
  "a": "// no comment, \\"really\\"",
  "mcpServers": {
    // the other one
    "other": { "command": "x" } // stays here
    /* and this at the end */
  }
}
// bye
""",
    "trailing commas": '{\n  "mcpServers": {\n    "other": {\n      "args": ["x",],\n    },\n  },\n}\n',
    "comment before the comma": '{\n  "mcpServers": {\n    "other": {} /* , */ ,\n  }\n}\n',
    "in the middle of much": '{\n  "z": [1, {"y": null}],\n  "mcpServers": {\n    "other": {}\n  },\n  "a": 1.50\n}\n',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_put_then_remove_restores_every_byte(text: str) -> None:
    after = jsonc.put(text, "mcpServers", "grok", ENTRY)
    expected = jsonc.read(text)
    expected["mcpServers"]["grok"] = ENTRY
    assert jsonc.read(after) == expected
    assert jsonc.remove(after, "mcpServers", "grok") == text
    assert jsonc.put(after, "mcpServers", "grok", ENTRY) == after


def test_put_follows_the_layout_of_the_file() -> None:
    after = jsonc.put(LAYOUTS["tabs"], "mcpServers", "grok", {"command": "y"})
    assert after == (
        '{\n\t"mcpServers": {\n\t\t"other": {"command": "x"},\n\t\t"grok": {\n\t\t\t"command": "y"\n\t\t}\n\t}\n}'
    )


@pytest.mark.parametrize(
    "text", ["", "  \n", "{}", "{ }\n", '{"mcpServers": {}}', '{\n  "mcpServers": {\n  }\n}\n', '{"a": 1}']
)
def test_put_makes_missing_objects(text: str) -> None:
    after = jsonc.put(text, "mcpServers", "grok", ENTRY)
    assert jsonc.read(after) == {**jsonc.read(text), "mcpServers": {"grok": ENTRY}}
    assert jsonc.read(jsonc.remove(after, "mcpServers", "grok")) == {**jsonc.read(text), "mcpServers": {}}


def test_put_replaces_in_place() -> None:
    text = '{\n  "mcpServers": {\n    "grok": { "command": "old" }, // ours\n    "other": {}\n  }\n}\n'
    after = jsonc.put(text, "mcpServers", "grok", {"command": "new"})
    assert after == text.replace('{ "command": "old" }', '{\n      "command": "new"\n    }')


def test_remove_takes_the_comma() -> None:
    text = '{\n  "mcpServers": {\n    "grok": {},\n    "other": {}\n  }\n}\n'
    assert jsonc.remove(text, "mcpServers", "grok") == '{\n  "mcpServers": {\n    "other": {}\n  }\n}\n'


@pytest.mark.parametrize(
    "text", ["", "{}", '{"mcpServers": {}}', '{"mcpServers": []}', '{"mcpServers": {"other": {}}}']
)
def test_remove_of_a_missing_entry_changes_nothing(text: str) -> None:
    assert jsonc.remove(text, "mcpServers", "grok") == text


@pytest.mark.parametrize("text", ["{", '{"a": }', "[]", '"x"', '{"mcpServers": []}', '{"mcpServers": "x"}', "{'a': 1}"])
def test_put_refuses_what_cannot_hold_an_entry(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        jsonc.put(text, "mcpServers", "grok", ENTRY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), JSON, max_size=4),
    st.dictionaries(st.text(), JSON, max_size=3),
    st.sampled_from([None, 1, 4, "\t"]),
)
def test_any_file_keeps_every_byte(others: dict[str, Any], servers: dict[str, Any], indent: Any) -> None:
    servers.pop("grok", None)
    text = json.dumps({**others, "mcpServers": servers}, indent=indent)
    after = jsonc.put(text, "mcpServers", "grok", ENTRY)
    assert json.loads(after) == {**others, "mcpServers": {**servers, "grok": ENTRY}}
    assert jsonc.remove(after, "mcpServers", "grok") == text
