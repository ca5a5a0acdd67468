"""magnusctl provision"""

from __future__ import annotations

import time
from typing import Annotated

import typer

from magnusctl.cli.options import (
    DiffOption,
    InventoryOption,
    JsonOption,
    LimitOption,
    ObservedOption,
    OverlayOption,
    ParallelOption,
    TagsOption,
    inventory_paths,
    next_words,
    report,
)


def provision(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    tags: TagsOption = "*",
    diff: DiffOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and stop; as `magnusctl plan`.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Apply without asking.")] = False,
    observed: ObservedOption = None,
    parallel: ParallelOption = 16,
    json: JsonOption = False,
) -> None:
    """Show the plan, ask once, and make the hosts what the inventory says."""
    from magnusctl import fleet as fleets
    from magnusctl.cli.ask import consent
    from magnusctl.errors import InputError
    from magnusctl.report import exit_code

    if observed and not dry_run:
        raise InputError("--observed plans from recorded answers, so it goes with --dry-run")
    paths = inventory_paths(inventory, overlay)
    fleet = fleets.open_fleet(paths, limit=limit, tags=tags, workers=parallel, observed=observed)
    drawn = report(json)
    planned = fleets.plan_all(fleet, texts=diff and not observed)
    words = next_words("magnusctl provision", limit=limit, tags=tags)
    then = f"Apply with:  {words}" if dry_run and not observed else ""
    drawn.plans(planned, diff=diff, then=then)
    errors = [item.error for item in planned if item.error]
    if not dry_run and any(item.plan for item in planned):
        consent(planned, yes=yes, json=json)
        started = time.monotonic()
        try:
            outcomes = fleets.apply_all(fleet, planned, drawn)
        finally:
            drawn.close()
        drawn.outcomes(outcomes, time.monotonic() - started)
        errors += [outcome.error for outcome in outcomes if outcome.error]
    raise typer.Exit(exit_code(errors))
