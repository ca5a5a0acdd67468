"""magnusctl provision"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from magnusctl.cli.apply import apply, errors_of, sudo_password
from magnusctl.cli.options import (
    AllowOption,
    AskSudoOption,
    DiffOption,
    InventoryOption,
    JsonOption,
    LimitOption,
    ObservedOption,
    OverlayOption,
    ParallelOption,
    TagsOption,
    WaitLockOption,
    YesOption,
    inventory_paths,
    next_words,
    report,
    seconds,
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
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Do what this plan says and nothing else; refused if anything changed since.",
        ),
    ] = None,
    yes: YesOption = False,
    allow_disruption: AllowOption = None,
    wait_lock: WaitLockOption = "",
    ask_sudo: AskSudoOption = False,
    observed: ObservedOption = None,
    parallel: ParallelOption = 16,
    json: JsonOption = False,
) -> None:
    """Show the plan, ask once, and make the hosts what the inventory says."""
    from magnusctl import fleet as fleets
    from magnusctl import savedplan
    from magnusctl.errand import Errand
    from magnusctl.errors import InputError
    from magnusctl.report import exit_code

    if observed and not dry_run:
        raise InputError("--observed plans from recorded answers, so it goes with --dry-run")
    saved = savedplan.read(plan) if plan else None
    if saved and (limit, tags) != ("*", "*"):
        raise InputError("--plan says itself for which hosts and roles it is: leave -l and -t out")
    if saved:
        limit, tags = saved.limit, saved.tags
    errand = Errand(wait_lock_s=seconds(wait_lock, "--wait-lock"))
    fleet = fleets.open_fleet(
        inventory_paths(inventory, overlay),
        limit=limit,
        tags=tags,
        workers=parallel,
        observed=observed,
        password=sudo_password(ask_sudo),
    )
    drawn = report(json)
    now = None if observed else datetime.now(UTC)
    planned = fleets.plan_all(
        fleet, texts=diff and not observed, allow=allow_disruption or (), now=now
    )
    if saved:
        savedplan.require_fresh(saved, planned)
    words = next_words("magnusctl provision", limit=limit, tags=tags)
    drawn.plans(planned, diff=diff, then=f"Apply with:  {words}" if dry_run and now else "")
    outcomes = []
    if not dry_run and any(item.has_work for item in planned):
        allow = allow_disruption or ()
        outcomes = apply(fleet, planned, drawn, errand, allow=allow, yes=yes, json=json)
    raise typer.Exit(exit_code(errors_of(planned, outcomes)))
