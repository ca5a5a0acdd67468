"""magnusctl init"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(help="Where the project is, or will be.")] = Path(),
    example: Annotated[
        str,
        typer.Option(help="Begin with an example: magnus, rtx4090-ollama, bigram-server, …"),
    ] = "",
) -> None:
    """Write a starter inventory, with the schema that editors complete from."""
    from magnusctl.inventory.starter import write

    for path in write(folder, example):
        typer.echo(f"wrote {path}")
    typer.echo("Edit it, then:  magnusctl inventory check")
