"""The folder of a project: its templates, and roles and checks of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from magnusctl.errors import InputError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_SUFFIXES = (".py", ".yaml")


def project_of(inventory: Path) -> Path:
    """The folder with `templates`: that of the inventory, or the one above `inventory/`."""
    folder = inventory.resolve().parent
    return folder.parent if folder.name == "inventory" else folder


def own_files(project: Path, kind: str, taken: Collection[str] = ()) -> Mapping[str, Path]:
    """The files `NAME.py` and `NAME.yaml` in the project's folder `roles` or `checks`, by name.

    What is called otherwise is not ours. Raises InputError for a name that is taken.
    """
    found: dict[str, Path] = {}
    for path in _files(project / kind):
        name = path.stem
        if name in taken:
            message = f"'{name}' is the name of one that comes with magnusctl"
            raise InputError(message, where=str(path), hint="Give the file another name.")
        if name in found:
            message = f"'{name}' is also in {found[name].name}"
            raise InputError(message, where=str(path), hint="Keep one of the two files.")
        found[name] = path
    return found


def _files(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(folder)) from None
    return [path for path in paths if path.suffix in _SUFFIXES and _NAME.fullmatch(path.stem)]
