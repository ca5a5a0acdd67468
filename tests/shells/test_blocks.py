"""A block of lines in somebody else's file: the rest of the file stays, byte for byte."""

from __future__ import annotations

import pytest

from magnusctl.errors import MagnusError
from magnusctl.state import Action, digest
from tests.shells.hosts import Host, a_block, fewer_shells, leftovers, mode

pytestmark = pytest.mark.shells
OURS = "10.0.0.1 one\n10.0.0.2 two\n"
MARKED = f"# magnus begin\n{OURS}# magnus end\n"


CASES = {
    "empty": ("", MARKED),
    "append": ("theirs\n", f"theirs\n{MARKED}"),
    "replace": ("a\n# magnus begin\nold\n# magnus end\nz\n", f"a\n{MARKED}z\n"),
    "fill": ("a\n# magnus begin\n# magnus end\nz\n", f"a\n{MARKED}z\n"),
    "neighbour": (
        "a\n# other begin\nx\n# other end\n",
        f"a\n# other begin\nx\n# other end\n{MARKED}",
    ),
    "odd": ("tab\t \\ $HOME `x` %s & ~\r\n", f"tab\t \\ $HOME `x` %s & ~\r\n{MARKED}"),
    "stray-end": ("# magnus end\nstray\n", f"# magnus end\nstray\n{MARKED}"),
}


def test_blocks_are_put_and_the_rest_stays(host: Host) -> None:
    for name, (before, _) in CASES.items():
        host.write(f"/etc/{name}", before, 0o640)
    wanted = [a_block(f"/etc/{name}", OURS) for name in CASES]
    plan = host.plan(*wanted)
    assert len(plan) == len(CASES)
    assert host.apply(plan, *wanted).ok
    for name, (_, after) in CASES.items():
        assert host.path(f"/etc/{name}").read_bytes().decode() == after
        assert mode(host.path(f"/etc/{name}")) == "0640"


def test_bytes_that_are_no_text_stay_in_the_rest_of_the_file(host: Host) -> None:
    theirs = bytes(b for b in range(1, 256) if b != 10) + b"\n"
    path = host.write("/etc/hosts", theirs)
    assert host.provision(a_block("/etc/hosts", OURS)).ok
    assert path.read_bytes() == theirs + MARKED.encode()


@fewer_shells
def test_a_block_in_no_file_makes_the_file(host: Host) -> None:
    wanted = a_block("/etc/new", OURS)
    assert host.observe([wanted])[wanted.id].answer == "absent"
    assert host.provision(wanted).ok
    assert host.path("/etc/new").read_text() == MARKED
    assert mode(host.path("/etc/new")) == "0644"


def test_drift_of_a_block_is_seen_and_undone_and_a_change_beside_it_is_not_drift(
    host: Host,
) -> None:
    path = host.write("/etc/hosts", "first\n")
    wanted = a_block("/etc/hosts", OURS)
    assert host.provision(wanted).ok
    path.write_text(f"changed\n{MARKED}added\n")
    assert not host.plan(wanted)
    path.write_text(f"changed\n{MARKED.replace('two', 'three')}added\n")
    (change,) = host.plan(wanted).changes
    assert change.differs == ("content",)
    assert host.provision(wanted).ok
    assert path.read_text() == f"changed\n{MARKED}added\n"
    path.write_text("changed\nadded\n")
    assert [c.action for c in host.plan(wanted).changes] == [Action.CREATE]
    assert not leftovers(host)


def test_any_lines_of_a_block_read_back_as_declared(host: Host) -> None:
    contents = ["", "\n\n", "a\\nb \\\\ & $0\n", "ünïcödé ☃\n", "\t\r\n", "x" * 9000 + "\n"]
    wanted = [a_block(f"/etc/{number}", content) for number, content in enumerate(contents)]
    assert host.provision(*wanted).ok
    answers = [seen.answer for seen in host.observe(wanted).values()]
    assert answers == [f"block {digest(content)}" for content in contents]


