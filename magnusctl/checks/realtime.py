"""Is a host that trades as its engine was measured? What a kernel does not tell is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, passed, skipped, unknown, warned
from magnusctl.inventory.ranges import cpus_in

HUGE_PAGES = r"""
awk '/^HugePages_Total:/ { print "there", $2 } /^HugePages_Free:/ { print "free", $2 }' \
  "$MAGNUS_ROOT/proc/meminfo"
"""
ISOLATED = 'cat "$MAGNUS_ROOT/sys/devices/system/cpu/isolated" 2>/dev/null && echo told'
IO_URING = (
    'cat "$MAGNUS_ROOT/proc/sys/kernel/io_uring_disabled" 2>/dev/null || '
    "sysctl -n kernel.io_uring_disabled 2>/dev/null || echo missing"
)
GOVERNOR = """
cat "$MAGNUS_ROOT"/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor 2>/dev/null | sort -u
"""
LIMITS = "systemctl show -p LimitRTPRIO -p LimitMEMLOCK -- magnus-trading.service"


def huge_pages(asked: int) -> Callable[[Sequence[str]], Judgement]:
    """A judge of asked against allocated: a kernel that found less says nothing by itself."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = dict(line.split(" ", 1) for line in lines if " " in line)
        if not told.get("there", "").isdecimal():
            return unknown("this kernel does not tell of huge pages")
        there, target = int(told["there"]), f"{asked} of 2 MiB"
        if there < asked:
            remedy = "Memory is in pieces: only a boot gives them all. magnusctl provision"
            return failed(f"{there} allocated of {asked} asked for", target, remedy)
        return passed(f"{there} allocated, {told.get('free', '?')} free", target)

    return judge


def isolated(wanted: str) -> Callable[[Sequence[str]], Judgement]:
    """A judge of the CPUs that the scheduler leaves alone."""

    def judge(lines: Sequence[str]) -> Judgement:
        if "told" not in lines:
            return unknown("this kernel does not tell of isolated CPUs")
        found = lines[0] if len(lines) > 1 else ""
        if found and cpus_in(found) == cpus_in(wanted):
            return passed(found, wanted)
        remedy = "Was this boot's command line another? cat /proc/cmdline there"
        return failed(found or "none", wanted, remedy)

    return judge


def io_uring(lines: Sequence[str]) -> Judgement:
    """The engine's group may use it, and nobody else needs to."""
    words = {"0": "for all", "1": "for its group", "2": "for nobody"}
    value = lines[0].strip() if lines else ""
    if value == "1":
        return passed(words[value], "for its group")
    if value == "0":
        return warned(words[value], "for its group", "sysctl kernel.io_uring_disabled=1")
    if value == "2":
        return failed(words[value], "for its group", "sysctl kernel.io_uring_disabled=1")
    return unknown("this kernel has no kernel.io_uring_disabled")


def governor(lines: Sequence[str]) -> Judgement:
    """A guest has none: then there is nothing to judge."""
    found = {line.split()[-1] for line in lines if line.split()}
    if not found:
        return skipped("this machine has no governor")
    shown = ", ".join(sorted(found))
    return (
        passed(shown, "performance")
        if found == {"performance"}
        else failed(shown, "performance", "systemctl restart magnus-rt-tune")
    )


def limits(priority: int) -> Callable[[Sequence[str]], Judgement]:
    """A judge of what the engine's unit may claim: limits.d does not count for it."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = dict(line.split("=", 1) for line in lines if "=" in line)
        if "LimitRTPRIO" not in told:
            return unknown("systemd does not tell of the unit")
        target = f"priority {priority}, memory unlimited"
        found = f"priority {told['LimitRTPRIO']}, memory {told.get('LimitMEMLOCK', '?')}"
        good = told["LimitRTPRIO"] == str(priority) and told.get("LimitMEMLOCK") == "infinity"
        return passed(found, target) if good else failed(found, target, "systemctl daemon-reload")

    return judge
