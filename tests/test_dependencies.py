"""What the package imports is declared in pyproject.toml."""

import ast
import itertools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared(*requirements: str) -> set[str]:
    """The names of the distributions in some requirements, normalised."""
    return {re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports from other distributions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"mcp_grok", "tests"}


@pytest.mark.parametrize("folder", ["mcp_grok", "tests"])
def test_every_import_is_declared(folder: str) -> None:
    distributions, extras = packages_distributions(), PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *itertools.chain.from_iterable(extras)]
    modules = {name for path in (ROOT / folder).rglob("*.py") for name in imported(path)}
    missing = {
        name
        for name in modules
        if name in distributions and not declared(*distributions[name]) & declared(*requirements)
    }
    assert not missing
