"""Tests that wait more than they work, under several shells at the same time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.shells.hosts import Host, MakeHost
from tests.shells.shells import SHELLS, Shell

Test = Callable[..., None]


def under(shells: Sequence[Shell] = SHELLS) -> Callable[[Test], Test]:
    """Give a test one host after the other, one for each shell, all at once.

    Its first argument is the host: `host`, `linux` or `macos`, as the fixtures of these names.
    """

    def made(test: Test) -> Test:
        first, *others = inspect.signature(test).parameters.values()

        def run(host_under: Callable[[Shell], MakeHost], **more: Any) -> None:
            here = [shell for shell in shells if not shell.missing]

            def one(shell: Shell) -> Exception | None:
                try:
                    test(_host(host_under(shell), first.name), **more)
                except Exception as error:
                    error.add_note(f"under {shell.name}")
                    return error
                return None

            with ThreadPoolExecutor(max(1, len(here))) as pool:
                errors = [error for error in pool.map(one, here) if error]
            if errors:
                raise ExceptionGroup(f"{len(errors)} of {len(here)} shells", errors)
            if len(here) < len(shells):
                pytest.skip(", ".join(shell.missing for shell in shells if shell.missing))

        place = inspect.Parameter("host_under", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        vars(run)["__signature__"] = inspect.Signature([place, *others])
        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        return run

    return made


def _host(make: MakeHost, kind: str) -> Host:
    systems = {"host": "", "linux": "ubuntu-24.04", "macos": "macos-15"}
    return make(kind, systems[kind])
