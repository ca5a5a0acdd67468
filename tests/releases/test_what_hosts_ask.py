"""What the shell of a switch asks of a release's own file, and the time that a switch has."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

from magnusctl.releases.desired import SPEAK_S, start_seconds, switch_seconds
from magnusctl.resources.release import Release
from tests.deploying.scenes import ALL, file_of, ready

SHELL = "".join(
    files("magnusctl").joinpath("resources", name).read_text()
    for name in (
        *("front.apply.sh", "gate.apply.sh", "ollama.apply.sh"),
        *("release.apply.sh", "release.sh"),
    )
)
ASKED = set(re.findall(r"\bhow \"\$_\w+\" \S+ ([A-Z]+)\)", SHELL))
every = pytest.mark.parametrize("case", ALL, ids="-".join)


def test_the_shell_is_read_as_it_is_written() -> None:
    assert {"UNIT", "PORT", "FRONT", "KEY", "SECONDS", "RESIDENT", "MODELFILE"} <= ASKED


@every
def test_a_host_knows_all_that_its_shell_asks_for(case: tuple[str, str]) -> None:
    text = file_of(ready(case), f"/var/lib/magnus/models/{case[1]}/r1/how").content
    assert {line.partition("=")[0] for line in text.splitlines()} == ASKED


@every
def test_a_switch_has_time_for_the_way_back_too(case: tuple[str, str]) -> None:
    wish = ready(case).wish
    release = ready(case).machine.desired[-1]
    assert isinstance(release, Release)
    for one in (wish, replace(wish, disk_bytes_s=20e6), replace(wish, drain_s=900)):
        # Two starts, one to speak and up to five answers for the speed, a drain, two stops of 90 s.
        needed = 2 * start_seconds(one) + 6 * SPEAK_S + one.drain_s + 2 * 90
        assert switch_seconds(one) >= needed
    assert release.seconds == switch_seconds(wish)
