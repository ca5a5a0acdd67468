"""magnusctl probe"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magnusctl.cli.apply import sudo_password
from magnusctl.cli.options import (
    AskSudoOption,
    InventoryOption,
    LimitOption,
    OverlayOption,
    ParallelOption,
    inventory_paths,
)


def probe(
    record: Annotated[Path, typer.Option("--record", help="The folder to write answers to.")],
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    parallel: ParallelOption = 16,
    ask_sudo: AskSudoOption = False,
) -> None:
    """Ask every host and save its answers, for plans without a network (--observed)."""
    from magnusctl.fleet import open_fleet, record_all
    from magnusctl.report import exit_code
    from magnusctl.report.text import print_error

    fleet = open_fleet(
        inventory_paths(inventory, overlay),
        limit=limit,
        workers=parallel,
        password=sudo_password(ask_sudo),
    )
    written, errors = record_all(fleet, record)
    for path in written:
        typer.echo(f"wrote {path}")
    for error in errors:
        print_error(error)
    raise typer.Exit(exit_code(errors))
