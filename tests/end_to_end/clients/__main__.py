"""The table of what each client can do: `python -m tests.end_to_end.clients [NAME ...]`.

With CLIENTS_FOLDER set, the clients stay installed there for the next run. The first run takes about ten minutes.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.end_to_end.clients.catalog import CLIENTS, Client
from tests.end_to_end.clients.installation import DriverFailed, install
from tests.end_to_end.clients.scenario import expected, report, seen
from tests.replay import Replay

FORMAT = "{:18}{:10}{:7}{:7}{:10}{:7}{:7}{:7}{}"


async def cells(client: Client, folder: Path) -> tuple[dict[str, str], list[str]]:
    """A client's cells of the table, and what is wrong."""
    wanted = expected(client)
    try:
        installation = install(client, folder)
        async with Replay() as upstream:
            told = await report(installation, upstream)
            came = seen(told, upstream.requests)
    except (DriverFailed, TimeoutError, subprocess.CalledProcessError) as error:
        return dict.fromkeys(wanted, "NO"), [str(error)]
    wrong = [f"{column}: {came[column]}, not {value}" for column, value in wanted.items() if came[column] != value]
    return {column: cell(client, column, told, came[column] == value) for column, value in wanted.items()}, wrong


def cell(client: Client, column: str, told: Any, right: bool) -> str:
    """One cell: NO where something is wrong, `-` where the client cannot do it, how an error came, or yes."""
    if not right:
        return "NO"
    if column == "error":
        return "error" if told["error"]["isError"] else "JSON"
    return "-" if column in client.cannot else "yes"


async def table(names: list[str], folder: Path) -> bool:
    """Prints the table, and the reasons below it; returns whether all is as expected."""
    notes: list[str] = []
    print(FORMAT.format("client", "version", *expected(CLIENTS[0])))
    for client in CLIENTS:
        if not names or client.name in names:
            row, wrong = await cells(client, folder)
            print(FORMAT.format(client.name, client.version, *row.values()), flush=True)
            notes += [f"{client.name}: NO {one}" for one in wrong]
            notes += [f"{client.name}: - {column}: it {why}" for column, why in client.cannot.items()]
    print("", *notes, sep="\n")
    return not any(": NO " in note for note in notes)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        good = asyncio.run(table(sys.argv[1:], Path(os.environ.get("CLIENTS_FOLDER", temporary))))
    sys.exit(not good)
