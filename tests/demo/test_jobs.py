"""Jobs, history and the way back, as a user meets them on the simulated hosts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from magnusctl.demo.stage import Stage
from tests.demo.conftest import Run

OURS = ("var/lib/magnus", ".simulated", ".standins", "sys/", "proc/")


def snapshot(root: Path) -> dict[str, tuple[int, str]]:
    """Every file and folder of a host with its mode and bytes, but for what is known to stay."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith(OURS):
            continue
        data = "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = (path.lstat().st_mode, data)
    return found


def jobs(magnusctl: Run, host: str) -> list[dict[str, str]]:
    """The jobs of a host, as a program reads them."""
    answer = magnusctl("jobs", "-l", host, "--json")
    return [json.loads(line) for line in answer.stdout.splitlines()]


OF_A_MAC = [
    pytest.mark.covers(role, "macOS", "removed", "SIMULATED")
    for role in ("base", "network", "storage", "inference")
]


@pytest.mark.parametrize("host", ["rtx3090", pytest.param("macmini", marks=OF_A_MAC), "linode"])
def test_deprovision_leaves_a_host_as_it_was(on: Stage, magnusctl: Run, host: str) -> None:
    before = snapshot(on.root(host))
    assert magnusctl("provision", "--yes", "-l", host).returncode == 0
    assert snapshot(on.root(host)) != before
    answer = magnusctl("deprovision", host, "--yes")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "settings are as before the first run" in answer.stderr
    after = snapshot(on.root(host))
    # What a package brought stays with it, and so does a home; /run ends with the boot.
    assert {n for n in {*before, *after} if before.get(n) != after.get(n)} <= EXCEPTIONS[host]
    assert magnusctl("deprovision", host, "--yes").returncode == 0
    assert magnusctl("plan", "-l", host, "--detailed-exitcode").returncode == 10


def test_a_folder_in_which_somebody_put_something_stays_and_that_is_said(
    on: Stage, magnusctl: Run
) -> None:
    assert magnusctl("provision", "--yes", "-l", "rtx3090", "-t", "storage").returncode == 0
    model = on.root("rtx3090") / "srv/models/hf/mine/weights"
    model.parent.mkdir()
    model.write_text("precious")
    answer = magnusctl("deprovision", "rtx3090", "--yes")
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said
    assert "stays: directory:/srv/models/hf (it is not empty: mine)" in said
    assert model.read_text() == "precious"
    assert not (on.root("rtx3090") / "srv/models/gguf").exists()


PACKAGES = {
    *("etc/chrony/conf.d", "etc/chrony/sources.d", "etc/needrestart", "etc/needrestart/conf.d"),
    *("home", "home/magnus", "run", "run/sshd", "opt"),
}
EXCEPTIONS = {
    "rtx3090": {
        *PACKAGES,
        "etc/netplan",
        "srv",
        "srv/models",
        "sys/module",
        "usr/local",
        "usr/local/cuda-12.6",
        "usr/local/cuda-12.6/bin",
        "usr/local/cuda-12.6/bin/nvcc",
    },
    # The parents of what was made.
    "macmini": {"Users", "Users/magnus", "opt", "var/log"},
    "linode": PACKAGES,
}


def test_rollback_takes_back_one_job_and_shows_it_first(on: Stage, magnusctl: Run) -> None:
    assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    limits = on.root("linode") / "etc/security/limits.d/90-magnus-trading.conf"
    limits.write_text("# by hand\n")
    limits.chmod(0o640)
    assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    assert "by hand" not in limits.read_text()
    shown = magnusctl("rollback", "linode", "--dry-run")
    assert "~ file       /etc/security/limits.d/90-magnus-trading.conf" in shown.stdout
    assert "1 change on 1 host" in shown.stdout
    assert "by hand" not in limits.read_text()
    assert magnusctl("rollback", "linode").returncode == 2  # nobody is there to ask
    answer = magnusctl("rollback", "linode", "--yes")
    assert answer.returncode == 0, answer.stdout
    assert limits.read_text() == "# by hand\n"
    assert limits.stat().st_mode & 0o777 == 0o640
    first = jobs(magnusctl, "linode")[0]["job"]
    everything = magnusctl("rollback", "linode", first, "--dry-run")
    assert "- file       /etc/security/limits.d/90-magnus-trading.conf" in everything.stdout


