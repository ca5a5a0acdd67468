"""The one question before hosts are changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from magnusctl.errors import Exit, InputError, Interrupted
from magnusctl.report import Planned
from magnusctl.report.describe import count


def consent(planned: Sequence[Planned], *, yes: bool, json: bool) -> None:
    """Return if the plan may be applied; leave if the answer is no."""
    if yes:
        return
    plans = [item.plan for item in planned if item.plan]
    total = count(sum(len(plan) for plan in plans), "change")
    hint = "Apply without a question:  magnusctl provision --yes"
    agree(f"Apply {total} on {count(len(plans), 'host')}?", hint, possible=not json)


def agree(question: str, hint: str, *, possible: bool = True) -> None:
    """Return if somebody says yes. Raises InputError where nobody can be asked."""
    if not possible or not sys.stdin.isatty():
        raise InputError("nobody is there to ask, so nothing was done", hint=hint)
    try:
        agreed = typer.confirm(question, default=False)
    except typer.Abort:
        raise Interrupted("interrupted; nothing was done") from None
    if not agreed:
        typer.echo("Nothing was done.")
        raise typer.Exit(Exit.OK)
