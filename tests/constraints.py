"""The exact versions that CI, the container and the bundle install: `python -m tests.constraints` writes them.

No lock file does this: it would hold the address of the registry of the machine that made it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests import ROOT

FILE = ROOT / "constraints.txt"
"""The versions of everything, for every platform, as pip reads them."""

PROJECT = ROOT / "pyproject.toml"

BLOCK = re.compile(r"(?<=# constraints: make constraints\n).*?(?=# end\n)", re.DOTALL)
"""The versions of what the bundle installs, as uv reads them."""


EMPTY = "constraint-dependencies = []\n"


def resolved(*options: str, source: str = str(PROJECT), given: str = "") -> list[str]:
    """The requirements, each with its version, that uv resolves for a source."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", "--quiet", "--universal", "--no-annotate", "--no-header", *options, source]
    ended: subprocess.CompletedProcess[str] = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    return ended.stdout.splitlines()


def change(block: str) -> None:
    """Replaces the versions in `pyproject.toml`."""
    PROJECT.write_text(BLOCK.sub(lambda _: block, PROJECT.read_text(encoding="utf-8")), encoding="utf-8")


def listed(name: str, requirements: list[str]) -> str:
    """A list of TOML, one element a line."""
    return f"{name} = [\n{''.join(f'    {json.dumps(one)},{chr(10)}' for one in requirements)}]\n"


if __name__ == "__main__":
    # uv would keep to the versions that are there.
    change(EMPTY)
    everything = resolved("--all-extras")
    FILE.write_text("\n".join(["# Written by `make constraints`.", *everything, ""]), encoding="utf-8")
    bundled = resolved("--extra", "fast", "--constraint", str(FILE))
    building = resolved("--constraint", str(FILE), source="-", given="hatchling")
    change(listed("constraint-dependencies", bundled) + listed("build-constraint-dependencies", building))
