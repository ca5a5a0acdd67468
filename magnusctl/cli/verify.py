"""magnusctl verify"""

from __future__ import annotations

import time

import typer

from magnusctl.cli.apply import sudo_password
from magnusctl.cli.options import (
    AskSudoOption,
    InventoryOption,
    JsonOption,
    LimitOption,
    ObservedOption,
    OverlayOption,
    ParallelOption,
    inventory_paths,
    report,
)


def verify(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    observed: ObservedOption = None,
    parallel: ParallelOption = 16,
    ask_sudo: AskSudoOption = False,
    json: JsonOption = False,
) -> None:
    """Prove that hosts are as declared, services run, peers answer and links are fast."""
    from magnusctl.fleet import open_fleet
    from magnusctl.report import verdict_code
    from magnusctl.verify import verify as check

    paths = inventory_paths(inventory, overlay)
    fleet = open_fleet(
        paths, limit=limit, workers=parallel, observed=observed, password=sudo_password(ask_sudo)
    )
    started = time.monotonic()
    results = check(fleet, network=observed is None)
    seconds = 0.0 if observed else time.monotonic() - started
    report(json).results(results, fleet.simulated, seconds)
    raise typer.Exit(verdict_code(results))
