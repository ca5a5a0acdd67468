"""Files and directories in a plain root: probe, apply, probe again, and every kind of drift."""

from __future__ import annotations

import os

import pytest

from magnusctl import records
from magnusctl.resources.file import File
from magnusctl.state import Action, digest
from tests.shells.hosts import PRIVILEGED, Host, a_directory, a_file, fewer_shells, leftovers, mode

pytestmark = pytest.mark.shells


def test_a_file_is_absent_then_made_then_as_declared(host: Host) -> None:
    wanted = a_file("/etc/made", "one\ntwo", mode="0640")
    assert host.observe([wanted])[wanted.id].answer == "absent"
    plan = host.plan(wanted)
    assert [change.action for change in plan.changes] == [Action.CREATE]
    assert host.apply(plan, wanted).ok
    assert host.path("/etc/made").read_bytes() == b"one\ntwo"
    assert mode(host.path("/etc/made")) == "0640"
    state = host.observe([wanted])[wanted.id].state
    assert state is not None
    assert state["content"] == digest("one\ntwo")
    assert not host.plan(wanted)
    assert not leftovers(host)


def test_drift_of_files_is_seen_and_undone(host: Host) -> None:
    wanted = [a_file(f"/etc/{name}", "as declared\n") for name in ("edit", "open", "gone", "void")]
    assert host.provision(*wanted).ok
    host.write("/etc/edit", "edited\n")
    host.path("/etc/open").chmod(0o666)
    host.path("/etc/gone").unlink()
    host.write("/etc/void", "")
    assert {change.resource.id: change.differs for change in host.plan(*wanted).changes} == {
        "file:/etc/edit": ("content",),
        "file:/etc/open": ("mode",),
        "file:/etc/gone": ("ensure", "content", "mode", "owner", "group"),
        "file:/etc/void": ("content",),
    }
    assert host.provision(*wanted).ok
    assert {host.path(file.path).read_text() for file in wanted} == {"as declared\n"}


@pytest.mark.skipif(not PRIVILEGED, reason="only root can give a file away")
def test_drift_of_owner_and_group_is_seen_and_undone(host: Host) -> None:
    wanted = a_file("/etc/owned")
    assert host.provision(wanted).ok
    os.chown(host.path("/etc/owned"), 1, 2)
    (change,) = host.plan(wanted).changes
    assert change.differs == ("owner", "group")
    assert host.provision(wanted).ok
    status = host.path("/etc/owned").stat()
    assert (status.st_uid, status.st_gid) == (0, 0)


def test_every_byte_and_a_large_file_arrive_unchanged(host: Host) -> None:
    every = bytes(range(256)).decode("utf-8", "surrogateescape")
    large = "".join(f"{number} {every}" for number in range(1000))
    wanted = [
        a_file("/etc/every", every),
        a_file("/etc/empty", ""),
        a_file("/etc/newlines", "\n\n\n"),
        a_file("/etc/unended", "no newline at the end"),
        a_file("/etc/large", large),
    ]
    assert host.provision(*wanted).ok
    for file in wanted:
        assert host.path(file.path).read_bytes() == file.data


@fewer_shells
def test_one_file_in_two_places_travels_once_and_lands_twice(host: Host) -> None:
    wanted = [a_file("/etc/one", "same\n"), a_file("/etc/two", "same\n", mode="0600")]
    assert host.provision(*wanted).ok
    assert host.path("/etc/one").read_text() == host.path("/etc/two").read_text() == "same\n"


@fewer_shells
def test_old_bytes_and_mode_are_kept_for_rollback(host: Host) -> None:
    host.write("/etc/kept", "old\n", 0o604)
    assert host.provision(a_file("/etc/kept")).ok
    kept = host.path(f"/var/lib/magnus/kept/{digest('old' + chr(10))}")
    assert kept.read_text() == "old\n"
    assert mode(kept) == "0600"
    (change,) = records.manifest((host.folder / "manifest").read_text()).changes
    former = change.former
    assert isinstance(former, File)
    assert (former.kept, former.mode) == (kept.name, "0604")
    assert host.provision(former).ok
    assert host.path("/etc/kept").read_text() == "old\n"
    assert mode(host.path("/etc/kept")) == "0604"


