from mcp_grok.cli.install import yaml
from mcp_grok.cli.install.clients import PRINTED
from mcp_grok.cli.install.entry import entry


def test_values_are_quoted() -> None:
    value = {"a": "x: #", "b": {}, "c": {"d": [1, "é"]}}
    assert yaml.put("", "t", "n", value) == 't:\n  n:\n    a: "x: #"\n    b: {}\n    c:\n      d: [1, "é"]\n'


def test_goose_gets_an_extension() -> None:
    text = yaml.put("", "extensions", "grok", entry(PRINTED["goose"], ["/bin/mcp-grok"], {}, {"XAI_API_KEY": ""}))
    assert text == (
        'extensions:\n  grok:\n    type: "stdio"\n    name: "grok"\n    enabled: true\n    timeout: 300\n'
        '    cmd: "/bin/mcp-grok"\n    args: []\n    env_keys: ["XAI_API_KEY"]\n    envs: {}\n'
    )
