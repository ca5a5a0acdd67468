"""A disk that is full or read-only: refused before the first step, or told to the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.smallfs import SmallFs, missing, small
from tests.shells.hosts import Host, Job, a_file, a_gate
from tests.shells.running import words
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = [pytest.mark.shells, pytest.mark.skipif(bool(missing()), reason=missing())]


@contextmanager
def _disk(host: Host, name: str, kib: int = 512) -> Iterator[SmallFs]:
    with ExitStack() as stack:
        yield stack.enter_context(small(host.path(name), kib))


def _told(job: Job) -> list[str]:
    return words((job.folder / "journal").read_text().splitlines())


def _refused(host: Host, job: Job, why: str) -> None:
    told = _told(job)
    assert [told[0].split(" ")[0], *told[1:]] == [why, "end refused"]
    assert str(host.path("/srv")) in told[0]
    assert not host.path("/etc/x").exists()
    assert not job.words


@under(FEWER)
def test_a_file_system_that_is_read_only_is_refused_before_the_first_step(host: Host) -> None:
    wanted = a_file("/etc/x"), a_file("/srv/deep/er/x"), a_file("/srv/y")
    with _disk(host, "/srv") as disk:
        plan = host.plan(*wanted)
        disk.read_only()
        _refused(host, host.apply(plan, *wanted), "read-only")
        disk.read_write()
        assert sorted(path.name for path in disk.path.iterdir()) in ([], ["lost+found"])


@under(FEWER)
def test_a_file_system_without_room_is_refused_before_the_first_step(host: Host) -> None:
    wanted = a_file("/etc/x"), a_file("/srv/y", "y" * 100_000)
    with _disk(host, "/srv") as disk:
        plan = host.plan(*wanted)
        disk.fill(leave=120_000)
        _refused(host, host.apply(plan, *wanted), "no-space")
        disk.free()
        assert host.provision(*wanted).ok


@under(FEWER)
def test_a_journal_on_a_disk_that_gets_full_is_whole_and_told_to_its_end(host: Host) -> None:
    files = [a_file(f"/etc/{number}", f"{number}\n") for number in range(12)]
    for file in files[::2]:
        host.write(file.path, "old\n")
    wanted = a_gate(), *files
    with _disk(host, "/var/lib", 2048) as disk:
        running = host.start(host.plan(*wanted), *wanted)
        host.reach()
        disk.fill()
        host.open()
        job = host.end(running)
        ended = [event for event in job.events if event.word != "said"]
        assert [event.word for event in ended[:4]] == ["begin", "start", "ok", "start"]
        assert ended[-1].word == "end"
        # Whatever became of a step is told: its beginning, and its end in one word.
        for number, resource in enumerate(wanted):
            about = [e.word for e in ended if e.arguments[:1] == (str(number),)]
            assert about[0] == "start"
            assert about[1] in ("ok", "failed")
            assert len(about) == 2
            if number:
                path = host.path(resource.name)
                done = path.exists() and path.read_text() != "old\n"
                assert done == (about[1] == "ok")
        assert job.left is not None
        disk.free()
        assert host.provision(*wanted).ok
