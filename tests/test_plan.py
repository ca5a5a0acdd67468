"""The diff: what differs between what is declared and what is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from magnusctl.errors import InputError
from magnusctl.plan import as_json, diff
from magnusctl.resources import KINDS, seal
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.resources.service import Service
from magnusctl.resources.sysctl import Sysctl
from magnusctl.resources.user import User
from magnusctl.state import Action, Observed, Resource, State, canonical

UNIT = File(path="/etc/systemd/system/vllm.service", content="[Service]\n")
VLLM = Service(unit="vllm", restart_on=(UNIT.id,))
WANTED = seal((UNIT, VLLM))


def as_declared(desired: Sequence[Resource]) -> dict[str, Observed]:
    return {r.id: Observed(dict(r.state()), f"answer of {r.id}") for r in desired}


def but(desired: Sequence[Resource], name: str, state: State | None) -> dict[str, Observed]:
    return {**as_declared(desired), name: Observed(state, "otherwise")}


def test_a_host_that_is_as_declared_has_an_empty_plan() -> None:
    assert not diff("tower", WANTED, as_declared(WANTED)).changes


def test_a_changed_file_restarts_its_service() -> None:
    state = {**UNIT.state(), "content": "other"}
    plan = diff("tower", WANTED, but(WANTED, UNIT.id, state))
    assert [(c.resource.id, c.action) for c in plan.changes] == [
        (UNIT.id, Action.UPDATE),
        (VLLM.id, Action.RESTART),
    ]
    assert plan.changes[1].because == (UNIT.id,)


def test_a_restart_that_was_missed_is_planned_again() -> None:
    service = WANTED[1]
    state = {**service.state(), "started_with": "-"}
    plan = diff("tower", WANTED, but(WANTED, VLLM.id, state))
    assert [c.action for c in plan.changes] == [Action.RESTART]


def test_a_restart_beside_another_change_is_told_and_counted() -> None:
    unit, service = WANTED
    state = {**service.state(), "enabled": "no"}
    observed = but(WANTED, service.id, state) | {
        unit.id: Observed({**unit.state(), "content": "other"}, "")
    }
    plan = diff("tower", WANTED, observed)
    assert plan.changes[1].action is Action.UPDATE
    assert plan.changes[1].restarts
    assert plan.restarts == 1


def test_a_unit_file_is_a_trigger_of_its_service_without_being_named() -> None:
    unit = File(path="/etc/systemd/system/relay@.service", content="[Unit]\n")
    (_, service) = seal((unit, Service(unit="relay@one")))
    assert service.restart_on == (unit.id,)


def test_what_is_not_mentioned_is_not_judged() -> None:
    user = User(user="ana", shell="/bin/bash")
    state = {"ensure": "present", "shell": "/bin/bash", "home": "/elsewhere", "uid": "7"}
    assert not diff("tower", [user], {user.id: Observed(state, "")}).changes


def test_what_a_host_cannot_tell_is_no_difference() -> None:
    state = {**UNIT.state(), "owner": None}
    assert not diff("tower", [UNIT], {UNIT.id: Observed(state, "")}).changes


def test_a_state_that_is_not_known_yet_waits_for_what_comes_before_it() -> None:
    package = Package(package="chrony")
    key = Sysctl(key="net.x.y", value="1", after=(package.id,))
    observed = {
        package.id: Observed({"ensure": "absent"}, "absent"),
        key.id: Observed(None, "cannot tell"),
    }
    plan = diff("tower", [package, key], observed)
    assert [c.action for c in plan.changes] == [Action.CREATE, Action.UNKNOWN]
    assert plan.unknown[0].because == (package.id,)


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ("absent", "present", Action.CREATE),
        ("present", "absent", Action.DELETE),
    ],
)
def test_presence_decides_the_action(before: str, after: str, action: Action) -> None:
    package = Package(package="x", ensure=after)
    plan = diff("tower", [package], {package.id: Observed({"ensure": before}, before)})
    assert [c.action for c in plan.changes] == [action]


def test_a_change_is_guarded_by_what_the_host_said() -> None:
    plan = diff("tower", [UNIT], {UNIT.id: Observed({"ensure": "absent"}, "absent")})
    assert plan.changes[0].guard == "absent"


def test_what_an_earlier_change_alters_is_not_held_to_its_state_of_now() -> None:
    package = Package(package="chrony")
    file = File(path="/etc/chrony/x", content="", after=(package.id,))
    observed = {name: Observed({"ensure": "absent"}, "absent") for name in (package.id, file.id)}
    plan = diff("tower", [package, file], observed)
    assert [c.guard for c in plan.changes] == ["absent", None]


def test_changes_keep_the_order_of_the_declaration() -> None:
    files = [File(path=f"/{name}", content="") for name in "zaq"]
    observed = {file.id: Observed({"ensure": "absent"}, "absent") for file in files}
    assert [c.resource.name for c in diff("tower", files, observed).changes] == ["/z", "/a", "/q"]


def test_a_plan_in_json_holds_no_content() -> None:
    secret = File(path="/etc/key", content="s3cret")
    plan = diff("tower", [secret], {secret.id: Observed({"ensure": "absent"}, "absent")})
    assert "s3cret" not in canonical(as_json(plan))


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(InputError, match="file:/a is declared twice"):
        seal((File(path="/a", content="1"), File(path="/a", content="2")))


def test_a_trigger_that_nothing_declares_is_refused() -> None:
    with pytest.raises(InputError, match="refers to file:/nowhere"):
        seal((Service(unit="x", restart_on=("file:/nowhere",)),))


def test_other_inputs_give_another_digest() -> None:
    def inputs(content: str) -> str:
        file = File(path="/a", content=content)
        return seal((file, Command(label="c", run="true", restart_on=(file.id,))))[1].inputs

    assert inputs("1") != inputs("2")
    assert inputs("1") == inputs("1")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_registered_under_its_own_name(kind: str) -> None:
    module = KINDS[kind]
    classes = [value for value in vars(module).values() if isinstance(value, type)]
    assert kind in {getattr(value, "kind", "") for value in classes}
