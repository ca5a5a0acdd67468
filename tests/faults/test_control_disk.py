"""R1 on this side: a full disk where magnusctl runs loses no old byte and disturbs no job."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.site import FILES, Simulated, Site
from tests.faults.smallfs import SmallFs, missing, missing_ext4, small
from tests.inventory.helpers import magnusctl
from tests.lab.system import command

pytestmark = pytest.mark.skipif(bool(missing_ext4()), reason=missing_ext4() or missing() or "-")
NUMBERS = itertools.count()
FULL = "No space left on device"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[SmallFs]:
    """A small disk, with room until it is filled."""
    with small(tmp_path / "full", 512) as made:
        (made.path / "lost+found").rmdir()
        yield made


def new_host(place: Site, **settings: Any) -> Simulated:
    return place.host(f"control{next(NUMBERS)}", **settings)


def assert_only(full: SmallFs, *names: str) -> None:
    """Nothing half written lies there."""
    found = {path.name for path in full.path.iterdir()} - {".fill"}
    assert found == set(names)


def audit(full: SmallFs) -> Path:
    return full.path / "magnus/audit.jsonl"


def test_r1_a_log_that_cannot_be_written_is_told_and_the_job_goes_on(
    place: Site, full: SmallFs
) -> None:
    host = new_host(place)
    full.fill()
    ran = host.run("provision", "--yes", XDG_STATE_HOME=str(full.path))
    assert ran.code == 0, ran.said
    assert f"{host.name}  {full.path}/magnus" in ran.stderr
    assert f"cannot be written: {FULL}" in ran.stderr
    assert host.files() == {path: after for path, (_, after) in FILES.items()}
    assert host.ended() == "ok"


# So many bytes of a block are taken that the line is cut in it, or ends with it, or begins behind.
@pytest.mark.parametrize(
    "taken",
    [900, *(pytest.param(n, marks=pytest.mark.slow_faults) for n in (700, 1000, 1023, 1024))],
)
def test_r1_a_line_of_the_log_that_was_cut_spoils_no_other(
    place: Site, full: SmallFs, taken: int
) -> None:
    host = new_host(place)
    audit(full).parent.mkdir(mode=0o700)
    first = json.dumps({"event": "first", "pad": ""})
    audit(full).write_text(f"{first[:-2]}{'x' * (taken - len(first) - 1)}{first[-2:]}\n")
    assert audit(full).stat().st_size == taken
    full.fill()
    kept = str(full.path)
    ran = host.run("provision", "--yes", XDG_STATE_HOME=kept)
    assert ran.code == 0, ran.said
    assert f"cannot be written: {FULL}" in ran.stderr
    full.free()
    assert host.run("provision", "--yes", XDG_STATE_HOME=kept).code == 0
    assert host.run("rollback", host.name, "--yes", XDG_STATE_HOME=kept).code == 0
    told = host.run("history", "--json", XDG_STATE_HOME=kept)
    lines = [json.loads(line)["line"] for line in told.stdout.splitlines()]
    assert lines[0]["event"] == "first"
    assert [(line["event"], line.get("verb")) for line in lines[-2:]] == [
        ("sent", "rollback"),
        ("heard", "rollback"),
    ]
    assert lines[-1]["result"] == "ok"


def test_r1_a_plan_that_cannot_be_written_leaves_the_old_one(place: Site, full: SmallFs) -> None:
    host = new_host(place)
    out = full.path / "plan.json"
    assert host.run("plan", "-o", str(out)).code == 0
    old = out.read_bytes()
    for leave in (0, 1024, 3000):
        full.fill(leave=leave)
        ran = host.run("plan", "-o", str(out))
        assert ran.code == 2
        assert f"{out}: cannot write: {FULL}" in ran.stderr
        assert out.read_bytes() == old
        assert_only(full, "plan.json")
        full.free()
    assert host.run("provision", "--yes", "--plan", str(out)).code == 0


def test_r1_a_key_that_cannot_be_remembered_costs_no_other(place: Site, full: SmallFs) -> None:
    theirs = full.path / "known_hosts"
    ssh = {"config": "none", "identity": str(place.server.identity), "known_hosts": str(theirs)}
    host = new_host(place, ssh=ssh)
    public = place.server.folder / "host_key.pub"
    theirs.write_text("".join(f"other{n} {public.read_text()}" for n in range(40)))
    theirs.chmod(0o640)
    old = theirs.read_bytes()
    fingerprint = command("ssh-keygen", "-lf", public).split()[1]
    full.fill()
    ran = host.run("trust", host.name, "--fingerprint", fingerprint)
    assert ran.code == 3
    assert f"{host.name}: {theirs} cannot be written: {FULL}" in ran.stderr
    assert theirs.read_bytes() == old
    assert_only(full, "known_hosts")
    full.free()
    ran = host.run("trust", host.name, "--fingerprint", fingerprint)
    assert ran.code == 0, ran.said
    assert theirs.read_bytes().startswith(old)
    assert theirs.stat().st_mode & 0o777 == 0o640
    assert host.run("plan").code == 0


@pytest.mark.parametrize("words", [("probe", "--record"), ("render",)])
def test_r1_what_is_recorded_or_rendered_is_whole_or_the_old_one(
    place: Site, full: SmallFs, words: tuple[str, ...]
) -> None:
    host = new_host(place)
    out = full.path / "out"
    assert host.run(*words, str(out)).code == 0
    old = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert old
    next(iter(old)).write_text("an older one\n")
    old[next(iter(old))] = b"an older one\n"
    full.fill()
    ran = host.run(*words, str(out))
    assert ran.code == 2
    assert f"cannot write: {FULL}" in ran.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == old


def test_r1_a_starter_that_cannot_be_written_is_begun_anew(full: SmallFs) -> None:
    full.fill(leave=3000)
    begun = magnusctl(full.path, "init")
    assert begun.returncode == 2
    assert f"cannot write: {FULL}" in begun.stderr
    full.free()
    assert magnusctl(full.path, "init").returncode == 0
    assert magnusctl(full.path, "inventory", "check").returncode == 0
