"""The tests, laid out like the package; those of whole processes are in `end_to_end`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The folder of the project."""

DEPLOY = ROOT / "examples" / "deploy"
"""The files of the deployment."""
