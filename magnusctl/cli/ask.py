"""The one question before hosts are changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from magnusctl.errors import Exit, InputError, Interrupted
from magnusctl.report import Planned
from magnusctl.report.describe import count


def consent(planned: Sequence[Planned], *, verb: str, yes: bool, json: bool) -> None:
    """Return if the plan may be applied; leave if the answer is no."""
    if yes:
        return
    plans = [item.plan for item in planned if item.plan and not item.held]
    total = count(sum(len(plan) for plan in plans), "change")
    hint = f"Apply without a question: magnusctl {verb} … --yes"
    question = f"Apply {total} on {count(len(plans), 'host')}?"
    if not agree(question, hint, possible=not json):
        typer.echo("Nothing was applied.")
        raise typer.Exit(Exit.CHANGES_PENDING)


def agree(question: str, hint: str, *, possible: bool = True) -> bool:
    """Whether somebody says yes. Raises InputError where nobody can be asked."""
    if not possible or not sys.stdin.isatty():
        raise InputError("nobody is there to ask, so nothing was done", hint=hint)
    try:
        return typer.confirm(question, default=False)
    except typer.Abort:
        typer.echo(err=True)
        raise Interrupted("interrupted; nothing was done") from None
