"""A saved plan is held to the hosts that it is for, to the way to them, and to its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl import savedplan
from magnusctl.errors import ConflictError, InputError
from magnusctl.inventory.model import Host
from magnusctl.report import Planned
from magnusctl.resources.command import Command
from magnusctl.state import Observed, Plan
from tests.inventory.helpers import loaded

RUNS = [Command(label=label, run="true", unless="false") for label in ("x", "y")]


def host(folder: Path, **settings: object) -> Host:
    lines = "".join(f", {key}: {value}" for key, value in settings.items())
    return loaded(folder, f"hosts: {{one: {{os: debian-12{lines}}}}}\n").hosts["one"]


def planned(name: str, of: Host, *commands: Command) -> Planned:
    seen = {one.id: Observed({}, "- needed") for one in commands}
    return Planned(name, Plan(name), fingerprints=savedplan.fingerprints(of, commands, seen))


def saved(path: Path, *hosts: Planned) -> savedplan.Saved:
    """What is read back of a plan that was written."""
    savedplan.write(path, hosts, limit="*", tags="*")
    return savedplan.read(path)


def test_nothing_changed_is_fresh_and_in_the_order_of_the_inventory(tmp_path: Path) -> None:
    now = planned("one", host(tmp_path), *RUNS)
    kept = saved(tmp_path / "plan", now)
    savedplan.require_fresh(kept, [now])
    assert list(kept.seen["one"]) == [savedplan.THE_HOST, "command:x", "command:y"]


def test_another_order_is_another_plan(tmp_path: Path) -> None:
    kept = saved(tmp_path / "plan", planned("one", host(tmp_path), *RUNS))
    with pytest.raises(ConflictError, match="stale") as caught:
        savedplan.require_fresh(kept, [planned("one", host(tmp_path), *reversed(RUNS))])
    assert "one: what is declared is in another order, from command:x on" in str(caught.value)


def test_a_host_that_is_gone_is_told(tmp_path: Path) -> None:
    both = [planned(name, host(tmp_path), *RUNS) for name in ("one", "two")]
    with pytest.raises(ConflictError) as caught:
        savedplan.require_fresh(saved(tmp_path / "plan", *both), both[:1])
    assert "two: it is in the plan, and is not declared any more" in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"address": "192.0.2.9"},
        {"port": 2222},
        {"user": "other"},
        {"root": "/srv/other"},
        {"become": "false"},
        {"confirm_timeout": "7s"},
        {"ssh": "{jump: bastion}"},
    ],
    ids=str,
)
def test_a_host_that_is_reached_otherwise_is_told(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    kept = saved(tmp_path / "plan", planned("one", host(tmp_path), *RUNS))
    with pytest.raises(ConflictError) as caught:
        savedplan.require_fresh(kept, [planned("one", host(tmp_path, **settings), *RUNS)])
    assert "one: the way to it is declared otherwise: expected " in str(caught.value)


def test_roles_and_windows_are_no_part_of_the_way(tmp_path: Path) -> None:
    kept = saved(tmp_path / "plan", planned("one", host(tmp_path), *RUNS))
    savedplan.require_fresh(kept, [planned("one", host(tmp_path, protected="true"), *RUNS)])


@pytest.mark.parametrize("text", ["[" * 200_000, '{"type": "magnusctl plan"}', "null", '"x"'])
def test_what_is_no_plan_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan"
    path.write_text(text)
    with pytest.raises(InputError, match="this is no plan"):
        savedplan.read(path)
