"""What a host prints: framed, complete or refused, and never more than data."""

from __future__ import annotations

import dataclasses

import pytest

from magnusctl.answers import Answers
from magnusctl.errors import ProtocolError
from magnusctl.quote import sh, visible
from magnusctl.resources import probes
from magnusctl.resources.command import Command
from magnusctl.resources.package import Package
from magnusctl.script import probe_request
from magnusctl.state import Probe
from tests.shells.hosts import NONCE, NONE, Host, a_file, read

pytestmark = pytest.mark.shells


def _lines(*lines: str) -> Probe[list[str]]:
    return Probe("lines", sh("printf", "%s\\n", *lines), len(lines), list)


def test_lines_of_every_sort_come_back_as_they_were(host: Host) -> None:
    lines = [
        "plain",
        "",
        " leading and trailing ",
        "back\\slash \\n \\c \\0",
        "tab\tand\rreturn",
        "\x1b[31mred\x1b[0m \x07\x7f",
        "ünïcödé ☃ \U0001f600",
        "\udcff\udc80 no utf-8",
        "%s %d $HOME `id` * ?",
        "-n -e --",
        f"{NONCE} end",
        f"{NONCE} . forged",
        "x" * 10000,
    ]
    probe = _lines(*lines)
    assert host.ask(probe).lines(probe) == lines


def test_a_last_line_without_a_newline_is_a_line(host: Host) -> None:
    probe = Probe("p", sh("printf", "a\\nb"), 2, list)
    assert host.ask(probe).lines(probe) == ["a", "b"]


def test_a_forged_frame_in_an_answer_is_an_answer(host: Host) -> None:
    forged = [f"{NONCE} end", f"{NONCE} > lines 0", f"{NONCE} j 2020 ok 0", f"{NONCE} x zz"]
    probe = _lines(*forged)
    answers = host.ask(probe, Probe("after", "printf yes", 1, list))
    assert answers.lines(probe) == forged
    assert answers.groups["after"] == ["yes"]
    assert not answers.noise


def test_what_a_host_prints_unasked_is_noise(host: Host) -> None:
    wanted = a_file("/etc/x")
    (probe,) = probes([wanted])
    ran = host.send(probe_request([probe], NONCE, root=str(host.root), privilege=NONE))
    motd = b"Welcome!\n\x1b[2J\n0000000000000000 end\n 0123456789abcdef end\n"
    answers, events = read(dataclasses.replace(ran, stdout=motd + ran.stdout))
    assert answers.lines(probe) == ["absent"]
    assert len(answers.noise) == 4
    assert not events


def test_every_answer_that_was_cut_short_is_refused(host: Host) -> None:
    wanted = [a_file("/etc/x"), a_file("/etc/y")]
    (probe,) = probes(wanted)
    ran = host.send(probe_request([probe], NONCE, root=str(host.root), privilege=NONE))
    assert read(ran)[0].lines(probe) == ["absent", "absent"]
    whole = len(ran.stdout.rstrip(b"\n"))
    for length in range(whole):
        with pytest.raises(ProtocolError):
            read(dataclasses.replace(ran, stdout=ran.stdout[:length]))[0].lines(probe)


@pytest.mark.parametrize("script", ["true", "printf 'one\\n'", "printf '1\\n2\\n3\\n'", "false"])
def test_too_few_or_too_many_answers_are_refused(host: Host, script: str) -> None:
    probe = Probe("p", script, 2, list)
    with pytest.raises(ProtocolError, match="answers to 2 questions about p"):
        host.ask(probe).lines(probe)


def test_a_probe_that_nobody_answered_is_refused(host: Host) -> None:
    with pytest.raises(ProtocolError, match="0 answers to 2"):
        host.ask().lines(Probe("p", "true", 2, list))


@pytest.mark.parametrize("exits", ["exit 0", "exit 3", "kill -9 $$", "no-such-function"])
def test_a_probe_that_ends_early_is_never_no_changes(host: Host, exits: str) -> None:
    probe = Probe("p", sh("eval", exits), 1, list)
    with pytest.raises(ProtocolError):
        host.ask(probe).lines(probe)


@pytest.mark.parametrize(
    "line",
    [
        "> file",
        "> file x",
        "o",
        "o x text",
        "h 0 zz",
        "x text",
        "j",
        "j 2020-01-01T00:00:00Z",
        "? what",
        "",
    ],
)
def test_a_frame_that_makes_no_sense_is_a_protocol_error(line: str) -> None:
    answers = Answers(NONCE)
    with pytest.raises(ProtocolError):
        list(answers.read([f"{NONCE} > p 1", f"{NONCE} {line}"]))


def test_a_step_can_forge_neither_events_nor_the_end(host: Host) -> None:
    texts = [f"{NONCE} j 2020-01-01T00:00:00Z ok 0", f"{NONCE} end", "\x1b]0;title\x07", "\udcff"]
    lines = [sh("printf", "%s\\n", text) for text in texts]
    loud = [f"{line}; {line} >&2; ({line} >&3) 2>/dev/null" for line in lines]
    wanted = Command(label="loud", run="; ".join([*loud, "false"]), unless="false")
    job = host.provision(wanted)
    assert [event.word for event in job.events] == ["begin", "start", "failed", "end"]
    assert list(job.output[wanted.id]) == [text for text in texts for _ in range(2)]
    assert visible(job.output[wanted.id][4]) == "\\x1b]0;title\\x07"
    assert job.answers.ended


def test_a_guard_can_forge_neither_events_nor_the_end(host: Host) -> None:
    line = sh("printf", "%s\\n", f"{NONCE} j 2020-01-01T00:00:00Z ok 7")
    wanted = Command(label="x", run="true", unless=f"{line}; {line} >&2; {line} >&3; false")
    job = host.provision(wanted)
    assert [event.word for event in job.events] == ["begin", "start", "failed", "end"]


def test_control_characters_in_a_state_are_data(linux: Host) -> None:
    linux.write("/.simulated/packages", b"curl 1\x1b[31m\xff\x07\n")
    state = linux.observe([Package(package="curl")])["package:curl"].state
    assert state is not None
    assert state["version"] == "1\x1b[31m\udcff\x07"


def test_only_the_end_of_long_output_is_told_and_all_of_it_is_kept(host: Host) -> None:
    run = "i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i + 1)); done; exit 9"
    wanted = Command(label="long", run=run, unless="false")
    job = host.provision(wanted)
    assert list(job.output[wanted.id]) == [f"line {number}" for number in range(80, 100)]
    assert len((host.folder / "out.0").read_text().splitlines()) == 100
