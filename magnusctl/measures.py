"""What verifications measured, kept: baselines beside the inventory, and a history for pictures."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from magnusctl import audit, whole
from magnusctl.checks.baseline import Baseline, measured
from magnusctl.errors import InputError
from magnusctl.inventory.project import project_of
from magnusctl.report import Measure, Result
from magnusctl.state import canonical

FORMAT = "magnus-baseline/1"
FOLDER = "baselines"
KEPT_BYTES = 4 * 2**20
"""Of the history; the older half of it goes when it is longer."""
_LONGEST = 100
_NAMES = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def save(inventory: Path, name: str, results: Sequence[Result], simulated: Sequence[str]) -> Path:
    """Write a baseline into the project's folder. Raises InputError where that cannot be."""
    path = place(inventory, name)
    found = measured(results)
    if not found:
        hint = "Links and models are measured without --no-load, on hosts that are not simulated."
        raise InputError("nothing was measured, so there is nothing to save", hint=hint)
    rows = [{"subject": s, "check": c, **asdict(m)} for (s, c), m in sorted(found.items())]
    document = {
        "format": FORMAT,
        "time": audit.now(),
        "simulated": [*simulated],
        "measures": rows,
    }
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, f"{json.dumps(document, indent=1)}\n".encode())
    return path


def write(path: Path, data: bytes) -> None:
    """A report's file, whole or not at all. Raises InputError where it cannot be written."""
    try:
        whole.write(path, data)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from None


def require_place(path: Path | None) -> None:
    """Raise InputError where a file could not be written: better known before than after."""
    if path is None:
        return
    try:
        folder = path.resolve().parent
        if path.is_dir():
            raise InputError("it is a folder; a file is to be written", where=str(path))
        if path.exists() and not path.is_file():
            raise InputError("it is no file that can be replaced", where=str(path))
        if not folder.is_dir():
            raise InputError("there is no such folder", where=str(path))
        if not os.access(folder, os.W_OK):
            raise InputError("its folder cannot be written", where=str(path))
    # Of a loop of symbolic links, Python 3.11 and 3.12 say RuntimeError.
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "a loop of symbolic links"
        raise InputError(f"cannot write: {why}", where=str(path)) from None


def load(inventory: Path, name: str) -> Baseline:
    """A baseline of the project. Raises InputError for one that is not there, or is none."""
    path = place(inventory, name)
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}")
        return {(row["subject"], row["check"]): _measure(row) for row in document["measures"]}
    except FileNotFoundError:
        known = sorted(one.stem for one in path.parent.glob("*.json"))
        hint = f"There are: {', '.join(known)}" if known else "Make one with: verify --save NAME"
        raise InputError(f"there is no baseline '{name}'", where=str(path), hint=hint) from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"not a baseline: {error}", where=str(path)) from None


def _measure(row: Mapping[str, Any]) -> Measure:
    value, half = float(row["value"]), float(row["half"])
    return Measure(value, str(row["unit"]), bool(row["higher"]), half)


def place(inventory: Path, name: str) -> Path:
    """The file of a baseline. Raises InputError for a name that can be none."""
    if not name or name[0] in ".-" or not set(name) <= _NAMES:
        raise InputError(f"'{name}' cannot name a baseline: letters, digits, dots and dashes can")
    if len(name) > _LONGEST:
        raise InputError(f"a baseline's name has at most {_LONGEST} characters: '{name[:20]}…'")
    return project_of(inventory) / FOLDER / f"{name}.json"


def remember(inventory: Path, results: Sequence[Result]) -> str:
    """Add this run to the history on this machine. Returns what went wrong, or nothing."""
    found = measured(results)
    if not found:
        return ""
    rows = [[subject, check, m.value, m.unit] for (subject, check), m in found.items()]
    entry = {"time": audit.now(), "inventory": str(inventory.resolve()), "measures": rows}
    path = _history()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _shorten(path)
        audit.append(path, (canonical(entry) + "\n").encode())
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return ""


def _shorten(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > KEPT_BYTES:
            lines = path.read_bytes().splitlines(keepends=True)
            whole.write(path, b"".join(lines[len(lines) // 2 :]))


def history(inventory: Path) -> dict[tuple[str, str], list[tuple[str, float]]]:
    """Times and values of every measure of an inventory, the oldest first; lines that a full disk
    cut are left out."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    try:
        lines = _history().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return found
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry: Any = json.loads(line)
            if entry["inventory"] == str(inventory.resolve()):
                for subject, check, value, _ in entry["measures"]:
                    found.setdefault((subject, check), []).append((entry["time"], float(value)))
    return found


def _history() -> Path:
    return audit.path().with_name("measures.jsonl")
