"""A client in a folder of its own, and how a driver runs with it."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.clients.catalog import Client

DRIVERS = Path(__file__).parent / "drivers"

UV = str(Path(sys.executable).with_name("uv"))
NPM = ("npm", "install", "--silent", "--no-fund", "--no-audit", "--no-package-lock", "--ignore-scripts")

INSTALLING = 600
RUNNING = 120
"""Seconds at most."""


class DriverFailed(Exception):
    """A driver ended with an error; its text is what the driver wrote of it."""


@dataclass(frozen=True)
class Installation:
    """An installed client."""

    client: Client
    place: Path

    async def run(self, driver: str, *arguments: str) -> str:
        """What a driver prints.

        Raises:
            DriverFailed: the driver failed.
        """
        with tempfile.TemporaryDirectory() as home:
            process = await asyncio.create_subprocess_exec(
                *self._command(driver),
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=home,
                env={**os.environ, "PATH": self._path(), "HOME": home},
            )
            try:
                out, err = await asyncio.wait_for(process.communicate(), RUNNING)
            finally:
                if process.returncode is None:
                    process.kill()
        if process.returncode:
            raise DriverFailed(err.decode())
        return out.decode()

    def _command(self, driver: str) -> list[str]:
        if driver.endswith(".mjs"):
            # Node looks for packages beside the file.
            shutil.copytree(DRIVERS, self.place, dirs_exist_ok=True)
            return ["node", str(self.place / driver)]
        python = self.place / "bin" / "python" if self.client.registry == "PyPI" else sys.executable
        return [str(python), str(DRIVERS / driver)]

    def _path(self) -> str:
        return os.pathsep.join([str(self.place / "node_modules" / ".bin"), os.environ["PATH"]])


def install(client: Client, folder: Path) -> Installation:
    """Installs a client below a folder, unless it is there already.

    Raises:
        subprocess.CalledProcessError: it cannot be installed.
    """
    place = folder / "_".join(client.packages).replace("/", "-")
    done = place / "installed"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for command in _commands(client):
            # In the repository, uv would add the constraints of its `pyproject.toml`.
            subprocess.run(command, cwd=place, check=True, timeout=INSTALLING)
        done.touch()
    return Installation(client, place)


def _commands(client: Client) -> list[tuple[str, ...]]:
    if client.registry == "npm":
        return [(*NPM, "--prefix", ".", *client.packages)]
    return [
        (UV, "venv", "--quiet", "--python", sys.executable, "--allow-existing", "."),
        (UV, "pip", "install", "--quiet", "--python", "bin/python", *client.packages),
    ]
