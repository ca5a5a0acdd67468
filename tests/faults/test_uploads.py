"""F1: what did not arrive whole is not run, not even when the rest of it comes later."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl import following, script
from magnusctl.quote import sh
from tests.faults.shown import objects
from tests.faults.site import FILES, Simulated, Site
from tests.shells.hosts import NONCE, NONE, Host, a_file
from tests.shells.shells import SHELLS

CUTS = 20
FIRST = {path: before for path, (before, _) in FILES.items()}


@pytest.fixture(scope="module")
def sizes(place: Site) -> tuple[int, int]:
    """Bytes that a question sends, and that a question and a job send, over one connection."""
    host = place.host("sizes")
    found = []
    for words in (("plan",), ("provision", "--yes")):
        before = place.link.until(lambda state: state.open == 0).taken
        assert host.run(*words).code == 0
        place.link.until(lambda state: state.open == 0)
        closed = {event["connection"]: event for event in place.link.events if "up" in event}
        found.append(closed[before + 1]["up"])
    return found[0], found[1]


def assert_nothing_was_run(host: Simulated) -> None:
    """No byte of a job's doing is there; the folder of one may be, if it is empty."""
    assert host.files() == FIRST
    left = [path for path in host.state.rglob("*") if path != host.state / "jobs"]
    assert all(path.is_dir() for path in left), left


@pytest.mark.parametrize(
    "part",
    [pytest.param(n, marks=() if n in (3, 18) else pytest.mark.slow_faults) for n in range(CUTS)],
)
def test_f1_an_upload_that_is_cut_anywhere_runs_nothing(
    place: Site, sizes: tuple[int, int], part: int
) -> None:
    host = place.host(f"upload{part}")
    question, both = sizes
    place.link.cut_after(up=question + (both - question) * part // CUTS + 300)
    ran = host.run("provision", "--yes", "--json")
    assert ran.code == 4, ran.said
    (outcome,) = objects(ran.stdout, "outcome")
    assert outcome["error"]["host"] == host.name
    assert "the upload arrived incomplete; nothing was run" in outcome["error"]["message"]
    assert "Run the same command again." in outcome["error"]["hint"]
    assert outcome["changed"] == 0
    assert_nothing_was_run(host)
    host.assert_done()


@pytest.mark.parametrize("byte", [30, 1500, -2000, -300])
def test_f1_a_question_that_is_cut_is_no_plan(
    place: Site, sizes: tuple[int, int], byte: int
) -> None:
    host = place.host(f"question{byte}")
    place.link.cut_after(up=byte if byte >= 0 else sizes[0] + byte)
    ran = host.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert f"{host.name}: " in ran.stdout
    assert "could not be planned" in ran.stdout
    assert not host.state.exists()
    assert host.files() == FIRST


@pytest.mark.parametrize("known", [False, True], ids=["first job ever", "after another"])
def test_f1_an_upload_that_comes_after_its_client_gave_it_up_is_not_run(
    tmp_path: Path, known: bool
) -> None:
    """As when a route comes back, and delivers what the kernel still had."""
    host = Host(SHELLS[0], tmp_path / "root")
    (host.root / "etc").mkdir(parents=True)
    if known:
        assert host.provision(a_file("/etc/other")).ok
    wanted = a_file("/etc/late")
    late = host.request(host.plan(wanted), wanted)
    words = script.library("prelude.sh", *following._FILES) + sh("follow", host.folder.name, 0, "")
    asked = host.send(script.text_request(words, NONCE, root=str(host.root), privilege=NONE))
    assert asked.lines[-1] == f"{NONCE} gone never-began"
    assert host.send(late).code != 0
    assert not host.path("/etc/late").exists()
    assert not (host.folder / "journal").exists()
