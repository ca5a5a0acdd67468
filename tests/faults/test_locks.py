"""C1: several operators at one host: one of them changes it, and the others know who."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.faults.kill import Run
from tests.faults.site import NEW, Simulated, Site
from tests.lab.system import wait_for

two = pytest.param(2, marks=pytest.mark.slow_faults)
PEOPLE = ("alice", "bob", "carol", "dave")


def own(person: str) -> Mapping[str, Any]:
    """What one of them wants, and nobody else: three steps."""
    names = (f"/etc/app/{person}{number}" for number in range(3))
    return {"files": {name: {"content": f"{person}\n{NEW}"} for name in names}}


def hosts(place: Site, name: str, people: Sequence[str]) -> list[Simulated]:
    """One host, as each of some people declares it."""
    return [place.host(name, own(person), user=person) for person in people]


@contextlib.contextmanager
def at_once(views: Sequence[Simulated], *words: str) -> Iterator[list[Run]]:
    """All of them provision at the same time."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(one.start("provision", "--yes", *words)) for one in views]


def assert_refused(run: Run, host: Simulated, holder: str, at: str) -> None:
    """The sentence that says who holds the host, since when, and what to do."""
    said = run.stdout
    job = re.escape(host.jobs()[0])
    since = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    sentence = rf"{host.name}: held by {holder}@\S+ since {since}: job {job}, step {at}\. Nothing"
    assert re.search(sentence, said), said
    assert re.search(
        rf"magnusctl attach {host.name} {job}.* wait for it with --wait-lock 10m", said
    )


@pytest.mark.parametrize("count", [two, 4])
def test_c1_whoever_comes_second_is_told_who_was_first(place: Site, count: int) -> None:
    first, *others = hosts(place, f"held{count}", PEOPLE[:count])
    first.hold(5)
    with first.start("provision", "--yes") as holding:
        first.held()
        with at_once(others) as runs:
            for run in runs:
                assert run.wait(90) == 7, run.stdout
                assert_refused(run, first, "alice", "2/3")
        assert [path.name for path in first.path("/etc/app").glob("[b-d]*[0-9]")] == []
        assert first.contents("/etc/app/alice1")
        first.release()
        assert holding.wait(60) == 0, holding.stdout
    for host in (first, *others):
        ran = host.run("provision", "--yes")
        assert ran.code == 0, ran.said
    assert len(list(first.path("/etc/app").glob("[a-d]*[0-2]"))) == 3 * count


@pytest.mark.parametrize(
    "turn", [0, *(pytest.param(n, marks=pytest.mark.slow_faults) for n in range(1, 8))]
)
@pytest.mark.parametrize("count", [two, 4])
def test_c1_of_those_who_come_together_one_changes_the_host(
    place: Site, count: int, turn: int
) -> None:
    views = hosts(place, f"race{count}.{turn}", PEOPLE[:count])
    views[0].hold(2)
    with at_once(views) as runs:
        wait_for("the others", lambda: [r.code for r in runs].count(7) == count - 1, 90)
        views[0].release()
        assert sorted(run.wait(60) for run in runs) == [0] + [7] * (count - 1)
    begun = [job for job in views[0].jobs() if any("begin" in x for x in views[0].journal(job))]
    assert len(begun) == 1
    assert len({p.name[:-1] for p in views[0].path("/etc/app").glob("[a-d]*[0-2]")}) == 1
    assert views[0].free()


@pytest.mark.parametrize("count", [two, 4])
def test_c1_those_who_wait_are_served_one_after_the_other(place: Site, count: int) -> None:
    views = hosts(place, f"queue{count}", PEOPLE[:count])
    views[0].hold(2)
    with at_once(views, "--wait-lock", "2m") as runs:
        holding = r"waiting for job \S+ by (alice|bob|carol|dave)@\S+, at step \d/\d"
        wait_for(
            "the waiting", lambda: sum(bool(re.search(holding, r.stderr)) for r in runs) >= 1, 60
        )
        wait_for("all", lambda: len(views[0].jobs()) == count, 60)
        views[0].release()
        assert [run.wait(90) for run in runs] == [0] * count, [run.stdout for run in runs]
    lines = (views[0].state / "audit.jsonl").read_text().splitlines()
    told = [(json.loads(line)["job"], json.loads(line)["result"]) for line in lines]
    served = [job for job, _ in told[::2]]
    assert told == [pair for job in served for pair in ((job, "begun"), (job, "ok"))]
    assert sorted(served) == sorted(views[0].jobs())
    assert len(list(views[0].path("/etc/app").glob("[a-d]*[0-2]"))) == 3 * count


def test_c1_who_waits_in_vain_is_refused_and_who_waits_can_be_cancelled(place: Site) -> None:
    first, second, third = hosts(place, "vain", PEOPLE[:3])
    first.hold(5)
    with first.start("provision", "--yes") as holding:
        first.held()
        refused = second.run("provision", "--yes", "--wait-lock", "1s")
        assert refused.code == 7, refused.said
        assert "waiting for job" in refused.stderr
        known = set(first.jobs())
        with third.start("provision", "--yes", "--wait-lock", "10m") as waiting:
            waiting.wait_line("waiting for job .* by alice@")
            (job,) = set(first.jobs()) - known
            cancelled = third.run("cancel", "vain", job)
            assert f"job {job} ends after its current step" in cancelled.stdout
            assert waiting.wait(30) == 130, waiting.stdout
            assert "vain: cancelled; not begun: all of it" in waiting.stdout
        first.release()
        assert holding.wait(60) == 0
    assert not list(first.path("/etc/app").glob("[bc]*[0-9]"))
    assert first.free()
