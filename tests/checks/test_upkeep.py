"""What a host keeps and what waits on it is judged: its log, updates, held packages, a boot."""

from __future__ import annotations

import pytest

from magnusctl.checks import upkeep
from tests.checks.cases import FAIL, PASS, UNKNOWN, WARN, Case, each, holds

JOURNAL, BOOT, UPDATES = "base.journal", "base.boot-due", "base.updates"
HOLDS = "cuda.held-packages"
ON, OFF = (f'APT::Periodic::Unattended-Upgrade "{value}";' for value in "10")
BOOTS = 'Unattended-Upgrade::Automatic-Reboot "{}";'
WANTED = upkeep.holds(["linux-image-generic", "nvidia-driver-580"])
GONE = ["sh: 1: apt-config: not found"]

CASES: list[Case] = [
    Case(JOURNAL, upkeep.journal, ["kept"], PASS, "outlives a boot"),
    Case(JOURNAL, upkeep.journal, ["lost"], FAIL, "lost"),
    Case(JOURNAL, upkeep.journal, [], UNKNOWN, "did not end", "a disk that hangs", status="137"),
    Case(BOOT, upkeep.boot, ["none"], PASS, "no boot is due"),
    Case(BOOT, upkeep.boot, ["due", "linux-image", "libc6"], WARN, "linux-image, libc6"),
    Case(BOOT, upkeep.boot, ["due", *"abcde"], WARN, "due: a, b, c", "more than fit"),
    Case(BOOT, upkeep.boot, ["due"], WARN, "a package", "nobody says which"),
    Case(BOOT, upkeep.boot, ["Segmentation fault"], UNKNOWN, "Segmentation fault"),
    Case(BOOT, upkeep.boot, [], UNKNOWN, "it told nothing", "nothing printed"),
    Case(UPDATES, upkeep.updates, [ON], PASS, "security updates"),
    Case(UPDATES, upkeep.updates, [ON, BOOTS.format("false")], PASS, "no boots by themselves"),
    Case(UPDATES, upkeep.updates, [ON, BOOTS.format("true")], FAIL, "boots by itself"),
    Case(UPDATES, upkeep.updates, [ON, BOOTS.format("1")], FAIL, "boots by itself", "1"),
    # What `apt-config shell X KEY/b` says true to, in any case.
    *(
        Case(UPDATES, upkeep.updates, [ON, BOOTS.format(word)], FAIL, "boots by itself", word)
        for word in ("True", "YES", "on", "with", "enable")
    ),
    Case(UPDATES, upkeep.updates, [OFF, BOOTS.format("true")], FAIL, "boots by itself", "both"),
    Case(UPDATES, upkeep.updates, [OFF], WARN, "no updates come"),
    Case(UPDATES, upkeep.updates, GONE, UNKNOWN, "not found", status="127"),
    Case(UPDATES, upkeep.updates, [], UNKNOWN, "told nothing", "nothing is set"),
    Case(UPDATES, upkeep.updates, ["E: Syntax error /etc/apt/apt.conf.d/1:1"], UNKNOWN, "E:"),
    Case(HOLDS, WANTED, ["linux-image-generic", "nvidia-driver-580", "vim"], PASS, "2 held"),
    Case(HOLDS, WANTED, ["nvidia-driver-580"], FAIL, "not held: linux-image-generic"),
    Case(HOLDS, WANTED, [], FAIL, "not held: linux-image-generic, nvidia-driver-580", "none"),
    Case(HOLDS, WANTED, ["nvidia-driver-580-open"], FAIL, "nvidia-driver-580", "like names"),
    Case(HOLDS, WANTED, ["sh: 1: apt-mark: not found"], UNKNOWN, "not found", status="127"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize("lines", [[], ["vim"]])
def test_where_nothing_is_to_be_held_nothing_is_missed(lines: list[str]) -> None:
    assert upkeep.holds([])(lines).verdict is PASS