def test_history_tells_on_both_sides_who_did_what(on: Stage, magnusctl: Run) -> None:
    assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    job = jobs(magnusctl, "linode")[0]
    assert job["state"] == "ok"
    for words in ((), ("linode",)):
        lines = magnusctl("history", *words).stdout.splitlines()
        mine = [line for line in lines if job["job"] in line]
        assert len(mine) == 1
        assert "provision" in mine[0]
        assert job["who"] in mine[0]
        assert job["plan"][:12] in mine[0]
        assert " ok " in mine[0]


def test_a_job_that_is_over_can_be_followed_and_not_cancelled(magnusctl: Run) -> None:
    assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    answer = magnusctl("attach", "linode", "--json")
    assert answer.returncode == 0
    steps = [json.loads(line) for line in answer.stdout.splitlines()]
    numbers = [s["number"] for s in steps if s["type"] == "step"]
    assert numbers == [*range(len(numbers))] != []
    assert magnusctl("cancel", "linode").returncode == 2
    job = jobs(magnusctl, "linode")[0]["job"]
    assert "over already" in magnusctl("cancel", "linode", job).stdout
    unknown = magnusctl("attach", "linode", "20200101-abcdef")
    assert unknown.returncode == 2
    assert "knows no job 20200101-abcdef" in unknown.stderr


def test_a_saved_plan_is_done_once_and_refused_when_stale(
    on: Stage, magnusctl: Run, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    made = magnusctl("plan", "-l", "linode", "-o", str(plan))
    assert f"magnusctl provision --plan {plan}" in made.stdout
    edited = on.root("linode") / "etc/nftables.d"
    edited.mkdir()
    refused = magnusctl("provision", "--plan", str(plan), "--yes")
    assert refused.returncode == 4
    assert "linode: directory:/etc/nftables.d changed on the host: expected " in refused.stderr
    assert list(edited.iterdir()) == []
    edited.rmdir()
    assert magnusctl("provision", "--plan", str(plan), "--yes").returncode == 0
    assert magnusctl("provision", "--plan", str(plan), "--yes").returncode == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["hosts"]["linode"]["seen"].pop(), "the plan was edited or cut"),
        (lambda d: d.update(type="shopping list"), "this is no plan"),
    ],
)
def test_a_plan_that_was_edited_is_refused(
    magnusctl: Run, tmp_path: Path, change: object, said: str
) -> None:
    plan = tmp_path / "plan.json"
    magnusctl("plan", "-l", "linode", "-o", str(plan))
    document = json.loads(plan.read_text())
    change(document)  # type: ignore[operator]
    plan.write_text(json.dumps(document))
    answer = magnusctl("provision", "--plan", str(plan), "--yes")
    assert answer.returncode in (2, 4)
    assert said in answer.stderr


def test_garbage_is_shown_before_it_goes(on: Stage, magnusctl: Run) -> None:
    target = on.root("linode") / "etc/needrestart/conf.d/50-magnus.conf"
    assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    for text in ("one\n", "two\n"):
        target.write_text(text)
        assert magnusctl("provision", "--yes", "-l", "linode").returncode == 0
    shown = magnusctl("gc", "-l", "linode", "--keep", "1", "--dry-run").stdout
    assert shown.count("  job ") == 2
    assert len(jobs(magnusctl, "linode")) == 3
    assert magnusctl("gc", "-l", "linode", "--keep", "1").returncode == 0
    assert len(jobs(magnusctl, "linode")) == 1
    kept = on.root("linode") / "var/lib/magnus/kept"
    assert [path.read_text() for path in kept.iterdir()] == ["two\n"]
    assert magnusctl("rollback", "linode", "--yes").returncode == 0
    assert target.read_text() == "two\n"
    assert magnusctl("deprovision", "linode", "--yes").returncode == 0
    assert not target.exists()
