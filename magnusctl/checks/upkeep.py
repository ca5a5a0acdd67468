"""What a host keeps and what waits on it: its log, held packages, a boot that is due."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, first_line, passed, unknown, warned

JOURNAL = '[ -d "$MAGNUS_ROOT/var/log/journal" ] && echo kept || echo lost'
BOOT = (
    'if [ -e "$MAGNUS_ROOT/run/reboot-required" ]; then echo due; sort -u '
    '"$MAGNUS_ROOT/run/reboot-required.pkgs" 2>/dev/null; else echo none; fi'
)
UPDATES = (
    "apt-config dump APT::Periodic::Unattended-Upgrade Unattended-Upgrade::Automatic-Reboot 2>&1"
)
_APT_TRUE = {"true", "yes", "on", "with", "enable", "1"}
HOLDS = "apt-mark showhold 2>&1"


def journal(lines: Sequence[str]) -> Judgement:
    """The log outlives a boot."""
    if list(lines) == ["kept"]:
        return passed("the log outlives a boot")
    return failed("the log of a boot is lost with it", "", "systemctl restart systemd-journald")


def boot(lines: Sequence[str]) -> Judgement:
    """A package wants a boot: said, never done by itself."""
    if list(lines[:1]) == ["none"]:
        return passed("no boot is due")
    if list(lines[:1]) != ["due"]:
        return unknown(first_line(lines) or "it told nothing")
    packages = ", ".join(lines[1:4]) or "a package"
    return warned(f"a boot is due: {packages}", "", "Boot it when nobody needs it.")


def updates(lines: Sequence[str]) -> Judgement:
    """Security updates come by themselves, and boot nothing by themselves."""
    told = dict(re.findall(r'^(\S+) "([^"]*)";$', "\n".join(lines), re.MULTILINE))
    target = "security updates, no boots by themselves"
    if told.get("Unattended-Upgrade::Automatic-Reboot", "").lower() in _APT_TRUE:
        return failed("it boots by itself after an update", target, "magnusctl provision -t base")
    on = told.get("APT::Periodic::Unattended-Upgrade")
    if on is None:
        return unknown(first_line(lines) or "apt-config told nothing")
    if on == "0":
        return warned("no updates come by themselves", target, "magnusctl provision -t base")
    return passed(target, target)


def holds(wanted: Sequence[str]) -> Callable[[Sequence[str]], Judgement]:
    """A judge: these packages are held, so that no upgrade parts them."""

    def judge(lines: Sequence[str]) -> Judgement:
        missing = [name for name in wanted if name not in lines]
        target = f"{len(wanted)} held"
        if missing:
            remedy = f"apt-mark hold {' '.join(missing)}"
            return failed(f"not held: {', '.join(missing[:3])}", target, remedy)
        return passed(target, target)

    return judge
