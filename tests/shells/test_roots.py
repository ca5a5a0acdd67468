"""Below a root nothing of this machine is run or changed, and any tools will do."""

from __future__ import annotations

import os
import shutil

import pytest

from magnusctl.quote import sh
from magnusctl.resources import KINDS
from magnusctl.resources.group import Group
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Probe
from tests.shells.hosts import Host, a_directory, a_file

pytestmark = pytest.mark.shells


def test_below_a_root_a_program_without_a_standin_is_never_the_real_one(host: Host) -> None:
    probe = Probe("p", sh("eval", 'system uname -r 2>&1; echo "$?"; has uname || echo no'), 3, list)
    answers = host.ask(probe).lines(probe)
    assert answers == [f"magnus: uname: no stand-in below the root {host.root}", "127", "no"]


def test_below_a_root_a_standin_is_the_one_that_runs(host: Host) -> None:
    host.standin("uname", 'echo "stand-in $*"')
    probe = Probe("p", sh("eval", "system uname -r; has uname && echo yes"), 2, list)
    assert host.ask(probe).lines(probe) == ["stand-in -r", "yes"]


def test_a_bare_root_is_asked_about_every_kind_and_nothing_there_is_changed(host: Host) -> None:
    wanted = (
        Package(package="curl"),
        User(user="ops"),
        Group(group="ops"),
        Sysctl(key="vm.swappiness", value="1"),
    )
    seen = host.observe(wanted)
    assert [seen[resource.id].answer for resource in wanted] == ["absent"] * 3 + ["missing"]
    job = host.provision(*wanted, Service(unit="web"))
    assert set(job.words.values()) == {"failed"}
    for said in job.output.values():
        assert any("no stand-in below the root" in line for line in said)


def test_a_root_with_its_own_sh_runs_none_of_the_tools_of_this_machine(linux: Host) -> None:
    probe = Probe("p", sh("eval", "command -v uname; command -v hostid || echo none"), 2, list)
    assert linux.ask(probe).lines(probe) == [str(linux.path("/.standins/uname")), "none"]


def test_a_root_may_have_blanks_and_quotes(host: Host) -> None:
    odd = Host(host.shell, host.root / 'it\'s "a" $(touch oops) \\n *')
    odd.path("/etc").mkdir(parents=True)
    wanted = (a_file("/etc/x"), a_directory("/srv/a/b", mode="0700"), a_file("/etc/y", ""))
    assert odd.provision(*wanted).ok
    assert not list(host.root.rglob("oops"))


def test_a_stat_of_bsd_answers_the_same(host: Host) -> None:
    real = shutil.which("stat")
    wanted = [a_file("/etc/x", mode="0640"), a_directory("/srv", mode="1777"), a_file("/etc/y")]
    host.provision(*wanted)
    host.path("/etc/y").unlink()
    before = host.observe(wanted)
    # BSD prints the special bits, then the others: always four digits here, never five.
    four = r"sed 's#^0*\([0-7]\{4\}\)/#\1/#'"
    printed = f"""{real} -c '0%a/%u/%g/%U/%G' "$@" | {four}"""
    asked = "-f %Mp%Lp/%u/%g/%Su/%Sg"
    host.standin("stat", f'[ "$1 $2" = "{asked}" ] || exit 1; shift 2\n{printed}')
    after = host.observe(wanted)
    assert {k: v.state for k, v in after.items()} == {k: v.state for k, v in before.items()}


GONE = 'rm -f "$MAGNUS_ROOT/etc/a"'
# The other one who works on this host removes a file between two looks of ours.
MOMENTS = {
    "before-stat": ("stat", f'[ $# -lt 4 ] || {GONE}; exec {{real}} "$@"'),
    "after-stat": ("stat", f'{{real}} "$@"; code=$?; [ $# -lt 4 ] || {GONE}; exit $code'),
    "before-digest": ("sha256sum", f'{GONE}; exec {{real}} "$@"'),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_file_that_vanishes_while_it_is_asked_about_does_not_shift_the_others(
    host: Host, moment: str
) -> None:
    program, body = MOMENTS[moment]
    real = shutil.which(program)
    if not real:
        pytest.skip(f"{program} is not installed")
    wanted = [a_file(f"/etc/{name}", f"content of {name}\n") for name in "abc"]
    host.provision(*wanted)
    before = host.observe(wanted)
    host.standin(program, body.format(real=real))
    after = host.observe(wanted)
    assert not host.path("/etc/a").exists()
    for resource in wanted[1:]:
        assert after[resource.id] == before[resource.id]


def test_a_file_that_no_one_may_read_and_special_files_are_told_apart(host: Host) -> None:
    os.mkfifo(host.path("/etc/fifo"))
    host.path("/etc/link").symlink_to("nowhere")
    host.path("/etc/folder").mkdir()
    host.write("/etc/file", "1")
    paths = ("/etc/fifo", "/etc/none", "/etc/link", "/etc/folder", "/etc/file")
    seen = host.observe([a_file(path) for path in paths])
    words = [seen[f"file:{path}"].answer.split(" ")[0] for path in paths]
    assert words == ["special", "absent", "link", "directory", "file"]
    state = seen["file:/etc/fifo"].state
    assert state is not None
    assert state["content"] == "special"


def test_every_kind_is_covered_by_these_tests() -> None:
    assert set(KINDS) == {
        # What comes from afar, what boots and what serves: test_archives, test_artifacts,
        # test_releases.
        "archive",
        "artifact",
        "environment",
        "reboot",
        "release",
        "block",
        "command",
        "directory",
        "file",
        "group",
        "hostname",
        "interface",
        "launchd",
        "netservice",
        "package",
        "pmset",
        "service",
        "sysctl",
        "user",
    }
