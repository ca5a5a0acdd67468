"""One host: what is made of its answers, also when they stop or make no sense."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from magnusctl import converge
from magnusctl.converge import Machine
from magnusctl.errors import HostError, MagnusError, ProtocolError, Unreachable
from magnusctl.inventory.model import Host
from magnusctl.parallel import each
from magnusctl.report import Outcome, Status, StepDone
from magnusctl.resources.directory import Directory

FACTS = ["os=debian", "version=12", "arch=x", "kernel=6", "login=me", "uid=0", "boot=b"]
WANTED = Directory(path="/srv/a")
Reply = Callable[[str], list[str | MagnusError]]


class FakeTransport:
    """Answers from a list, and remembers what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.sent = list(replies), 0

    def execute(self, command: str, stdin: bytes, idle_s: float = 0) -> Iterator[str]:
        del command, idle_s
        self.sent += 1
        for line in self.replies.pop(0)(stdin.split(b" ", 1)[0].decode()):
            if isinstance(line, MagnusError):
                raise line
            yield line

    def close(self) -> None:
        """Nothing is held."""


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


def provision(*replies: Reply) -> tuple[Outcome, list[StepDone]]:
    machine = Machine(
        "tower",
        Host.model_validate({"os": "debian-12"}),
        (WANTED,),
        FakeTransport(probe("absent"), *replies),
    )
    plan = converge.plan(machine, converge.observe(machine))
    assert len(plan) == 1
    steps: list[StepDone] = []
    return converge.provision(machine, plan, steps.append), steps


BEGUN = ("j T begin 1", "j T start 0")


def test_a_job_that_ends_well_is_told_and_nothing_is_left() -> None:
    done = job(*BEGUN, "j T ok 0", "j T end", then=probe("directory 755 root root"))
    outcome, steps = provision(done)
    assert outcome.error is None
    assert (outcome.changed, len(outcome.plan)) == (1, 0)
    assert [step.status for step in steps] == [Status.RUNNING, Status.OK]


def test_a_link_that_breaks_loses_nothing_of_what_was_heard() -> None:
    outcome, _ = provision(job(*BEGUN, "j T ok 0", Unreachable("the connection broke")))
    assert isinstance(outcome.error, Unreachable)
    assert outcome.changed == 1
    assert "goes on to its end" in outcome.error.detail
    assert "magnusctl plan -l tower" in outcome.error.hint


def test_a_link_that_breaks_before_the_job_began_does_not_say_that_it_goes_on() -> None:
    outcome, _ = provision(job(Unreachable("the connection broke")))
    assert outcome.error
    assert "goes on" not in str(outcome.error)


def test_a_step_that_failed_is_told_in_its_own_words() -> None:
    lines = (*BEGUN, "j T failed 0 1", "o 0 no space left", "j T end")
    outcome, _ = provision(job(*lines, then=probe("absent")))
    assert isinstance(outcome.error, HostError)
    assert outcome.statuses == {WANTED.id: Status.FAILED}
    assert "no space left" in str(outcome.error)
    assert len(outcome.plan) == 1


def test_what_stays_different_is_an_error_and_not_an_endless_loop() -> None:
    done = job(*BEGUN, "j T ok 0", "j T end", then=probe("directory 700 root root"))
    outcome, _ = provision(done)
    assert "this stays different: directory:/srv/a" in str(outcome.error)
    assert "mode is '0700', declared '0755'" in str(outcome.error)


@pytest.mark.parametrize(
    "line", ["j T ok 7", "j T ok -1", "j T ok x", "o 99 words", "x 610061", "nonsense"]
)
def test_an_event_that_makes_no_sense_is_a_protocol_error(line: str) -> None:
    outcome, _ = provision(job(*BEGUN, line, "j T end", then=probe("absent")))
    assert isinstance(outcome.error, ProtocolError), outcome.error


def test_an_answer_with_no_end_is_never_no_changes() -> None:
    outcome, _ = provision(job(*BEGUN, "j T ok 0", "j T end"))
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
