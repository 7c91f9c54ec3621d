"""References to environment variables in the entry of a client."""

import re

from mcp_grok.cli.install.clients import McpClient

ANY_REFERENCE = re.compile(r"\$\{[\w:.-]+\}|\{env:\w+\}|\$\w+|%\w+%")
"""A reference in the form of any client."""


def reference(client: McpClient, variable: str) -> str:
    """A reference to a variable; empty if the client's entries have none."""
    return client.references[0] % variable if client.references else ""


def referred(client: McpClient, value: str) -> str:
    """The variable that a value refers to, as the client reads it; empty if the value is no reference."""
    for form in client.references:
        before, after = (re.escape(part) for part in form.split("%s"))
        if found := re.fullmatch(f"{before}(\\w+){after}", value):
            return found[1]
    return ""


def is_foreign(client: McpClient, value: str) -> bool:
    """Whether a value is a reference in the form of another client, which this one passes on as it is."""
    return ANY_REFERENCE.fullmatch(value) is not None and not referred(client, value)
