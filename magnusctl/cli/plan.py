"""magnusctl plan"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from magnusctl.cli.apply import sudo_password
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
    inventory_paths,
    next_words,
    report,
)


def plan(
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    limit: LimitOption = "*",
    tags: TagsOption = "*",
    diff: DiffOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Keep the plan, for `provision --plan FILE` to do it and nothing else.",
        ),
    ] = None,
    allow_disruption: AllowOption = None,
    ask_sudo: AskSudoOption = False,
    observed: ObservedOption = None,
    parallel: ParallelOption = 16,
    script: Annotated[
        bool,
        typer.Option("--script", help="Print the exact shell that would run, and nothing else."),
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 10 when changes are pending.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what provision would change. Nothing is changed."""
    from magnusctl import fleet as fleets
    from magnusctl import savedplan
    from magnusctl.errors import Exit
    from magnusctl.quote import sh, visible
    from magnusctl.report import exit_code

    fleet = fleets.open_fleet(
        inventory_paths(inventory, overlay),
        limit=limit,
        tags=tags,
        workers=parallel,
        observed=observed,
        password=sudo_password(ask_sudo),
    )
    now = None if observed else datetime.now(UTC)
    planned = fleets.plan_all(
        fleet, texts=diff and not observed, allow=allow_disruption or (), now=now
    )
    if out:
        savedplan.write(out, planned, limit=limit, tags=tags)
    if script:
        for host, text in fleets.scripts(fleet, planned):
            typer.echo(visible(f"# ---- {host}\n{text}"))
    else:
        words = next_words("magnusctl provision", limit=limit, tags=tags)
        if out:
            words = f"magnusctl provision --plan {sh(out)}"
        more = "" if diff else "        See the text with --diff"
        report(json).plans(
            planned, diff=diff, then="" if observed else f"Apply with:  {words}{more}"
        )
    code = exit_code(item.error for item in planned if item.error)
    pending = any(item.plan for item in planned)
    raise typer.Exit(Exit.CHANGES_PENDING if detailed_exitcode and pending and not code else code)
