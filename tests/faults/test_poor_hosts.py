"""R5, R7, R8: hosts without a usable /tmp or without some program: all works, or one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from magnusctl.demo.roots import TOOLS
from tests.faults.smallfs import missing
from tests.faults.sshd import REPOSITORY
from tests.rooted import Project, project

RESOURCES = """\
resources:
  files:
    /etc/one: {content: "one\\n"}
    /etc/hosts: {content: "changed\\n"}
    /etc/hosts.allow: {content: "ALL: ALL\\n"}
  directories:
    /srv/a: {}
  sysctls:
    vm.swappiness: 10
  commands:
    mark: {run: ': >"$ROOT/srv/mark"', unless: '[ -e "$ROOT/srv/mark" ]'}
"""
BASICS = (*TOOLS, "id", "uname")


@pytest.fixture
def ours() -> Iterator[Project]:
    """A host with one change of every usual kind; its folder is not below /tmp."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="magnus-") as folder:
        made = project(Path(folder))
        made.inventory(RESOURCES)
        yield made


def without(ours: Project, *gone: str) -> dict[str, str]:
    """Take programs from a host; the environment in which nothing else is found either."""
    kept = ours.folder / "bin"
    kept.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        if found and name not in gone:
            (kept / name).symlink_to(found)
    for name in gone:
        (ours.root / ".standins" / name).unlink(missing_ok=True)
    return {"PATH": str(kept)}


@pytest.mark.parametrize(
    "gone",
    [
        *(("setsid",), ("perl",), ("setsid", "perl"), ("df",), ("ps",), ("nohup",), ("timeout",)),
        *(("sha256sum",), ("sha256sum", "shasum"), ("du", "head", "dirname", "env")),
    ],
    ids=" ".join,
)
def test_r7_a_program_that_has_a_substitute_is_not_missed(
    ours: Project, gone: tuple[str, ...]
) -> None:
    poor = without(ours, *gone)
    done = ours.run("provision", "--yes", **poor)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ours.run("plan", "--detailed-exitcode", **poor).returncode == 0
    assert (ours.root / "etc/hosts").read_text() == "changed\n"
    assert ours.run("rollback", "a", "--yes", **poor).returncode == 0
    assert (ours.root / "etc/hosts").read_text() != "changed\n"


@pytest.mark.parametrize(
    ("gone", "code", "said"),
    [
        (("tar",), 3, "a: it has no tar; nothing was run"),
        (
            ("sha256sum", "shasum", "openssl"),
            3,
            "a: it has none of sha256sum, shasum and openssl; nothing was run",
        ),
        (("setsid", "perl", "nohup"), 5, "never began there; nothing was run"),
        (("dd",), 5, "nothing can be written"),
        (("ln",), 5, "nothing can be written"),
    ],
    ids=["tar", "digests", "detach", "dd", "ln"],
)
def test_r7_r8_a_program_that_is_needed_is_named_and_nothing_is_run(
    ours: Project, gone: tuple[str, ...], code: int, said: str
) -> None:
    before = {path: path.read_bytes() for path in (ours.root / "etc").rglob("*") if path.is_file()}
    ran = ours.run("provision", "--yes", **without(ours, *gone))
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert said in ran.stdout
    after = {path: path.read_bytes() for path in (ours.root / "etc").rglob("*") if path.is_file()}
    assert after == before
    if code == 3:
        assert not list(ours.root.rglob("payload"))
        assert "Install " in ran.stdout
        assert not (ours.root / "var/lib/magnus/jobs").exists()
    for name in gone:
        found = shutil.which(name)
        assert found
        (ours.root / ".standins" / name).symlink_to(found)
    done = ours.run("provision", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(ours.root.rglob("payload"))


SPOIL = {
    "noexec": "mount -t tmpfs -o noexec tmpfs /tmp",
    "full": "mount -t tmpfs -o size=4k,noexec tmpfs /tmp; cat /dev/zero >/tmp/fill 2>/dev/null",
    "absent": "mount -t proc proc /tmp",
}
"""As if it were absent: in /proc nothing can be made."""
NAMESPACE = """\
set -e
mount --make-rprivate /
mount --bind "$1" "$(readlink -f /bin/sh)"
%s || :
unset TMPDIR
shift
exec "$@"
"""


@pytest.mark.skipif(bool(missing()), reason=missing() or "-")
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
@pytest.mark.parametrize("how", SPOIL)
def test_r5_nobody_needs_tmp(ours: Project, how: str, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    if str(REPOSITORY).startswith("/tmp/"):
        pytest.skip("the checkout itself is below /tmp")
    inside = ["unshare", "--mount", "sh", "-c", NAMESPACE % SPOIL[how], "sh", found]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*inside, sys.executable, "-m", "magnusctl", *words],
            cwd=ours.folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    done = run("provision", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/tmp" not in (done.stdout + done.stderr).replace("/var/tmp", "")
    assert (ours.root / "srv/mark").exists()
    assert run("plan", "--detailed-exitcode", "-o", "plan.json").returncode == 0
    assert run("rollback", "a", "--yes").returncode == 0


def test_r5_no_text_of_ours_speaks_of_tmp_or_needs_it() -> None:
    # Older shells put here-documents there.
    package = Path(str(files("magnusctl")))
    for path in [*package.glob("*.sh"), *package.glob("resources/*.sh")]:
        text = "".join(line for line in path.open() if not line.lstrip().startswith("#"))
        assert "/tmp" not in text, path
        assert "<<" not in text, path
