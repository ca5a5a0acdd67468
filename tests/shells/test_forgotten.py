"""What somebody came to need again since it was planned to go stays."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from magnusctl import records, undo
from magnusctl.releases.garbage import forgotten
from magnusctl.releases.record import Record, text
from magnusctl.resources.artifact import Artifact
from magnusctl.state import Resource
from tests.deploying.scenes import FIRST
from tests.shells.hosts import Host
from tests.shells.served import MODEL, Serving, served, serving
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.skipif(not shutil.which("setsid"), reason="setsid is not installed"),
]
STORE = "/srv/models/store/tiny-1"


def _two_releases(found: Serving) -> tuple[Record, list[Resource]]:
    """r2 serves, and r1 is not needed any more."""
    unit = found.unit(1)
    record = replace(FIRST, model=MODEL, unit=unit, path=f"{STORE}/tiny.gguf")
    for number in (1, 2):
        found.release(number)
        job = found.switch(number)
        assert job.ok, job.output
    found.host.write(f"{record.folder}/record", text(record))
    return record, [*forgotten(record)]


@under()
def test_a_release_that_nobody_needs_goes_with_all_that_is_its_own(linux: Host) -> None:
    with serving(linux) as found:
        record, wanted = _two_releases(found)
        job = linux.provision(*wanted)
        assert job.ok, job.output
        assert not linux.path(record.folder).exists()
        assert not linux.path(f"/etc/systemd/system/{found.unit(1)}").exists()
        assert found.stands == served(2)
        assert not linux.plan(*wanted)
        # And all of it comes back, should it have been needed after all.
        made = records.manifest((job.folder / "manifest").read_text()).changes
        backs = [change.former for change in made]
        former = [backs[place] for place in undo.order(backs)]
        back = linux.provision(*(one for one in former if isinstance(one, Resource)))
        assert back.ok, back.output
        assert found.switch(1).ok
        assert found.stands == served(1)


@under(FEWER)
def test_a_release_that_somebody_went_back_to_meanwhile_stays(linux: Host) -> None:
    with serving(linux) as found:
        record, wanted = _two_releases(found)
        plan = linux.plan(*wanted)
        assert found.switch(1).ok
        job = linux.apply(plan, *wanted)
        assert job.first[wanted[0].id] == "failed"
        assert "tiny r1 serves by now" in "\n".join(job.output[wanted[0].id])
        assert {job.first[one.id] for one in wanted[1:] if one.id in job.first} == {"skip"}
        assert linux.path(f"{record.folder}/record").exists()
        # And it could be started again.
        assert found.kept(1, "how")
        assert found.stands == served(1)


@under(FEWER)
def test_a_release_that_a_cut_switch_goes_to_stays(linux: Host) -> None:
    with serving(linux) as found:
        record, wanted = _two_releases(found)
        plan = linux.plan(*wanted)
        linux.write(f"/var/lib/magnus/models/{MODEL}/switching", "1:gate\n")
        assert linux.apply(plan, *wanted).first[wanted[0].id] == "failed"
        assert linux.path(f"{record.folder}/record").exists()


@under()
def test_files_that_a_release_came_to_use_stay(linux: Host) -> None:
    linux.write(f"{STORE}/tiny.gguf", "weights")
    linux.write(f"{STORE}/.magnus-artifact", "1 2 tiny.gguf\n")
    gone = Artifact(path=STORE, ensure="absent")
    plan = linux.plan(gone)
    assert plan
    record = f"/var/lib/magnus/models/{MODEL}/r3/record"
    for path in (STORE, f"{STORE}/tiny.gguf"):
        linux.write(record, text(replace(FIRST, model=MODEL, path=path)))
        job = linux.apply(plan, gone)
        assert job.first == {gone.id: "failed"}
        assert f"{STORE} stays: a release runs from it, tiny/r3" in job.output[gone.id][0]
        assert linux.path(f"{STORE}/tiny.gguf").exists()
    # One with a longer name is another.
    linux.write(record, text(replace(FIRST, model=MODEL, path=f"{STORE}0")))
    assert linux.apply(plan, gone).ok
    assert not linux.path(STORE).exists()