@fewer_shells
def test_a_secret_is_never_readable_by_others_not_even_for_a_moment(host: Host) -> None:
    wanted = a_file("/etc/secret", "hush\n", mode="0600")
    host.standin("chmod", 'ls -ldL "$2" | cut -c 1-10 >>"$MAGNUS_ROOT/modes"; exec /bin/chmod "$@"')
    assert host.provision(wanted).ok
    assert set(host.path("/modes").read_text().split()) == {"-rw-------"}
    assert mode(host.folder) == "0700"


@fewer_shells
def test_a_declared_absent_file_is_removed_and_kept_for_rollback(host: Host) -> None:
    path = host.write("/etc/gone", "bytes\n")
    wanted = a_file("/etc/gone", ensure="absent")
    (change,) = host.plan(wanted).changes
    assert change.action is Action.DELETE
    assert host.provision(wanted).ok
    assert not path.exists()
    kept = host.path(f"/var/lib/magnus/kept/{digest('bytes' + chr(10))}")
    assert kept.read_text() == "bytes\n"
    assert not host.plan(wanted)


@fewer_shells
def test_a_declared_absent_link_is_removed_and_not_what_it_names(host: Host) -> None:
    target = host.write("/etc/target", "bytes\n")
    host.path("/etc/link").symlink_to(target)
    assert host.provision(a_file("/etc/link", ensure="absent")).ok
    assert not host.path("/etc/link").is_symlink()
    assert target.read_text() == "bytes\n"


@fewer_shells
def test_a_declared_absent_link_to_nowhere_is_removed(host: Host) -> None:
    host.path("/etc/link").symlink_to("/nowhere/at/all")
    assert host.provision(a_file("/etc/link", ensure="absent")).ok
    assert not host.path("/etc/link").is_symlink()


def test_a_directory_is_made_with_its_parents(host: Host) -> None:
    wanted = a_directory("/srv/a/b", mode="0750")
    assert host.observe([wanted])[wanted.id].answer == "absent"
    assert host.provision(wanted).ok
    assert mode(host.path("/srv/a/b")) == "0750"
    assert mode(host.path("/srv/a")) == "0755"


def test_drift_of_the_mode_of_directories_is_seen_and_undone(host: Host) -> None:
    modes = (0o700, 0o777, 0o1777, 0o2755)
    wanted = [a_directory(f"/srv/{bits:o}") for bits in modes]
    assert host.provision(*wanted).ok
    for bits in modes:
        host.path(f"/srv/{bits:o}").chmod(bits)
    assert [change.differs for change in host.plan(*wanted).changes] == [("mode",)] * 4
    assert host.provision(*wanted).ok
    assert {mode(host.path(directory.path)) for directory in wanted} == {"0755"}


@fewer_shells
def test_directories_can_have_the_special_bits(host: Host) -> None:
    assert host.provision(*(a_directory(f"/srv/{m}", mode=m) for m in ("1777", "2750"))).ok
    assert mode(host.path("/srv/1777")) == "1777"
    assert mode(host.path("/srv/2750")) == "2750"


@fewer_shells
def test_only_an_empty_directory_is_ever_removed(host: Host) -> None:
    host.write("/srv/full/file", "bytes\n")
    host.path("/srv/empty").mkdir()
    full = a_directory("/srv/full", ensure="absent")
    empty = a_directory("/srv/empty", ensure="absent")
    job = host.provision(full, empty)
    assert job.words == {full.id: "failed", empty.id: "ok"}
    assert host.path("/srv/full/file").read_text() == "bytes\n"
    assert not host.path("/srv/empty").exists()
