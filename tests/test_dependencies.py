"""What the package imports is declared in pyproject.toml."""

import ast
import itertools
import re
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def test_every_command_works_after_a_plain_install() -> None:
    distributions, plain = packages_distributions(), declared(*PROJECT["dependencies"])
    for path in (ROOT / "mcp_grok" / "cli").rglob("*.py"):
        assert [name for name in imported(path) if not declared(*distributions[name]) & plain] == [], path


def lines(text: str) -> dict[str, list[Requirement]]:
    """The requirements of a text, by the normalised name of the distribution."""
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


PINNED = lines((ROOT / "constraints.txt").read_text(encoding="utf-8"))
FOR_UV = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]


def needed(*requirements: str) -> set[str]:
    """The distributions that requirements install here, with what those need."""
    found: set[str] = set()
    waiting = [(Requirement(one), "") for one in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        key = f"{name}[{','.join(sorted(requirement.extras))}]"
        if key in found:
            continue
        found.add(key)
        for inner in ["", *requirement.extras]:
            with suppress(PackageNotFoundError):
                waiting += [(Requirement(one), inner) for one in requires(name) or ()]
    return {key.partition("[")[0] for key in found} - {"mcp-grok-chat"}


def test_every_version_is_exact() -> None:
    for_uv = lines("\n".join([*FOR_UV["constraint-dependencies"], *FOR_UV["build-constraint-dependencies"]]))
    for pinned in (PINNED, for_uv):
        for requirement in itertools.chain.from_iterable(pinned.values()):
            assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement


def test_what_is_installed_has_its_version_in_the_constraints() -> None:
    extras = ",".join(PROJECT["optional-dependencies"])
    assert needed(f"mcp-grok-chat[{extras}]") - set(PINNED) == set(), "run: make constraints"


def test_what_the_bundle_installs_has_the_same_versions() -> None:
    for_uv = lines("\n".join(FOR_UV["constraint-dependencies"]))
    assert needed("mcp-grok-chat[fast]") - set(for_uv) == set(), "run: make constraints"
    for name, requirements in for_uv.items():
        assert {str(one.specifier) for one in requirements} <= {str(one.specifier) for one in PINNED[name]}


def test_constraints_are_within_what_the_project_allows() -> None:
    declared_here = [
        *PROJECT["dependencies"],
        *itertools.chain.from_iterable(PROJECT["optional-dependencies"].values()),
    ]
    for requirement in map(Requirement, declared_here):
        for pinned in PINNED.get(canonicalize_name(requirement.name), []):
            [version] = pinned.specifier
            assert requirement.specifier.contains(version.version, prereleases=True), requirement
