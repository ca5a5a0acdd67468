"""Write the golden files anew: `python -m tests.golden.render`. Look at the diff they make."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from magnusctl.inventory.starter import example_path, examples

GOLDEN = Path(__file__).parent
# A lock has a file of its own in templates/locks; a second copy would only be longer.
LEFT_OUT = "opt/magnus/locks"


def render(example: str, folder: Path) -> None:
    """Render all hosts of an example below a folder, as `magnusctl render` does."""
    path = example_path(example)
    command = [sys.executable, "-m", "magnusctl", "render", str(folder), "-i", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    for locks in folder.glob(f"*/{LEFT_OUT}"):
        shutil.rmtree(locks)


def main() -> None:
    """Replace what is there."""
    for example in examples():
        shutil.rmtree(GOLDEN / example, ignore_errors=True)
        render(example, GOLDEN / example)


if __name__ == "__main__":
    main()
