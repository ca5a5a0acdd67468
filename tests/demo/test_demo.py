"""The main job on the simulated hosts: over real SSH, with no privilege."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from magnusctl.demo.stage import Stage
from tests.demo.conftest import Run

AUDIT = """
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        with open(os.environ["AUDIT_FILE"], "a") as file:
            file.write(f"{event} {arguments}\\n")
sys.addaudithook(note)
"""


def audited(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python writes down where it connects to."""
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(AUDIT)
    return {**os.environ, "PYTHONPATH": str(folder), "AUDIT_FILE": str(folder / "log")}


def test_the_demo_ends_with_nothing_left_to_do(tmp_path: Path) -> None:
    environment = audited(tmp_path)
    answer = subprocess.run(
        [sys.executable, "-m", "magnusctl", "demo"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("(simulated host)") >= 12
    assert "0 changes: 4 hosts as declared." in answer.stdout
    said = Path(environment["AUDIT_FILE"]).read_text()
    assert "'127.0.0.1'" in said  # the hook works, and the hosts were reached
    for line in said.splitlines():
        assert "127.0.0.1" in line, line


def test_the_first_run_provisions_and_the_second_has_nothing_to_do(
    on: Stage, magnusctl: Run
) -> None:
    first = magnusctl("provision", "--yes")
    assert first.returncode == 0, first.stdout + first.stderr
    sshd = on.root("rtx3090") / "etc/ssh/sshd_config.d/10-magnus.conf"
    assert "AllowGroups magnus-ssh" in sshd.read_text()
    second = magnusctl("provision", "--yes")
    assert second.returncode == 0
    assert "0 changes: 4 hosts as declared." in second.stdout
    assert second.stderr == ""


def test_a_tag_provisions_one_role_only(on: Stage, magnusctl: Run) -> None:
    assert magnusctl("provision", "--yes", "-l", "rtx3090", "-t", "cuda").returncode == 0
    assert (on.root("rtx3090") / "etc/modprobe.d/magnus-nouveau.conf").exists()
    assert not (on.root("rtx3090") / "etc/chrony/conf.d/10-magnus.conf").exists()


def test_json_is_one_object_per_line_and_nothing_else(magnusctl: Run) -> None:
    answer = magnusctl("provision", "--yes", "--json")
    objects = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {o["schema"] for o in objects} == {1}
    assert {o["type"] for o in objects} == {"plan", "note", "step", "outcome", "summary"}
    assert sum(o["type"] == "outcome" and o["changed"] > 0 for o in objects) == 4
    assert answer.stderr == ""


def test_without_a_terminal_there_is_no_colour_and_no_bar(magnusctl: Run) -> None:
    answer = magnusctl("provision", "--yes", "-l", "linode")
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "group:magnus-trade  ok" in answer.stderr


def test_an_ascii_terminal_gets_ascii(magnusctl: Run) -> None:
    answer = magnusctl("verify", "-l", "linode", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert answer.returncode == 9
    answer.stdout.encode("ascii")


def test_the_script_is_what_would_run(magnusctl: Run) -> None:
    said = magnusctl("plan", "--script", "-l", "linode").stdout
    assert "# ---- linode" in said
    assert "put_group magnus-trade 880 yes" in said
    assert "still absent ask_file /etc/needrestart/conf.d/50-magnus.conf" in said


def test_a_failed_host_is_a_result_and_the_others_go_on(on: Stage, magnusctl: Run) -> None:
    (on.root("linode") / "var/lib/magnus").mkdir()
    (on.root("linode") / "var/lib/magnus").chmod(0o777)
    answer = magnusctl("provision", "--yes", "-l", "linode,rtx3090")
    assert answer.returncode == 3
    assert "linode: refusing: /var/lib/magnus is a symlink" in answer.stdout
    assert "rtx3090  ✓" in answer.stdout


def test_unknown_hosts_groups_and_tags_are_bad_input(magnusctl: Run) -> None:
    for words, said in (
        (("-l", "nobody"), "no host matches 'nobody'"),
        (("-l", "@nobody"), "there is no group '@nobody'"),
        (("-t", "nothing"), "there is no tag 'nothing'"),
    ):
        answer = magnusctl("plan", *words)
        assert answer.returncode == 2
        assert said in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_template_of_the_project_wins_and_its_fault_has_a_place(
    tmp_path: Path, on: Stage, magnusctl: Run
) -> None:
    project = tmp_path / "project"
    (project / "inventory").mkdir(parents=True)
    (project / "templates" / "cuda").mkdir(parents=True)
    inventory = project / "inventory" / "magnus.yaml"
    inventory.write_text(on.inventory.read_text())
    template = project / "templates" / "cuda" / "nouveau.conf.j2"
    template.write_text("# ours on {{ name }}\n")
    diff = magnusctl("plan", "--diff", "-l", "rtx3090", "-i", str(inventory)).stdout
    assert "+# ours on rtx3090" in diff
    template.write_text("one\n{{ nothing }}\n")
    answer = magnusctl("plan", "-i", str(inventory))
    assert answer.returncode == 2
    assert f"{template}:2: 'nothing' is undefined" in answer.stderr
    template.write_text("one\n{{ ''.__class__.__mro__ }}\n")
    assert magnusctl("plan", "-i", str(inventory)).returncode == 2


def test_render_writes_every_file_and_contacts_nobody(tmp_path: Path, magnusctl: Run) -> None:
    out = tmp_path / "out"
    environment = audited(tmp_path)
    answer = magnusctl("render", str(out), **environment)
    assert answer.returncode == 0
    assert (out / "rtx3090/etc/netplan/60-magnus-10g.yaml").exists()
    assert (out / "macmini/etc/hosts.block").exists()
    assert not Path(environment["AUDIT_FILE"]).exists()


def overlay(tmp_path: Path, host: str, **settings: object) -> tuple[str, str]:
    path = tmp_path / "more.yaml"
    path.write_text(json.dumps({"hosts": {host: settings}}))
    return "--overlay", str(path)


def test_what_is_known_only_after_a_stage_is_planned_again(
    tmp_path: Path, on: Stage, magnusctl: Run
) -> None:
    guard = 'test -e "$ROOT/etc/first" || exit 75; test -e "$ROOT/etc/second"'
    commands = {
        "first": {"run": ': >"$ROOT/etc/first"', "unless": 'test -e "$ROOT/etc/first"'},
        "second": {"run": ': >"$ROOT/etc/second"', "unless": guard, "after": ["command:first"]},
    }
    more = overlay(tmp_path, "linode", resources={"commands": commands})
    planned = magnusctl("plan", "-l", "linode", *more).stdout
    assert "? command    second" in planned
    assert "known after command:first" in planned
    consent = ("--allow-disruption", "linode:command")
    answer = magnusctl("provision", "--yes", "-l", "linode", *consent, *more)
    assert answer.returncode == 0, answer.stdout
    assert (on.root("linode") / "etc/second").exists()
    assert "0 changes" in magnusctl("plan", "-l", "linode", *more).stdout


def test_what_stays_different_is_named_with_both_values(on: Stage, magnusctl: Run) -> None:
    # A kernel that clamps what it is given, without a word.
    standin = on.root("rtx3090") / ".standins" / "sysctl"
    standin.write_text("#!/bin/sh\ncase $1 in -n) echo 60 ;; esac\n")
    answer = magnusctl("provision", "--yes", "-l", "rtx3090")
    assert answer.returncode == 5
    assert "this stays different: sysctl:vm.swappiness" in answer.stdout
    assert "value is '60', declared '10'" in answer.stdout


def test_a_host_that_is_not_what_the_inventory_says_is_left_alone(
    tmp_path: Path, on: Stage, magnusctl: Run
) -> None:
    more = overlay(tmp_path, "linode", os="debian-13")
    answer = magnusctl("provision", "--yes", "-l", "linode", *more)
    assert answer.returncode == 3
    assert "the inventory says debian-13, the host says ubuntu 24.04" in answer.stdout
    assert not (on.root("linode") / "var/lib/magnus").exists()
