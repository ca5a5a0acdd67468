"""magnusctl parse"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from magnusctl.errors import InputError


def parse(
    family: Annotated[
        str, typer.Argument(help="What it is an output of, as 'nvidia-smi-xml'; 'list' tells all.")
    ],
    file: Annotated[
        Path | None, typer.Argument(help="The output; standard input without it.")
    ] = None,
) -> None:
    """Print what is understood of one recorded output of a tool, as JSON."""
    import json

    from magnusctl.inventory.findings import nearest
    from magnusctl.parsers import FAMILIES, facts

    if family == "list":
        for name, what in FAMILIES.items():
            typer.echo(f"{name:<28}{what}")
        return
    if family not in FAMILIES:
        hint = nearest(family, FAMILIES) or "Families:  magnusctl parse list"
        raise InputError(f"there is no family '{family}'", hint=hint)
    piped = file is None or str(file) == "-"
    # Python's name for a standard input that was closed before it began.
    if piped and sys.stdin is None:
        raise InputError("standard input is closed", hint="Name a file, or pipe an output in.")
    try:
        data = sys.stdin.buffer.read() if piped or file is None else file.read_bytes()
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(file)) from None
    found = facts(family, data.decode("utf-8", "surrogateescape"))
    typer.echo(json.dumps(found, indent=2, ensure_ascii=True))
