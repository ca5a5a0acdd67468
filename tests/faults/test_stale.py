"""C2: what changed since it was looked at is left alone, and named with what was and what is."""

from __future__ import annotations

import random
import re
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import RESOURCES, Simulated, Site
from tests.lab.system import wait_for

EDITS = 50
slow = pytest.mark.slow_faults
every_edit = pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=() if n in (2, 12) else slow) for n in range(EDITS)]
)


def write(path: Path, luck: random.Random) -> None:
    path.write_text("".join(luck.choice("abc\n") for _ in range(luck.randrange(1, 2000))))


def append(path: Path, luck: random.Random) -> None:
    with path.open("a") as file:
        file.write(f"# by hand {luck.random()}\n")


def protect(path: Path, luck: random.Random) -> None:
    path.chmod(luck.choice([0o600, 0o640, 0o755, 0o666]))


def remove(path: Path, luck: random.Random) -> None:
    del luck
    path.unlink()


def link(path: Path, luck: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(luck.choice(["/nowhere", "two", "../hosts"]))


def folder(path: Path, luck: random.Random) -> None:
    del luck
    path.unlink(missing_ok=True)
    path.mkdir()


def tune(path: Path, luck: random.Random) -> None:
    text = path.read_text()
    path.write_text(text.replace("swappiness = 60", f"swappiness = {luck.randrange(11, 60)}"))


def enlist(path: Path, luck: random.Random) -> None:
    with path.open("a") as file:
        file.write(f"app:x:{luck.randrange(1001, 2000)}:1001::/home/other:/bin/sh\n")


Edit = Callable[[Path, random.Random], None]
THERE: tuple[Edit, ...] = (write, append, protect, remove, link, folder)
NOT_THERE: tuple[Edit, ...] = (write, link, folder)
KINDS: Mapping[str, tuple[str, tuple[Edit, ...]]] = {
    "file:/etc/app/one": ("/etc/app/one", NOT_THERE),
    "file:/etc/app/two": ("/etc/app/two", THERE),
    "file:/etc/app/big": ("/etc/app/big", THERE),
    "file:/etc/hosts.allow": ("/etc/hosts.allow", THERE),
    "file:/etc/hosts.deny": ("/etc/hosts.deny", NOT_THERE),
    "directory:/etc/app": ("/etc/app", (lambda path, luck: path.chmod(0o711),)),
    "sysctl:vm.swappiness": ("/.simulated/sysctl", (tune,)),
    "user:app": ("/etc/passwd", (enlist,)),
    "command:mark": ("/etc/app/mark", (write,)),
}


def edit(host: Simulated, seed: int) -> str:
    """Change one thing on a host by hand; the resource that it is."""
    luck = random.Random(seed)
    # Each of them in turn, so that few seeds meet all.
    resource = list(KINDS)[seed % len(KINDS)]
    name, edits = KINDS[resource]
    luck.choice(edits)(host.path(name), luck)
    return resource


def picture(host: Simulated, *below: str) -> dict[str, tuple[int, str]]:
    """All of a host's files, or some: type and mode, and bytes or target."""
    paths = [host.path(one) for one in below] if below else sorted(host.root.rglob("*"))
    return {str(path): _picture(path) for path in paths}


def _picture(path: Path) -> tuple[int, str]:
    if path.is_symlink():
        return stat.S_IFLNK, str(path.readlink())
    if not path.exists():
        return 0, ""
    text = path.read_bytes().hex() if path.is_file() else ""
    return path.stat().st_mode, text


@every_edit
def test_c2_a_plan_from_before_an_edit_is_refused_and_nothing_is_changed(
    place: Site, tmp_path: Path, seed: int
) -> None:
    host = place.host(f"saved{seed}")
    saved = tmp_path / "plan.json"
    assert host.run("plan", "-o", str(saved)).code == 0
    resource = edit(host, seed)
    before = picture(host)
    ran = host.run("provision", "--plan", str(saved), "--yes")
    assert ran.code == 4, ran.said
    assert "the plan is stale. Nothing was changed anywhere." in ran.stderr
    found = re.findall(
        rf"  {host.name}: (\S+) changed on the host: expected (\w{{12}}), found (\w{{12}})",
        ran.stderr,
    )
    assert [name for name, _, _ in found] == [resource], ran.stderr
    assert found[0][1] != found[0][2]
    assert "magnusctl plan -o FILE" in ran.stderr
    assert picture(host) == before


@every_edit
def test_c2_what_is_edited_while_a_person_reads_the_plan_is_left_alone(
    place: Site, seed: int
) -> None:
    host = place.host(f"read{seed}")
    with host.start("provision", terminal=True) as run:
        run.wait_line("Apply 9 changes on 1 host")
        resource = edit(host, seed)
        path = KINDS[resource][0]
        before = picture(host, path)
        run.type("y\n")
        assert run.wait(90) == 4, run.stdout
    assert f"{host.name}: {resource} changed since it was planned, so " in run.stdout
    answers = re.search(r"planned from '(.+)', found '(.+)'", run.stdout)
    assert answers, run.stdout
    assert answers[1] != answers[2]
    assert f"magnusctl plan -l {host.name}" in run.stdout
    if resource != "directory:/etc/app":
        assert picture(host, path) == before
    else:
        assert stat.S_IMODE(host.path(path).stat().st_mode) == 0o711
    assert "conflict" in " ".join(host.journal())
    assert host.free()


def test_c2_without_an_edit_a_saved_plan_is_applied(place: Site, tmp_path: Path) -> None:
    host = place.host("unedited")
    saved = tmp_path / "plan.json"
    assert host.run("plan", "-o", str(saved)).code == 0
    ran = host.run("provision", "--plan", str(saved), "--yes")
    assert ran.code == 0, ran.said
    host.assert_done()


def test_c2_of_two_saved_plans_the_second_is_stale_once_the_first_was_applied(
    place: Site, tmp_path: Path
) -> None:
    other: dict[str, Any] = {"files": {"/etc/app/two": {"content": "by bob\n"}}}
    views = place.host("two", user="alice"), place.host("two", other, user="bob")
    saved = tmp_path / "alice.json", tmp_path / "bob.json"
    for view, path in zip(views, saved, strict=True):
        assert view.run("plan", "-o", str(path)).code == 0
    assert views[0].run("provision", "--plan", str(saved[0]), "--yes").code == 0
    (job,) = views[0].jobs()
    wait_for("its runner's last word", (views[0].state / "jobs" / job / "over").exists, 60)
    before = picture(views[0])
    refused = views[1].run("provision", "--plan", str(saved[1]), "--yes")
    assert refused.code == 4
    assert "  two: file:/etc/app/two changed on the host: expected" in refused.stderr
    assert picture(views[0]) == before


def test_c2_a_plan_that_was_edited_or_of_another_inventory_is_refused(
    place: Site, tmp_path: Path
) -> None:
    host = place.host("changed")
    saved = tmp_path / "plan.json"
    assert host.run("plan", "-o", str(saved)).code == 0
    before = picture(host)
    place.host("changed", {**RESOURCES, "sysctls": {"vm.swappiness": 20}})
    ran = host.run("provision", "--plan", str(saved), "--yes")
    assert ran.code == 4
    assert "changed: sysctl:vm.swappiness is declared otherwise: expected" in ran.stderr
    shutil.copy(saved, tmp_path / "edited.json")
    text = saved.read_text()
    (tmp_path / "edited.json").write_text(text.replace('"60"', '"61"'))
    execs = place.server.execs()
    ran = host.run("provision", "--plan", str(tmp_path / "edited.json"), "--yes")
    assert ran.code == 4
    assert "the plan was edited or cut" in ran.stderr
    assert place.server.execs() == execs
    assert picture(host) == before
