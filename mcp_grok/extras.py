"""The extras of this distribution: packages that only some uses need."""

from mcp_grok.errors import NotConfigured


def missing_extra(use: str, extra: str) -> NotConfigured:
    """The error for a use whose packages are not installed; it says how to add them to each kind of install.

    An extra is added from a checkout: on PyPI the name of this distribution is not ours yet.

    Args:
        use: What needs the extra; the beginning of the sentence.
        extra: Its name in `pyproject.toml`.
    """
    source = f"'.[{extra}]'"
    return NotConfigured(
        f"{use} needs the extra [{extra}]. Add it at the top of a checkout of mcp-grok, with pip install {source}, "
        f"pipx install --force {source} or uv tool install --force {source}."
    )
