"""One host: what is made of its answers, also when they stop or make no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magnusctl import converge, following
from magnusctl import provision as provisioning
from magnusctl.bootstrap import Request
from magnusctl.converge import Machine
from magnusctl.errand import Errand
from magnusctl.errors import (
    ConflictError,
    HostError,
    Locked,
    MagnusError,
    ProtocolError,
    Unreachable,
)
from magnusctl.inventory.model import Host
from magnusctl.parallel import each
from magnusctl.report import Outcome, Status, StepDone
from magnusctl.resources.directory import Directory
from magnusctl.transport import Wire

FACTS = ["os=debian", "version=12", "arch=x", "kernel=6", "login=me", "uid=0", "boot=b"]
WANTED = Directory(path="/srv/a")
Reply = Callable[[str], list[str | MagnusError]]


class FakeTransport:
    """Answers from a list, and remembers what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.sent = list(replies), 0

    def execute(self, request: Request, idle_s: float = 0) -> Iterator[str]:
        del idle_s
        self.sent += 1
        for line in self.replies.pop(0)(request.nonce):
            if isinstance(line, MagnusError):
                raise line
            yield line

    def fresh(self) -> FakeTransport:
        return self

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        raise AssertionError(f"nobody dials {address}:{port} within {timeout_s}")

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        raise AssertionError(f"nobody sends {local} to {remote} from {offset} for {moved}")

    def host_key(self) -> str:
        return ""

    def weakness(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing is held."""


class Heard:
    """Remembers the steps and the notes."""

    def __init__(self) -> None:
        self.steps: list[StepDone] = []
        self.notes: list[str] = []

    def step(self, event: StepDone) -> None:
        self.steps.append(event)

    def note(self, host: str, text: str) -> None:
        self.notes.append(f"{host} {text}")


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(following, "RECONNECT_S", 0.0)
    monkeypatch.setattr(following, "_PAUSES", (0.01,))


def probe(answer: str) -> Reply:
    def reply(nonce: str) -> list[str | MagnusError]:
        facts = [f"{nonce} . {fact}" for fact in FACTS]
        state = [f"{nonce} > directory 1", f"{nonce} . {answer}", f"{nonce} end"]
        return [f"{nonce} > facts 7", *facts, *state]

    return reply


def job(*lines: str | MagnusError, then: Reply | None = None) -> Reply:
    def reply(nonce: str) -> list[str | MagnusError]:
        told = [f"{nonce} {line}" if isinstance(line, str) else line for line in lines]
        return [*told, *(then(nonce) if then else [])]

    return reply


def provision(*replies: Reply) -> tuple[Outcome, Heard]:
    machine = Machine(
        "tower",
        Host.model_validate({"os": "debian-12"}),
        (WANTED,),
        FakeTransport(probe("absent"), *replies),
    )
    plan = converge.plan(machine, converge.observe(machine))
    assert len(plan) == 1
    heard = Heard()
    return provisioning.provision(machine, plan, heard, Errand()), heard


BEGUN = ("j T begin 1", "j T start 0")


def test_a_job_that_ends_well_is_told_and_nothing_is_left() -> None:
    done = job(*BEGUN, "j T ok 0", "j T end ok", then=probe("directory 755 root root"))
    outcome, heard = provision(done)
    assert outcome.error is None
    assert (outcome.changed, len(outcome.plan)) == (1, 0)
    assert [step.status for step in heard.steps] == [Status.RUNNING, Status.OK]


def test_a_link_that_breaks_is_made_again_and_nothing_is_missed() -> None:
    rest = job("j T ok 0", "j T end ok", then=probe("directory 755 root root"))
    outcome, heard = provision(job(*BEGUN, Unreachable("the connection broke")), rest)
    assert outcome.error is None
    assert [step.status for step in heard.steps] == [Status.RUNNING, Status.OK]
    assert heard.notes == [
        f"tower link lost at step 1/1 (the connection broke); job {outcome.job} goes on there, "
        "reconnecting …",
        "tower back; nothing was missed",
    ]


def test_a_link_that_stays_broken_loses_nothing_of_what_was_heard() -> None:
    gone = job(Unreachable("unreachable"))
    outcome, _ = provision(
        job(*BEGUN, "j T ok 0", Unreachable("the connection broke")), *[gone] * 9
    )
    assert isinstance(outcome.error, Unreachable)
    assert outcome.changed == 1
    assert "goes on to its end" in outcome.error.detail
    assert f"magnusctl attach tower {outcome.job}" in outcome.error.hint


def test_a_link_that_breaks_before_the_job_began_does_not_say_that_it_goes_on() -> None:
    gone = job(Unreachable("unreachable"))
    outcome, _ = provision(job(Unreachable("the connection broke")), *[gone] * 9)
    assert outcome.error
    assert "is not known" in str(outcome.error)
    assert "goes on" not in str(outcome.error)


def test_an_upload_that_was_cut_ran_nothing() -> None:
    outcome, _ = provision(job(Unreachable("the connection broke")), job("gone never-began"))
    assert isinstance(outcome.error, ConflictError)
    assert "nothing was run" in str(outcome.error)


def test_a_job_that_dies_is_told_with_what_really_stands() -> None:
    dead = job(*BEGUN, "gone rebooted")
    outcome, _ = provision(dead, probe("directory 755 root root"))
    assert isinstance(outcome.error, HostError)
    assert "rebooted during job" in str(outcome.error)
    assert len(outcome.plan) == 0


def test_a_host_that_somebody_holds_is_left_alone() -> None:
    locked = job("j T locked 20260101-aa bob@mac T0 7/31", "j T end refused", "end")
    outcome, _ = provision(locked, probe("absent"))
    assert isinstance(outcome.error, Locked)
    assert "held by bob@mac since T0: job 20260101-aa, step 7/31" in str(outcome.error)


def test_a_step_that_failed_is_told_in_its_own_words() -> None:
    lines = (*BEGUN, "j T failed 0 1", "j T said 0 . no space left", "j T end ok")
    outcome, _ = provision(job(*lines, then=probe("absent")))
    assert isinstance(outcome.error, HostError)
    assert outcome.statuses == {WANTED.id: Status.FAILED}
    assert "no space left" in str(outcome.error)
    assert len(outcome.plan) == 1


def test_what_stays_different_is_an_error_and_not_an_endless_loop() -> None:
    done = job(*BEGUN, "j T ok 0", "j T end ok", then=probe("directory 700 root root"))
    outcome, _ = provision(done)
    assert "this stays different: directory:/srv/a" in str(outcome.error)
    assert "mode is '0700', declared '0755'" in str(outcome.error)


@pytest.mark.parametrize(
    "line", ["j T ok 7", "j T ok -1", "j T ok x", "j T said 99 . words", "x 610061", "nonsense"]
)
def test_an_event_that_makes_no_sense_is_a_protocol_error(line: str) -> None:
    outcome, _ = provision(job(*BEGUN, line, "j T end ok", then=probe("absent")))
    assert isinstance(outcome.error, ProtocolError), outcome.error


def test_an_answer_with_no_end_is_never_no_changes() -> None:
    cut = job("> facts 7", ". os=debian")
    outcome, _ = provision(job(*BEGUN, "j T ok 0", "j T end ok"), cut)
    assert isinstance(outcome.error, ProtocolError)


def test_a_bug_on_one_host_leaves_the_others_their_results() -> None:
    def work(name: str) -> str:
        if name == "bad":
            raise KeyError("oops")
        return name.upper()

    found = each(["a", "bad", "b"], work, 2)
    assert (found["a"], found["b"]) == ("A", "B")
    assert isinstance(found["bad"], MagnusError)
    assert "a fault of magnusctl itself: KeyError" in str(found["bad"])
    assert list(found) == ["a", "bad", "b"]
