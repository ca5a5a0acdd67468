"""What a host keeps of jobs survives what befalls it: power cuts, full tables, endless words."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl import records
from magnusctl.resources.command import Command
from magnusctl.resources.hostname import Hostname
from tests.faults.smallfs import missing_ext4, small
from tests.shells.guarded import (
    RISKY,
    STATE,
    asking,
    assert_as_before,
    before,
    told_by,
)
from tests.shells.hosts import Host, a_block, a_file, mode
from tests.shells.running import Running, lives, pid_in, wait_for
from tests.shells.shells import FEWER, run
from tests.shells.together import under

pytestmark = pytest.mark.shells
JOB = (
    "prelude.sh",
    "process.sh",
    "lock.sh",
    "job.sh",
    "steps.sh",
    "files.sh",
    "network.sh",
    "guarded.sh",
)
needs_ext4 = pytest.mark.skipif(bool(missing_ext4()), reason=missing_ext4() or "-")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")


@pytest.fixture
def disk(host: Host) -> Iterator[Path]:
    """The whole root on a small file system."""
    with small(host.root, 8192, "ext4"):
        for name in ("etc", "var/lib"):
            (host.root / name).mkdir(parents=True, exist_ok=True)
        yield host.root


# ---- power cuts


@needs_ext4
def test_what_a_job_wrote_down_is_on_the_disk_when_it_has_ended(host: Host, tmp_path: Path) -> None:
    image, copy, point = tmp_path / "image", tmp_path / "copy", tmp_path / "point"
    point.mkdir()
    subprocess.run(["truncate", "-s", "48M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with _mounted(image, host.root):
        host.write("/etc/file", "theirs\n")
        host.path("/var/lib").mkdir(parents=True)
        os.sync()
        job = host.provision(a_file("/etc/file"))
        assert job.ok
        wait_for("its runner's end", lambda: not lives(pid_in(job.folder / "pid")))
        # What is on the disk is what there is when the power goes now.
        subprocess.run(["cp", image, copy], check=True)
    with _mounted(copy, point):
        assert (point / "etc/file").read_text() == "new\n"
        state = point / "var/lib/magnus"
        found = [path for path in state.rglob("*") if path.is_file()]
        empty = [path.name for path in found if not path.stat().st_size]
        # These say all that they say by being there.
        assert set(empty) <= {"over", "noise", "out.0", "started.0", "closing.answers"}
        kept = {"manifest", "about", "journal", "pid", "order", "answers", "lock.1", "audit.jsonl"}
        assert kept <= {path.name for path in found}
        assert " end ok\n" in (state / "jobs/job-1/journal").read_text()
        assert len(list((state / "origin").iterdir())) == 1


@contextlib.contextmanager
def _mounted(image: Path, point: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "loop", image, point], check=True)
    try:
        yield
    finally:
        # A nap of the job's may go on in there for a moment.
        left = ["umount", str(point)]
        wait_for(
            "all to leave it",
            lambda: not subprocess.run(left, stderr=subprocess.DEVNULL).returncode,
        )


@under(FEWER)
def test_a_record_without_words_spoils_no_other_and_nothing_kept_goes(host: Host) -> None:
    host.write("/etc/file", "theirs\n")
    for text in ("one\n", "two\n"):
        assert host.provision(a_file("/etc/file", text)).ok
    (host.path(f"{STATE}/jobs/job-1/about")).write_text("")
    lines = records.jobs_probe().parse(host.ask(records.jobs_probe()).lines(records.jobs_probe()))
    assert [line.job for line in lines] == ["job-2"]
    (origin,) = host.path(f"{STATE}/origin").iterdir()
    origin.write_text("")
    probe = records.origins_probe()
    assert [one.former for one in probe.parse(host.ask(probe).lines(probe))] == [records.LOST]
    kept = sorted(host.path(f"{STATE}/kept").iterdir())
    host.call("collect", 0, "yes", files=("process.sh", "gc.sh"))
    assert sorted(host.path(f"{STATE}/kept").iterdir()) == kept
    # Whoever changes it next writes the record anew: better late than never.
    assert host.provision(a_file("/etc/file", "three\n")).ok
    assert origin.read_text()


@under(FEWER)
def test_a_boot_of_the_programs_alone_takes_back_too(host: Host) -> None:
    """As `systemctl soft-reboot`, or the restart of a container: the boot id stays."""
    old = before(host)
    job = asking(host)
    _kill_both(job)
    run([*host.shell.words, str(host.path(f"{STATE}/boot-revert"))])
    assert told_by(job.folder)[-1] == "reverted"
    assert_as_before(host, old)


@under(FEWER)
def test_a_boot_unit_that_somebody_starts_by_hand_overtakes_no_job(host: Host) -> None:
    job = asking(host)
    run([*host.shell.words, str(host.path(f"{STATE}/boot-revert"))])
    assert (job.folder / "pending").exists()
    assert host.confirm(job.folder.name) == "confirmed"
    job.heard()
    assert told_by(job.folder)[-1] == "end ok"


@under(FEWER)
def test_a_power_cut_right_after_the_confirmation_leaves_no_hook(host: Host) -> None:
    before(host)
    job = asking(host)
    _kill_both(job)
    (job.folder / "pending").rename(job.folder / "confirmed")
    host.boot()
    assert not list(host.root.rglob("*magnus-revert*"))
    assert host.path("/etc/new/made").exists()


@under(FEWER)
def test_a_line_that_a_power_cut_ended_is_not_the_beginning_of_the_next(host: Host) -> None:
    before(host)
    job = asking(host)
    _kill_both(job)
    with (job.folder / "journal").open("a") as journal:
        journal.write("2026-01-01T00:00:00Z conf")
    host.boot()
    lines = (job.folder / "journal").read_text().splitlines()
    assert "2026-01-01T00:00:00Z conf" in lines
    assert any(line.endswith(" reverting boot") for line in lines)


def _kill_both(job: Running) -> None:
    # Whoever sees the other go takes back.
    for name in ("pid", "timer"):
        job.kill(name)
    job.heard()


@under(FEWER)
def test_what_was_never_confirmed_is_told_with_the_facts(host: Host) -> None:
    before(host)
    assert not [line for line in host.call("ask_facts") if "unsettled" in line]
    job = asking(host)
    assert host.call("ask_facts")[-1] == f"unsettled={job.folder.name}"
    assert host.confirm(job.folder.name) == "confirmed"
    job.heard()
    assert not [line for line in host.call("ask_facts") if "unsettled" in line]


@under(FEWER)
def test_a_dead_job_that_cannot_be_taken_back_is_told_by_the_next(host: Host) -> None:
    before(host)
    job = asking(host)
    _kill_both(job)
    host.path("/etc/file").unlink()
    host.path("/etc/file").mkdir()
    after = host.provision(a_file("/etc/other"))
    assert f"unreverted {job.folder.name}" in told_by(after.folder)
    assert after.words == {"file:/etc/other": "ok"}


@under(FEWER)
def test_what_was_not_even_tried_is_tried_by_the_next(host: Host) -> None:
    old = before(host)
    job = asking(host)
    _kill_both(job)
    text = (job.folder / "job").read_text()
    (job.folder / "job").write_text("exit 1\n")
    assert host.provision(a_file("/etc/other")).ok
    assert (job.folder / "pending").exists()
    assert not (job.folder / "over").exists()
    (job.folder / "job").write_text(text)
    again = host.provision(a_file("/etc/third"))
    assert f"unreverted {job.folder.name}" not in told_by(again.folder)
    for name in ("other", "third"):
        host.path(f"/etc/{name}").unlink()
    assert_as_before(host, old)


# ---- full tables and endless words


@needs_ext4
def test_no_inode_is_left_in_the_window_and_all_is_taken_back(host: Host, disk: Path) -> None:
    old = before(host)
    job = asking(host, seconds=4)
    made = _without_inodes(disk)
    job.heard()
    told = told_by(job.folder)
    for path in made:
        path.unlink()
    assert told[-1] == "end reverted", told
    assert_as_before(host, old)


def _without_inodes(folder: Path) -> list[Path]:
    made: list[Path] = []
    with contextlib.suppress(OSError):
        for number in range(100_000):
            path = folder / f"inode.{number}"
            path.touch()
            made.append(path)
    assert made
    return made


@needs_ext4
def test_a_step_that_never_stops_talking_leaves_room_for_the_next(host: Host, disk: Path) -> None:
    job = host.provision(Command(label="yes", run="yes", unless="false"))
    assert set(job.words.values()) == {"failed"}
    assert (job.folder / "out.0").stat().st_size < 1 << 20
    assert host.provision(a_file("/etc/calm")).ok


@under(FEWER)
def test_of_a_long_last_line_only_the_end_is_told(host: Host) -> None:
    flood = "head -c 4000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 3"
    began = time.monotonic()
    job = host.provision(Command(label="flood", run=flood, unless="false"))
    assert job.output["command:flood"][-1] == "the end"
    assert (job.folder / "out.0").stat().st_size < 1 << 20
    assert time.monotonic() - began < 60


@linux_only
@under(FEWER)
def test_all_of_a_session_is_ended_where_there_is_no_ps(host: Host) -> None:
    host.standin("ps", "exit 127")
    # timeout(1) makes a group of its own.
    hangs = 'echo $$ >"$ROOT/pids"; timeout 60 sh -c \'echo $$ >>"$MAGNUS_ROOT/pids"; sleep 60; :\''
    job = host.provision(Command(label="hangs", run=hangs, unless="false", seconds=5))
    assert set(job.words.values()) == {"failed"}
    pids = [int(line) for line in host.path("/pids").read_text().split()]
    assert len(pids) == 2
    wait_for("the end of both", lambda: not [pid for pid in pids if lives(pid)], 10)


# ---- the network


@under(FEWER)
def test_a_network_that_does_not_come_back_is_never_called_reverted(linux: Host) -> None:
    links = linux.path("/.simulated/links")
    device, rest = links.read_text().split(" ", 1)
    links.write_text(f"{device} {rest.splitlines()[0]} 10.9.9.9/24\n")
    ip = linux.path("/.standins/ip").read_text().split("\n", 1)[1]
    fails = 'case "$*" in "addr add"* | "addr replace"*) exit 2 ;; esac\n'
    linux.standin("ip", fails + ip)
    cut = Command(
        label="cut",
        run=f"system ip addr del 10.9.9.9/24 dev {device}; : >$ROOT/cut",
        unless="[ -e $ROOT/cut ]",
        undo="rm -f $ROOT/cut",
        **RISKY,
    )
    job = asking(linux, cut, seconds=1)
    job.heard()
    told = told_by(job.folder)
    assert told[-1] == "end revert-failed"
    assert f"missing: address {device} 10.9.9.9/24;" in "\n".join(told)


BEFORE = """\
card eth0 02:01
card br0 02:01
mtu eth0 1500
address eth0 10.0.0.2/24
mtu veth7 1500
address veth7 fe80::1/64
route -4 10.0.0.0/24 dev eth0 metric 5
"""
AFTER = """\
card lan 02:01
card br0 02:01
mtu lan 9000
address lan 10.0.0.2/24
route -4 10.0.0.0/24 dev lan metric 5
"""


@under(FEWER)
def test_a_renamed_card_is_the_same_card_and_a_containers_that_went_is_not_missed(
    host: Host,
) -> None:
    """Its bridge has the same address, and is another card."""
    said = (
        f"printf %s '{BEFORE}' >network.before; printf %s '{AFTER}' >network.after\n"
        "names_of_now >network.was; cp network.after network.now\n"
        "lines_of network.was network.after\necho ---\n"
        "lines_of network.was network.now | own_cards\n"
    )
    lines = run(host.inline("job-1", JOB, said)).lines
    assert lines == [
        *("mtu lan 1500", "mtu veth7 1500", "address veth7 fe80::1/64"),
        *("---", "mtu lan 1500; "),
    ]


# ---- files and names


_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_NOBODY = 0xFFFFFFFF


def _acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def _with_acl(path: Path, name: str, acl: bytes) -> None:
    try:
        os.setxattr(path, name, acl)
    except OSError:
        pytest.skip("this file system keeps no such lists")


@linux_only
def test_who_else_may_read_a_file_still_may_and_nobody_more(host: Host) -> None:
    path = host.write("/etc/file", "x\n", 0o600)
    mine = _acl((1, 6, _NOBODY), (2, 6, 1), (4, 0, _NOBODY), (0x10, 6, _NOBODY), (0x20, 0, _NOBODY))
    _with_acl(path, _ACCESS, mine)
    assert host.provision(a_block("/etc/file")).ok
    assert os.getxattr(path, _ACCESS) == mine
    assert mode(path) == "0660"
    assert host.provision(a_block("/etc/file", ensure="absent")).ok
    assert os.getxattr(path, _ACCESS) == mine
    assert path.read_text() == "x\n"


@linux_only
def test_a_folder_that_gives_every_file_a_list_gives_it_to_no_staged_one(host: Host) -> None:
    folder = host.path("/etc/app")
    folder.mkdir(parents=True)
    entries = ((1, 7, _NOBODY), (2, 4, 1), (4, 5, _NOBODY), (0x10, 7, _NOBODY), (0x20, 0, _NOBODY))
    _with_acl(folder, _DEFAULT, _acl(*entries))
    # What stands at the staged file's side while it is judged: nobody but its owner may read it.
    host.standin("visudo", f"ls -l {folder}/.magnus.* >{host.root}/seen; stat -c %a $2 >>/dev/null")
    wanted = a_file("/etc/app/key", "x\n", mode="0600", validator="sudoers")
    host.provision(wanted)
    assert mode(host.path("/etc/app/key")) == "0600"
    assert host.path("/seen").read_text().startswith("-rw-------")


@under(FEWER)
def test_a_group_with_a_blank_in_its_name_is_told_by_its_number(host: Host) -> None:
    real = run(["sh", "-c", "command -v stat"]).lines[0]
    host.standin("stat", f'{real} "$@" | sed "s#/root\\$#/dom users#"')
    host.write("/etc/file", "theirs\n")
    answer = host.observe([a_file("/etc/file")])["file:/etc/file"].answer
    assert len(answer.split(" ")) == 5, answer
    assert "dom" not in answer


@under(FEWER)
def test_the_first_of_several_names_of_number_0_is_still_root(host: Host) -> None:
    real = run(["sh", "-c", "command -v stat"]).lines[0]
    host.standin("stat", f'{real} "$@" | sed "s#/root/#/toor/#"')
    host.write("/etc/file", "new\n")
    assert host.observe([a_file("/etc/file")])["file:/etc/file"].answer.split(" ")[2:4] == [
        "root",
        "root",
    ]


@under(FEWER)
def test_a_hostname_file_may_begin_with_a_comment(linux: Host) -> None:
    linux.write("/etc/hostname", "# ours\n\n  web1 \n")
    assert linux.observe([Hostname(hostname="x")])["hostname:name"].answer.split(" ")[0] == "web1"
