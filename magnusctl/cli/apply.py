"""From a shown plan to a result: one question, one run, what Ctrl-C means, one exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from magnusctl.errand import Errand
    from magnusctl.errors import MagnusError
    from magnusctl.fleet import Fleet
    from magnusctl.quote import Secret
    from magnusctl.report import Outcome, Planned, Report
    from magnusctl.state import Plan


def apply(
    fleet: Fleet,
    planned: Sequence[Planned],
    drawn: Report,
    errand: Errand,
    *,
    allow: Sequence[str],
    yes: bool,
    json: bool,
) -> list[Outcome]:
    """Ask once, apply what is not held, and draw what became of it."""
    from magnusctl import fleet as fleets
    from magnusctl.cli.ask import consent
    from magnusctl.errand import Permission
    from magnusctl.protection import held, lasts_s, protect

    if any(item.plan and not item.held for item in planned):
        consent(planned, verb=errand.verb, yes=yes, json=json)
        # A person may have thought for long: a window may have opened since.
        planned = protect(fleet.inventory, planned, allow, datetime.now(UTC))
    elif not yes:
        unsettled = [item.host for item in planned if item.has_work and not item.plan]
        _agree_to_settle(unsettled, errand, json=json)

    def judge(host: str, plan: Plan) -> Permission:
        now = datetime.now(UTC)
        refusal = held(fleet.inventory, host, plan, allow, now)
        return Permission(refusal, lasts_s(fleet.inventory, host, plan, allow, now))

    errand = replace(errand, judge=judge)
    started = time.monotonic()
    try:
        outcomes = fleets.apply_all(fleet, planned, drawn, errand, _Interrupts(drawn))
    finally:
        drawn.close()
    drawn.outcomes(outcomes, time.monotonic() - started)
    return outcomes


def _agree_to_settle(hosts: Sequence[str], errand: Errand, *, json: bool) -> None:
    """Return if what nobody confirmed may be taken back; leave if the answer is no."""
    from magnusctl.cli.ask import agree
    from magnusctl.errors import Exit

    hint = f"Do it without a question:  magnusctl {errand.verb} --yes"
    question = f"Take back what nobody confirmed on {', '.join(hosts)}?"
    if hosts and not agree(question, hint, possible=not json):
        typer.echo("Nothing was done.")
        raise typer.Exit(Exit.CHANGES_PENDING)


def errors_of(planned: Sequence[Planned], outcomes: Sequence[Outcome]) -> list[MagnusError]:
    """Everything that went wrong."""
    found = [item.error for item in planned] + [outcome.error for outcome in outcomes]
    return [error for error in found if error]


class _Interrupts:
    """What Ctrl-C means while jobs run: the first asks, the second detaches. No step is cut."""

    def __init__(self, drawn: Report) -> None:
        self._drawn = drawn
        self._pressed = 0

    def __call__(self) -> bool:
        """Whether to go on waiting."""
        self._pressed += 1
        if self._pressed > 1 or not sys.stdin.isatty():
            return False
        with self._drawn.hushed():
            try:
                typer.echo("\nThe jobs go on on their hosts, whatever happens here.", err=True)
                text = "[c]ancel after the current step, [d]etach, or Enter to go on watching"
                answer = typer.prompt(text, default="", show_default=False, err=True)
            except typer.Abort:
                return False
        if answer[:1] in ("c", "C"):
            self._cancel()
        return answer[:1] not in ("d", "D")

    def _cancel(self) -> None:
        from magnusctl.errors import MagnusError
        from magnusctl.following import cancel
        from magnusctl.run import running

        running.called_off = True
        for machine, job in running.all():
            try:
                said = cancel(machine, job)
            except MagnusError as error:
                said = error.message
            self._drawn.note(machine.name, f"cancel job {job} after its current step: {said}")


def sudo_password(wanted: bool) -> Secret | None:
    """The password that sudo may want, asked once per run. Raises InputError without a terminal."""
    if not wanted:
        return None
    from getpass import getpass

    from magnusctl.errors import InputError
    from magnusctl.quote import Secret
    from magnusctl.secrets import keep_from_disk

    if not sys.stdin.isatty():
        raise InputError(
            "nobody is there to ask for the password of sudo",
            hint="Name a secret in the inventory:  sudo_password: NAME",
        )
    keep_from_disk()
    typed = getpass("sudo password on the hosts: ")
    return Secret("sudo password", lambda: typed)
