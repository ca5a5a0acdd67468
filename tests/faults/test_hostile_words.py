"""V15: whatever a host writes into a journal or an answer, it is judged and never believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from magnusctl import following, records
from magnusctl.answers import Answers
from magnusctl.errors import MagnusError, ProtocolError
from magnusctl.report import Outcome
from magnusctl.resources import KINDS, probes
from magnusctl.resources.block import Block
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Resource
from tests.test_provision import BEGUN, WANTED, job, probe, provision

WORDS = (
    *("begin", "end", "start", "ok", "failed", "conflict", "skip", "cancelled", "undone", "said"),
    *("undo-failed", "locked", "waiting", "reclaimed", "no-space", "read-only", "no-files", "arm"),
    *(
        "confirmed",
        "reverting",
        "reverted",
        "revert-failed",
        "unarmed",
        "reverting-job",
        "note",
        "moved",
    ),
    *("explode", ""),
)
ARGUMENTS = some.one_of(
    some.sampled_from(["0", "1", "-1", "7", "x", ".", "ok", "failed", "refused", "lock", "9" * 30]),
    some.text(some.characters(exclude_characters="\n"), max_size=8),
)
EVENTS = some.builds(
    lambda word, rest: " ".join(["j T", word, *rest]),
    some.sampled_from(WORDS),
    some.lists(ARGUMENTS, max_size=5),
)
HONEST = (
    *("ok 0", "failed 0 1", "failed 0 137 signal", "failed 0 143 timeout 2", "conflict 0"),
    *(
        "skip 0 0",
        "cancelled 0",
        "cancelled lock",
        "undone 0",
        "said 0 . words",
        "note 0 words",
        "moved 0 5 9",
    ),
    *("end ok", "end failed", "end refused", "end reverted", "locked a b c d", "no-space 1 2 /"),
    *("reverting boot", "reverting a-step-failed", "reverted", "revert-failed", "unarmed"),
)
LINES = some.one_of(
    EVENTS,
    some.sampled_from([f"j T {words}" for words in HONEST]),
    some.sampled_from(
        ["end", "b", "gone died", "gone rebooted", "gone reverting", "gone", "> x 1"]
    ),
    some.text(some.characters(exclude_characters="\n"), max_size=20),
)
NAMES = some.sampled_from(
    ["about", "changes", "id", "step", "at", "answer", "former", "kind", "job", "host", "path"]
)
RESOURCES: tuple[Resource, ...] = (
    File(path="/a", content="a"),
    Block(path="/b", content="b\n"),
    Command(label="c", run="true", unless="false"),
    Group(group="d"),
    Package(package="e"),
    Service(unit="f"),
    Sysctl(key="vm.g", value="1"),
    User(user="h"),
)


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(following, "RECONNECT_S", 0.0)
    monkeypatch.setattr(following, "_PAUSES", (0.0,))


def judged(*lines: str) -> Outcome:
    """What becomes of a job that says this; whatever is asked after it has its plain answer."""
    outcome, _ = provision(job(*lines), *[probe("absent")] * 9)
    return outcome


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.lists(LINES, max_size=12))
def test_v15_no_words_of_a_host_are_a_fault_of_ours_or_success(lines: list[str]) -> None:
    """The resource is still absent, so whatever the host says it cannot have ended well."""
    outcome = judged(*BEGUN, *lines)
    assert isinstance(outcome.error, MagnusError)
    assert outcome.error.exit_code != 1
    assert [change.resource.id for change in outcome.plan.changes] == [WANTED.id]


@pytest.mark.parametrize("word", ["ok 0", "failed 0 1", "conflict 0", "skip 0 0", "cancelled 0"])
def test_v15_a_step_ends_once(word: str) -> None:
    outcome = judged(*BEGUN, f"j T {word}", "j T ok 0")
    assert isinstance(outcome.error, ProtocolError)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
@given(line=some.text(some.characters(exclude_characters="\n"), max_size=60))
def test_v15_no_answer_about_a_resource_is_a_fault_of_ours(resource: Resource, line: str) -> None:
    (asked,) = probes([resource])
    try:
        state = asked.parse([line])[resource.id].state
        # What was understood has a way back, or the reason why not.
        assert KINDS[resource.kind].former(resource, line) is not None
    except (ValueError, LookupError):
        return
    assert state is None or all(isinstance(key, str) for key in state)


@given(
    some.recursive(
        some.none() | some.integers() | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(NAMES, inner),
    )
)
def test_v15_no_manifest_is_a_fault_of_ours(found: object) -> None:
    try:
        records.manifest(json.dumps(found))
    except ProtocolError:
        return


def test_v15_noise_is_not_collected() -> None:
    answers = Answers("n")
    assert list(answers.read(f"noise {number}" * 50 for number in range(5000))) == []
    assert sum(map(len, answers.noise)) < 20_000
