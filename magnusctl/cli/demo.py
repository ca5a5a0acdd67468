"""magnusctl demo"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None, typer.Option("--keep", help="Keep the hosts' files in this folder.")
    ] = None,
) -> None:
    """Provision the four example hosts, simulated on this machine. No privilege is needed."""
    from magnusctl.demo.show import show

    raise typer.Exit(show(folder))
