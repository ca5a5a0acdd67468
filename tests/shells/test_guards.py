"""What changed between plan and job is left alone; what cannot be written is not half written."""

from __future__ import annotations

import pytest

from magnusctl.resources.command import Command
from magnusctl.resources.sysctl import Sysctl
from tests.shells.hosts import Host, a_block, a_directory, a_file, fewer_shells, leftovers, mode
from tests.shells.shells import in_turn

pytestmark = pytest.mark.shells


def test_a_file_that_was_edited_after_the_plan_is_a_conflict_and_is_left_alone(
    host: Host,
) -> None:
    host.write("/etc/x", "planned from this\n")
    host.write("/etc/gone", "planned from this\n")
    edited, appeared, gone = a_file("/etc/x"), a_file("/etc/y"), a_file("/etc/gone")
    chmodded, fine = a_file("/etc/z"), a_file("/etc/fine")
    host.write("/etc/z", "old\n")
    wanted = (edited, appeared, gone, chmodded, fine)
    plan = host.plan(*wanted)
    host.write("/etc/x", "somebody's work\n")
    host.write("/etc/y", "somebody's file\n")
    host.path("/etc/gone").unlink()
    host.path("/etc/z").chmod(0o600)
    job = host.apply(plan, *wanted)
    assert job.words == {**{file.id: "conflict" for file in wanted[:4]}, fine.id: "ok"}
    assert host.path("/etc/x").read_text() == "somebody's work\n"
    assert host.path("/etc/y").read_text() == "somebody's file\n"
    assert not host.path("/etc/gone").exists()
    assert host.path("/etc/z").read_text() == "old\n"
    assert host.path("/etc/fine").read_text() == "new\n"
    assert "planned from 'file 644" in job.output[edited.id][0]
    assert job.left is not None
    assert [change.resource.id for change in job.left.changes] == [f.id for f in wanted[:4]]
    journal = (host.folder / "journal").read_text()
    assert [line.split()[1] for line in journal.splitlines()].count("conflict") == 4


@fewer_shells
def test_a_block_a_directory_and_a_removal_have_guards_too(host: Host) -> None:
    host.write("/etc/hosts", "theirs\n")
    host.write("/etc/old", "as planned\n")
    wanted = (
        a_block("/etc/hosts"),
        a_directory("/srv/new", mode="0700"),
        a_file("/etc/old", ensure="absent"),
    )
    plan = host.plan(*wanted)
    host.write("/etc/hosts", "# magnus begin\nby another\n# magnus end\n")
    host.path("/srv/new").mkdir(parents=True)
    host.write("/etc/old", "not as planned\n")
    job = host.apply(plan, *wanted)
    assert set(job.words.values()) == {"conflict"}
    assert host.path("/etc/hosts").read_text() == "# magnus begin\nby another\n# magnus end\n"
    assert mode(host.path("/srv/new")) == "0755"
    assert host.path("/etc/old").read_text() == "not as planned\n"


def test_a_conflict_in_one_of_a_batch_stops_the_batch(linux: Host) -> None:
    wanted = (Sysctl(key="vm.swappiness", value="1"), Sysctl(key="kernel.panic", value="2"))
    plan = linux.plan(*wanted)
    settings = linux.path("/.simulated/sysctl")
    settings.write_text(settings.read_text().replace("kernel.panic = 0", "kernel.panic = 9"))
    before = settings.read_text()
    job = linux.apply(plan, *wanted)
    assert set(job.words.values()) == {"conflict"}
    assert settings.read_text() == before


def test_links_and_directories_are_refused_and_nothing_is_written_through_them(
    host: Host,
) -> None:
    host.write("/etc/elsewhere", "not ours\n")
    host.path("/etc/folder").mkdir()
    for name, target in (("link", "elsewhere"), ("lost", "nowhere"), ("deep", "folder")):
        host.path(f"/etc/{name}").symlink_to(target)
    before = sorted(host.path("/etc").rglob("*"))
    wanted = [
        make(f"/etc/{name}")
        for name in ("link", "lost", "deep", "folder")
        for make in (a_file, a_block)
    ]
    job = host.provision(*wanted)
    assert set(job.words.values()) == {"failed"}
    for resource in wanted:
        what = "directory" if resource.name == "/etc/folder" else "through the symlink"
        assert what in job.output[resource.id][-1].lower()
    assert sorted(host.path("/etc").rglob("*")) == before
    assert host.path("/etc/elsewhere").read_text() == "not ours\n"
    assert job.answers.ended


def test_a_declared_directory_where_a_link_or_file_is_is_refused(host: Host) -> None:
    host.path("/srv").mkdir()
    host.path("/etc/theirs").mkdir(mode=0o755)
    host.path("/srv/link").symlink_to(host.path("/etc/theirs"))
    host.write("/srv/file", "bytes\n")
    wanted = (a_directory("/srv/link", mode="0777"), a_directory("/srv/file"))
    job = host.provision(*wanted)
    assert set(job.words.values()) == {"failed"}
    assert mode(host.path("/etc/theirs")) == "0755"
    assert host.path("/srv/file").read_text() == "bytes\n"


@fewer_shells
def test_a_declared_absent_file_that_is_a_directory_is_refused(host: Host) -> None:
    host.write("/srv/x/inside", "bytes\n")
    wanted = a_file("/srv/x", ensure="absent")
    job = host.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert host.path("/srv/x/inside").read_text() == "bytes\n"


@fewer_shells
def test_a_file_without_its_folder_fails_and_says_so(host: Host) -> None:
    wanted = a_file("/no/such/folder/x")
    job = host.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert "/no/such/folder is not there" in job.output[wanted.id][-1]
    assert not host.path("/no").exists()


FAILURES = [(name, half) for name in ("cat", "chmod", "mkdir", "mv") for half in (False, True)]


@pytest.mark.parametrize(("shell", "failure"), in_turn(FAILURES), indirect=["shell"])
def test_when_any_program_fails_the_old_bytes_stay_and_no_temporary_file(
    host: Host, failure: tuple[str, bool]
) -> None:
    program, half = failure
    host.write("/etc/x", "old\n", 0o600)
    wanted = a_file("/etc/x", "new\n", mode="0600")
    plan = host.plan(wanted)
    host.standin(program, "printf ne; exit 1" if half else "exit 1")
    job = host.apply(plan, wanted)
    assert job.words == {wanted.id: "failed"}
    assert host.path("/etc/x").read_text() == "old\n"
    assert not leftovers(host)


def test_a_program_that_loses_bytes_is_caught_by_reading_back(host: Host) -> None:
    host.standin("cat", "printf ne")
    wanted = a_file("/etc/x")
    job = host.provision(wanted)
    assert job.words == {wanted.id: "failed"}
    assert "does not read back as written" in job.output[wanted.id][-1]


@fewer_shells
def test_a_guard_is_not_held_against_what_the_same_plan_changes(host: Host) -> None:
    folder = a_directory("/srv/a")
    file = a_file("/srv/a/x", after=(folder.id,))
    seen = Command(
        label="count",
        run=': >"$ROOT/srv/a/y"',
        unless='[ -e "$ROOT/srv/a/y" ]',
        after=(file.id,),
    )
    assert host.provision(folder, file, seen).ok


def test_guards_hold_for_odd_answers(linux: Host) -> None:
    linux.write("/.simulated/sysctl", b'vm.odd = it\'s "$HOME" `x` \\ %s \x1b[31m \xff\t1\n')
    wanted = Sysctl(key="vm.odd", value="1")
    job = linux.provision(wanted)
    assert job.ok, job.output
