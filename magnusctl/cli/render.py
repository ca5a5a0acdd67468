"""magnusctl render"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magnusctl.cli.options import (
    InventoryOption,
    LimitOption,
    OverlayOption,
    TagsOption,
    inventory_paths,
)


def render(
    out: Annotated[Path, typer.Argument(help="The folder to write into.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    tags: TagsOption = "*",
) -> None:
    """Write every rendered file of every host to OUT/HOST/path; nothing is contacted."""
    from magnusctl.fleet import open_fleet
    from magnusctl.rendered import write

    fleet = open_fleet(inventory_paths(inventory, overlay), limit=limit, tags=tags)
    written = [write(out, machine.name, machine.desired) for machine in fleet.machines]
    typer.echo(f"wrote {sum(written)} files of {len(written)} hosts to {out}")
