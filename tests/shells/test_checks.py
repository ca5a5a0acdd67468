"""Checks of a project under every shell: their output, their end, and what they leave behind."""

from __future__ import annotations

import time

import pytest

from magnusctl.checks import custom
from magnusctl.checks.custom import Custom, Said
from tests.shells.hosts import Host, fewer_shells


def said(host: Host, text: str, seconds: int = 20) -> Said:
    """What a check is known to have printed."""
    check = Custom("x", text, lambda lines: custom.passed(), frozenset(), seconds)
    probe = custom.probe(check)
    found = probe.parse(host.ask(probe).lines(probe))
    assert isinstance(found, Said)
    return found


@pytest.mark.parametrize(
    ("text", "lines", "status"),
    [
        ("echo one; echo; echo two", ("one", "", "two"), "0"),
        ("printf 'no newline'", ("no newline",), "0"),
        (":", (), "0"),
        ("echo", ("",), "0"),
        ("echo no >&2; exit 3", ("no",), "3"),
        ("printf '%s\\n' '  a\\b  *  '", ("  a\\b  *  ",), "0"),
        ("printf '\\377\\n'", ("\udcff",), "0"),
        ("echo '= 0'; echo '. x'; echo \"$NONCE = 0\"", ("= 0", ". x", " = 0"), "0"),
        ("cat; echo end", ("end",), "0"),
        ("exit 75", (), "75"),
    ],
)
def test_what_a_check_prints_and_how_it_ends(
    text: str, lines: tuple[str, ...], status: str, host: Host
) -> None:
    assert said(host, text) == Said(lines, status)


def test_a_program_that_is_not_there_has_its_exit_code(host: Host) -> None:
    assert said(host, "no-such-program").status == "127"


@pytest.mark.parametrize("program", ["timeout", "sleep"])
@fewer_shells
def test_a_check_is_ended_in_time_with_and_without_the_program_for_it(
    program: str, host: Host
) -> None:
    path = host.path(f"/.standins/{program}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(f"/usr/bin/{program}")
    started = time.monotonic()
    found = said(host, "trap '' TERM; echo begun; sleep 30; echo end", seconds=3)
    assert time.monotonic() - started < 25
    assert found.status in custom.KILLED
    assert found.lines[0] == "begun"
    assert "end" not in found.lines


@fewer_shells
def test_what_a_check_leaves_running_does_not_hold_up_the_answer(host: Host) -> None:
    started = time.monotonic()
    assert said(host, "sleep 60 & echo done") == Said(("done",), "0")
    assert time.monotonic() - started < 30


@fewer_shells
def test_what_it_prints_is_cut(host: Host) -> None:
    found = said(host, "yes", seconds=10)
    assert (len(found.lines), found.status) == (10000, "more")
    (line,) = said(host, "head -c 100000 /dev/zero | tr '\\0' x").lines
    assert line == "x" * 16000


@fewer_shells
def test_a_check_does_not_touch_what_is_asked_after_it(host: Host) -> None:
    hostile = Custom("one", "exit 5; NONCE=; ask() { :; }", lambda _: custom.passed(), frozenset())
    after = Custom("two", "echo two", lambda _: custom.passed(), frozenset())
    probes = [custom.probe(hostile), custom.probe(after)]
    answers = host.ask(*probes)
    assert [custom.parse(answers.lines(probe)).status for probe in probes] == ["5", "0"]
