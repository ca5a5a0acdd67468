"""A boot ends a job; what needs it waits for the next round, and everything else does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from magnusctl.disruptions import disruptions
from magnusctl.inventory.model import Host
from magnusctl.plan import diff
from magnusctl.report import Planned
from magnusctl.report.describe import lines, title
from magnusctl.resources import KINDS, seal
from magnusctl.resources.file import File
from magnusctl.resources.reboot import Reboot
from magnusctl.resources.service import Service
from magnusctl.stages import deferred, stages
from magnusctl.state import Observed, Plan, Resource

CONF = File(path="/etc/modprobe.d/x.conf", content="x\n")
BOOT = Reboot(label="driver", unless="false", why="it reads its options", after=(CONF.id,))
GPU = Service(unit="gpu", after=(BOOT.id,))
LLM = Service(unit="llm", restart_on=("service:gpu",), after=("service:gpu",))
CHRONY = Service(unit="chrony")
SSHD = File(path="/etc/ssh/sshd_config.d/10-x.conf", content="Port 22\n")
DOWN = "loaded disabled down -"


def planned(boot: str, *resources: Resource) -> Plan:
    """The plan where nothing is there yet, and the boot's guard said this."""
    said = {"file": "absent", "service": DOWN, "reboot": boot}
    sealed = seal(resources)
    seen = {r.id: Observed(KINDS[r.kind].parse(r, said[r.kind]), said[r.kind]) for r in sealed}
    return diff("tower", sealed, seen)


def names(plan: Plan) -> list[str]:
    """The resources of every step of the first job."""
    return [change.resource.id for step in stages(plan).steps for change in step.changes]


ALL: Sequence[Resource] = (CONF, BOOT, GPU, LLM, SSHD, CHRONY)


def test_a_boot_comes_last_and_what_needs_it_waits() -> None:
    plan = planned("needed", *ALL)
    assert names(plan) == [CONF.id, CHRONY.id, SSHD.id, BOOT.id]
    assert [change.resource.id for change in deferred(plan)] == [GPU.id, LLM.id]


def test_without_a_boot_nothing_waits() -> None:
    plan = planned("done", replace(BOOT, after=()), *ALL[2:])
    assert BOOT.id not in names(plan)
    assert deferred(plan) == []
    assert {GPU.id, LLM.id} <= set(names(plan))


def test_a_boot_that_nobody_can_judge_yet_boots_nothing_and_what_needs_it_waits() -> None:
    plan = planned("unknown", *ALL)
    assert BOOT.id not in names(plan)
    assert [change.resource.id for change in deferred(plan)] == [BOOT.id, GPU.id, LLM.id]


def test_a_boot_that_is_not_wanted_yet_is_judged_again_after_what_it_comes_after() -> None:
    plan = planned("done", *ALL)
    assert names(plan) == [CONF.id, CHRONY.id, SSHD.id]
    assert [change.resource.id for change in deferred(plan)] == [BOOT.id, GPU.id, LLM.id]
    assert title(Planned("tower", plan)) == "6 changes, may boot"
    said = [line for _, line in lines(plan)]
    assert any(f"may boot, known after {CONF.id}" in line for line in said)


def test_two_reasons_are_one_boot() -> None:
    other = Reboot(label="command line", unless="false")
    plan = planned("needed", BOOT, CONF, other)
    assert [len(step.changes) for step in stages(plan).steps] == [1, 2]


def test_a_boot_is_said_in_the_plan_and_in_its_title() -> None:
    plan = planned("needed", CONF, BOOT)
    assert title(Planned("tower", plan)) == "2 changes, boots"
    said = [line for _, line in lines(plan)]
    assert any("boots: it reads its options   [reboot]" in line for line in said)


def test_a_boot_of_a_protected_host_needs_consent() -> None:
    host = Host.model_validate({"os": "debian-12", "protected": True})
    found = {item.what: item.why for item in disruptions(host, planned("needed", CONF, BOOT))}
    assert found == {"reboot": "reboot:driver: reboots"}


def test_whatever_tunes_a_host_that_trades_needs_consent() -> None:
    host = Host.model_validate({"os": "debian-12", "roles": ("trading",)})
    assert host.protected
    harmless = File(path="/etc/magnus/x", content="x", role="trading")
    found = {item.what: item.why for item in disruptions(host, planned("done", harmless))}
    assert found == {"trading": "/etc/magnus/x: the engine was measured without"}