@pytest.mark.parametrize(
    "content", ["no newline at the end", "x\n# magnus end\ny\n", "# magnus begin\n"]
)
def test_a_block_that_cannot_be_one_is_refused_or_reads_back(host: Host, content: str) -> None:
    path = host.write("/etc/hosts", "theirs\n")
    try:
        wanted = a_block("/etc/hosts", content)
    except (MagnusError, ValueError):
        return
    assert host.provision(wanted).ok
    before = path.read_text()
    host.provision(wanted)
    assert path.read_text() == before


@fewer_shells
def test_a_block_may_hold_bytes_that_are_no_utf_8(host: Host) -> None:
    assert host.provision(a_block("/etc/x", "caf\udce9\n")).ok
    assert host.path("/etc/x").read_bytes() == b"# magnus begin\ncaf\xe9\n# magnus end\n"


@fewer_shells
def test_two_blocks_of_two_markers_live_in_two_files_of_one_job(host: Host) -> None:
    one = a_block("/etc/one", "1\n", marker="magnus links")
    two = a_block("/etc/two", "2\n", marker='mag"nus\\t')
    assert host.provision(one, two).ok
    assert host.path("/etc/one").read_text() == "# magnus links begin\n1\n# magnus links end\n"
    assert host.path("/etc/two").read_text() == '# mag"nus\\t begin\n2\n# mag"nus\\t end\n'


SECOND = "# magnus begin\n2\n# magnus end\n"


def test_a_second_block_of_the_same_marker_goes_and_what_is_between_stays(host: Host) -> None:
    path = host.write("/etc/hosts", f"a\n# magnus begin\n1\n# magnus end\nb\n{SECOND}c\n")
    assert host.provision(a_block("/etc/hosts", OURS)).ok
    assert path.read_text() == f"a\n{MARKED}b\nc\n"
    path.write_text(f"a\n{MARKED}b\n{SECOND}c\n")
    assert host.plan(a_block("/etc/hosts", OURS))
    assert host.provision(a_block("/etc/hosts", ensure="absent")).ok
    assert path.read_text() == "a\nb\nc\n"


def test_a_block_that_lost_its_end_before_a_whole_one_loses_no_line_of_the_file(
    host: Host,
) -> None:
    path = host.write("/etc/hosts", f"a\n# magnus begin\ntheirs\nand theirs\n{SECOND}z\n")
    host.provision(a_block("/etc/hosts", OURS))
    assert "theirs\nand theirs\n" in path.read_text()
    assert path.read_text().endswith("z\n")


def test_a_block_whose_end_was_deleted_loses_no_line_of_the_file(host: Host) -> None:
    path = host.write("/etc/hosts", "a\n# magnus begin\nold\ntheirs\nand theirs\n")
    host.provision(a_block("/etc/hosts", OURS))
    assert "theirs\nand theirs\n" in path.read_text()


def test_removing_a_block_whose_end_was_deleted_loses_no_line_of_the_file(host: Host) -> None:
    path = host.write("/etc/hosts", "a\n# magnus begin\nold\ntheirs\nand theirs\n")
    host.provision(a_block("/etc/hosts", ensure="absent"))
    assert "theirs\nand theirs\n" in path.read_text()


@fewer_shells
def test_a_declared_absent_block_is_removed_and_the_rest_stays(host: Host) -> None:
    path = host.write("/etc/hosts", f"a\n{MARKED}z", 0o604)
    wanted = a_block("/etc/hosts", ensure="absent")
    (change,) = host.plan(wanted).changes
    assert change.action is Action.DELETE
    assert host.provision(wanted).ok
    assert path.read_text() == "a\nz\n"
    assert mode(path) == "0604"
    path.unlink()
    assert not host.plan(wanted)


@fewer_shells
def test_an_empty_block_is_still_a_block_to_remove(host: Host) -> None:
    path = host.write("/etc/hosts", "a\n# magnus begin\n# magnus end\n")
    assert host.provision(a_block("/etc/hosts", ensure="absent")).ok
    assert path.read_text() == "a\n"
