"""magnusctl fit"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magnusctl.cli.options import (
    AtOnceOption,
    CacheTypeOption,
    ContextOption,
    EngineOption,
    InventoryOption,
    JsonOption,
    OverlayOption,
    QuantOption,
    inventory_paths,
)
from magnusctl.errors import Exit, InputError

if TYPE_CHECKING:
    from magnusctl.fitting import Question
    from magnusctl.placement import Live
    from magnusctl.remedies import Answer

_CODES = {True: Exit.OK, False: Exit.CHECK_FAILED, None: Exit.PRECONDITION}


def fit(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model of the inventory or of the catalogue, or the path of its files.",
            show_default=False,
        ),
    ] = None,
    inventory: InventoryOption = None,
    overlay: OverlayOption = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="HOST", help="Only on this host.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Compare all hosts.")] = False,
    engine: EngineOption = None,
    quant: QuantOption = None,
    context: ContextOption = None,
    parallel: AtOnceOption = None,
    kv_dtype: CacheTypeOption = "",
    device: Annotated[
        str | None,
        typer.Option(
            "--device", metavar="NAME", help="A device without an inventory, as '2x RTX 3090'."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option("--memory", metavar="SIZE", help="Of the device or each card, as '24GiB'."),
    ] = None,
    observed: Annotated[
        Path | None,
        typer.Option("--observed", metavar="FOLDER", help="Use the memory recorded there."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the hosts how much of their memory is free now.")
    ] = False,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch", metavar="FILE", help="Answer requests, one JSON object a line; '-': stdin."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell whether a model fits on a host, how fast it would be, and what would fit instead.

    Ends with 0 where it fits, with 9 where it does not, with 3 where that cannot be told.
    """
    if batch is not None:
        if model is not None:
            raise InputError("--batch takes its models from its lines", where="--batch")
        raise typer.Exit(_batch(batch))
    if model is None:
        raise InputError("which model?", hint="As in:  magnusctl fit qwen2.5-14b --all")
    from magnusctl.catalogue import ENGINES
    from magnusctl.fitting import Question

    if engine is not None and engine not in ENGINES:
        hint = f"Engines: {', '.join(ENGINES)}"
        raise InputError(f"there is no engine '{engine}'", where="--engine", hint=hint)
    asked = Question(model, on, every, engine, quant, context, parallel, kv_dtype)
    if device is not None and live:
        raise InputError("--live asks hosts, and --device is in place of them", where="--live")
    if device is not None:
        answer = _on_device(asked, device, memory)
    elif memory is not None:
        raise InputError("it is the memory of what?", where="--memory", hint="Add --device NAME.")
    else:
        answer = _on_inventory(asked, inventory, overlay, observed, now=live)
    _show(answer, json)
    raise typer.Exit(_CODES[answer.verdict])


def _batch(name: str) -> int:
    """Answer lines. Of this program nothing else is loaded for it."""
    from magnusctl.fitbatch import answers

    if name == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed", hint="Name a file, or pipe lines in.")
        answers(sys.stdin.buffer, sys.stdout)
        return Exit.OK
    try:
        with Path(name).open("rb") as lines:
            answers(lines, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=name) from None
    return Exit.OK


def _on_device(asked: Question, device: str, memory: str | None) -> Answer:
    from magnusctl.fitting import device_named, on_device
    from magnusctl.inventory.units import parse_bytes

    if asked.on or asked.every_host:
        raise InputError("--device is in place of hosts", where="--device")
    try:
        size = parse_bytes(memory) if memory else None
    except ValueError as error:
        raise InputError(str(error), where="--memory") from None
    return on_device(asked, device_named(device, size))


def _on_inventory(
    asked: Question,
    inventory: Path | None,
    overlay: list[Path] | None,
    observed: Path | None,
    *,
    now: bool,
) -> Answer:
    from magnusctl.fitting import on_inventory
    from magnusctl.inventory.validate import load
    from magnusctl.recordedmemory import live_of

    if now and observed:
        raise InputError("either recorded answers or the hosts themselves", where="--live")
    if asked.on and asked.every_host:
        raise InputError("either one host or all of them", where="--on")
    try:
        paths = inventory_paths(inventory, overlay)
    except InputError as error:
        error.hint += "\nWithout one:  magnusctl fit MODEL --device 'RTX 3090' --memory 24GiB"
        raise
    declared = load(paths)
    live, notes = live_of(observed, declared) if observed else ({}, {})
    if now:
        live, notes = _asked_now(asked, paths)
    return on_inventory(asked, declared, live, notes)


def _asked_now(asked: Question, paths: list[Path]) -> tuple[dict[str, Live], dict[str, str]]:
    """What hosts say of their memory at this moment; of who says nothing, what is declared."""
    from magnusctl.deploying.ask import standings
    from magnusctl.deploying.prepare import live_of
    from magnusctl.fleet import open_fleet

    notes: dict[str, str] = {}

    def told(host: str, text: str) -> None:
        notes[host] = f"{text}; judged as declared"

    found = standings(open_fleet(paths), paths[0], asked.on, told=told)
    return {host: live_of(one, asked.model) for host, one in found.items()}, notes


def _show(answer: Answer, json: bool) -> None:
    from magnusctl.report import fitted

    if json:
        from magnusctl.report.jsonl import emit

        for kind, values in fitted.objects(answer):
            emit(kind, **values)
        return
    from magnusctl.report.text import TextReport

    TextReport().drawn(partial(fitted.lines, answer))
