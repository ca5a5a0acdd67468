"""What a project adds of its own: roles in `roles/`, checks in `checks/`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from magnusctl.checks.custom import Custom, Judge, Judgement, matcher, unknown
from magnusctl.errors import Ended, InputError
from magnusctl.inventory.checkspec import LONGEST_S
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.project import own_files
from magnusctl.inventory.select import select
from magnusctl.inventory.validate import TAKEN, load_check, load_resources
from magnusctl.roles import ROLES, Role, declared
from magnusctl.roles.context import Context
from magnusctl.roles.yielded import fault_of, is_text
from magnusctl.state import Resource
from magnusctl.userfile import UserFile, faults_of, in_words, line_of, read

MAX_RESOURCES = 10_000


def roles_of(project: Path, inventory: Inventory) -> Mapping[str, Role]:
    """The built-in roles, and those of the project that hosts have. Raises InputError."""
    wanted = {role for host in inventory.hosts.values() for role in host.roles}
    own = own_files(project, "roles", TAKEN)
    return {**ROLES, **{name: _role(own[name], inventory) for name in own if name in wanted}}


def _role(path: Path, inventory: Inventory) -> Role:
    if path.suffix == ".py":
        return _python_role(read(path))
    resources = load_resources(path, inventory.secrets)

    def role(context: Context) -> Iterator[Resource]:
        yield from declared.groups(resources)
        yield from declared.resources(context, resources)

    return role


def _python_role(file: UserFile) -> Role:
    def role(context: Context) -> Iterator[Resource]:
        # A module of its own for every host: no two can share what one leaves behind.
        with faults_of(file.path):
            yielded = _wanted(file.run(), "resources", Callable)(context)
            return iter([*_checked(yielded, file.path)])

    return role


def _checked(yielded: Any, path: Path) -> Iterator[Resource]:
    if not isinstance(yielded, Iterator | list | tuple):
        raise InputError(f"resources() yields nothing: it returns {yielded!r}", where=str(path))
    for number, resource in enumerate(yielded):
        fault = fault_of(resource)
        if number >= MAX_RESOURCES:
            fault = f"it yields more than {MAX_RESOURCES} resources"
        if fault:
            raise InputError(f"role {path.stem}: {fault}", where=_yield_of(yielded, path))
        yield resource


def _yield_of(yielded: object, path: Path) -> str:
    """The line of the `yield` at which a generator stands."""
    frame = yielded.gi_frame if inspect.isgenerator(yielded) else None
    return f"{path}:{frame.f_lineno}" if frame else str(path)


def checks_of(project: Path, inventory: Inventory) -> tuple[Custom, ...]:
    """The checks of the project. Raises InputError."""
    files = own_files(project, "checks")
    return tuple(_check(name, path, inventory) for name, path in files.items())


def _check(name: str, path: Path, inventory: Inventory) -> Custom:
    if path.suffix == ".py":
        return _python_check(name, path, inventory)
    spec = load_check(path)
    judge = matcher(spec.expect, unit=spec.unit, target=spec.target, remedy=spec.remedy)
    hosts = _hosts(inventory, spec.hosts, path)
    return Custom(name, spec.run, judge, hosts, math.ceil(spec.timeout))


def _python_check(name: str, path: Path, inventory: Inventory) -> Custom:
    with faults_of(path):
        module = read(path).run()
        seconds = _wanted(module, "TIMEOUT_S", int, 20)
        if not 1 <= seconds <= LONGEST_S:
            raise InputError(f"TIMEOUT_S must be 1 to {LONGEST_S}, not {seconds}")
        hosts = _hosts(inventory, _wanted(module, "HOSTS", str, "*"), path)
        judge = _judge(_wanted(module, "judge", Callable), path)
        run = _wanted(module, "RUN", str)
        if "\0" in run or not is_text(run):
            raise InputError("'RUN' holds what no shell text can: a NUL byte, or half a character")
        return Custom(name, run, judge, hosts, seconds)


def _hosts(inventory: Inventory, pattern: str, path: Path) -> frozenset[str]:
    try:
        return frozenset(select(inventory, pattern, "hosts"))
    except InputError as error:
        raise InputError(error.message, where=str(path), hint=error.hint) from None


def _wanted(module: ModuleType, name: str, kind: Any, default: Any = None) -> Any:
    """A name that a module must have. Raises InputError when it is missing or something else."""
    value = getattr(module, name, default)
    if value is None:
        raise InputError(f"it has no '{name}'", where=str(module.__file__))
    if not isinstance(value, kind) or isinstance(value, bool):
        message = f"'{name}' must be {_WORDS.get(kind, 'a function')}, not {value!r}"
        raise InputError(message, where=str(module.__file__))
    return value


_WORDS = {str: "text", int: "a whole number"}


def _judge(judge: Callable[[Sequence[str]], object], path: Path) -> Judge:
    """A fault of a judge is the result of its check: it must not take the other results with it."""

    def guarded(lines: Sequence[str]) -> Judgement:
        try:
            found = judge(lines)
        except (KeyboardInterrupt, Ended):
            raise
        except BaseException as error:  # sys.exit() among them: it must not end this program well
            return unknown(f"{line_of(error, path)}: {in_words(error)}", "Mend the check.")
        if isinstance(found, Judgement) and found.is_sound:
            return found
        return unknown(f"{path}: judge returns {found!r}", "Return passed(…) or failed(…).")

    return guarded
