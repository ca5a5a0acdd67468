"""Options that many commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magnusctl.errors import InputError
from magnusctl.quote import sh

if TYPE_CHECKING:
    from magnusctl.report import Report

DEFAULTS = ("magnus.yaml", "inventory/magnus.yaml")

InventoryOption = Annotated[
    Path | None,
    typer.Option(
        "-i",
        "--inventory",
        metavar="FILE",
        help="The inventory; else $MAGNUS_INVENTORY, magnus.yaml or inventory/magnus.yaml.",
        show_default=False,
    ),
]
OverlayOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--overlay", metavar="FILE", help="A file laid over the inventory; may be repeated."
    ),
]
LimitOption = Annotated[
    str,
    typer.Option(
        "-l", "--limit", metavar="HOSTS", help="Only these hosts: 'rtx3090,@gpu,edge-*,!linode'."
    ),
]
TagsOption = Annotated[
    str,
    typer.Option(
        "-t", "--tags", metavar="ROLES", help="Only these roles; 'resources' is what has no role."
    ),
]
ParallelOption = Annotated[
    int,
    typer.Option("-p", "--parallel", metavar="N", min=1, max=512, help="Hosts at the same time."),
]
ObservedOption = Annotated[
    Path | None,
    typer.Option(
        "--observed",
        metavar="FOLDER",
        help="Plan from answers recorded in this folder; no network.",
    ),
]
DiffOption = Annotated[bool, typer.Option("--diff", help="Show the text of files that change.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def inventory_paths(inventory: Path | None, overlay: list[Path] | None) -> list[Path]:
    """The inventory that is meant, and what is laid over it. Raises InputError for none."""
    return [inventory or _default(), *(overlay or [])]


def _default() -> Path:
    named = os.environ.get("MAGNUS_INVENTORY")
    if named:
        return Path(named)
    for name in DEFAULTS:
        if Path(name).is_file():
            return Path(name)
    raise InputError(
        f"no inventory here: neither {' nor '.join(DEFAULTS)}",
        hint="Write one with:  magnusctl init        or name one with -i",
    )


def report(json: bool, *, verbose: bool = False) -> Report:
    """The drawer that was asked for; it also draws what transports have to say."""
    from magnusctl.transport import listen

    drawn: Report
    if json:
        from magnusctl.report.jsonl import JsonReport

        drawn = JsonReport()
    else:
        from magnusctl.report.text import TextReport

        drawn = TextReport(verbose=verbose)
    listen(drawn.note)
    return drawn


def next_words(command: str, *, limit: str, tags: str) -> str:
    """A command to type next, about the same hosts and roles."""
    chosen = [*(["-l", limit] if limit != "*" else []), *(["-t", tags] if tags != "*" else [])]
    return f"{command} {sh(*chosen)}".rstrip()


EngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="vllm, mlx, llamacpp or ollama."),
]
QuantOption = Annotated[
    str | None, typer.Option("--quant", metavar="NAME", help="In this form, as 'Q4_K_M'.")
]
ContextOption = Annotated[
    int | None,
    typer.Option("--context", metavar="TOKENS", min=1, max=1 << 24, help="Of one conversation."),
]
AtOnceOption = Annotated[
    int | None,
    typer.Option(
        "--parallel", metavar="N", min=1, max=1024, help="Conversations at the same time."
    ),
]
CacheTypeOption = Annotated[
    str, typer.Option("--kv-dtype", metavar="TYPE", help="Of the cache: f16, q8_0, fp8.")
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-disruption",
        metavar="HOST:WHAT",
        help="Consent to one disruption of a protected host; may be repeated.",
    ),
]
WaitLockOption = Annotated[
    str,
    typer.Option(
        "--wait-lock",
        metavar="TIME",
        help="Wait so long for another job's lock, as '10m'; else it is refused at once.",
        show_default=False,
    ),
]
AskSudoOption = Annotated[
    bool,
    typer.Option("--ask-sudo", help="Ask once for the password that sudo wants on the hosts."),
]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Apply without asking.")]
HostArgument = Annotated[str, typer.Argument(help="A host of the inventory.", show_default=False)]


def seconds(text: str, option: str) -> int:
    """A length of time, as `90`, `30s` or `10m`, in seconds. Raises InputError."""
    from magnusctl.inventory.units import parse_seconds

    if not text:
        return 0
    try:
        return int(parse_seconds(f"{text}s" if text.isdecimal() else text))
    except ValueError as error:
        raise InputError(str(error), where=option) from None


def one_host(host: str) -> str:
    """A host as a selection. Raises InputError for a pattern."""
    if any(sign in host for sign in "*?[!@,"):
        raise InputError(f"'{host}' is no single host")
    return host
