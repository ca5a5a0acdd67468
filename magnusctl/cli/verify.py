"""magnusctl verify"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from magnusctl.cli.apply import sudo_password
from magnusctl.cli.options import (
    AskSudoOption,
    InventoryOption,
    JsonOption,
    LimitOption,
    OverlayOption,
    ParallelOption,
    inventory_paths,
    report,
)


def verify(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    observed: Annotated[
        Path | None,
        typer.Option(
            "--observed",
            metavar="FOLDER",
            help="Judge answers recorded in this folder; no network.",
        ),
    ] = None,
    no_load: Annotated[
        bool, typer.Option("--no-load", help="Measure no link, disk or model: some seconds.")
    ] = False,
    all_links: Annotated[
        bool, typer.Option("--all-links", help="Measure every pair that shares a network, too.")
    ] = False,
    check_set: Annotated[
        str | None,
        typer.Option(
            "--set", metavar="NAME", help="Only a list of acceptance: linux-nvidia, mac-mlx."
        ),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help="Keep what was measured as a baseline."),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="NAME", help="Compare with a baseline.")
    ] = None,
    max_drop: Annotated[
        str | None,
        typer.Option(
            "--max-drop", metavar="PERCENT", help="How much worse is no fault; without it 10%."
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, too.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page to look at, too.")
    ] = None,
    parallel: ParallelOption = 16,
    ask_sudo: AskSudoOption = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show every check that passed, too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Prove that hosts are as declared, services run, peers answer, links and models are fast.

    Ends with 0 when nothing failed and everybody answered, else with 9.
    """
    from magnusctl.fleet import open_fleet
    from magnusctl.proof import Wish, made, prove
    from magnusctl.verify import Extent

    paths = inventory_paths(inventory, overlay)
    wish = Wish(paths[0], check_set, save, against, max_drop, junit, html)
    live = observed is None
    extent = Extent(live, not no_load, all_links, partial(datetime.now, UTC) if live else None)
    then = made(wish, extent)
    fleet = open_fleet(
        paths, limit=limit, workers=parallel, observed=observed, password=sudo_password(ask_sudo)
    )
    started = time.monotonic()
    raise typer.Exit(prove(fleet, extent, wish, then, report(json, verbose=verbose), started))
