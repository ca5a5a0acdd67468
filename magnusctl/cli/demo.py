"""magnusctl demo"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    example: Annotated[
        str,
        typer.Argument(help="Whose hosts: magnus, rtx4090-ollama, bigram-server, mixtral-cpu."),
    ] = "magnus",
    folder: Annotated[
        Path | None, typer.Option("--keep", help="Keep the hosts' files in this folder.")
    ] = None,
) -> None:
    """Provision the hosts of an example, simulated on this machine. No privilege is needed."""
    from magnusctl.demo.show import show
    from magnusctl.inventory.starter import example_path

    raise typer.Exit(show(folder, example_path(example)))
