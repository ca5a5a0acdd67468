"""The one question before hosts are changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from magnusctl.errors import Exit, InputError, Interrupted
from magnusctl.report import Planned


def consent(planned: Sequence[Planned], *, yes: bool, json: bool) -> None:
    """Return if the plan may be applied; leave if the answer is no.

    Raises InputError where nobody can be asked.
    """
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise InputError(
            "nobody is there to ask, so nothing was applied",
            hint="Apply without a question:  magnusctl provision --yes",
        )
    plans = [item.plan for item in planned if item.plan]
    total = sum(len(plan) for plan in plans)
    hosts = "1 host" if len(plans) == 1 else f"{len(plans)} hosts"
    changes = "1 change" if total == 1 else f"{total} changes"
    try:
        agreed = typer.confirm(f"Apply {changes} on {hosts}?", default=False)
    except typer.Abort:
        raise Interrupted("interrupted; nothing was applied") from None
    if not agreed:
        typer.echo("Nothing was applied.")
        raise typer.Exit(Exit.OK)
