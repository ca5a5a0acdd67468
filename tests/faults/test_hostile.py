"""V15: a host that lies, floods and forges is a protocol error, and no other host's trouble."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from magnusctl import converge
from magnusctl.converge import Machine
from magnusctl.errors import MagnusError
from magnusctl.fleet import Fleet, apply_all
from magnusctl.inventory.model import Host, Inventory
from magnusctl.provision import Errand
from magnusctl.report import Planned
from magnusctl.report.jsonl import JsonReport
from tests.faults.hostile import Asked, Say, Script, hostile, listening
from tests.faults.site import Ran, Simulated, Site, objects
from tests.test_provision import WANTED, FakeTransport, probe

SMALL = {
    "files": {f"/etc/app/{name}": {"content": f"{name}\n"} for name in ("one", "three", "four")}
}
MEGABYTES = 250
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\x9b31m"


def slow(case: object) -> object:
    return pytest.param(case, marks=pytest.mark.slow_faults)


def some_cases(cases: Iterable[str], *now: str) -> pytest.MarkDecorator:
    """All of them; those that are not named take long."""
    return pytest.mark.parametrize("case", [c if c in now else slow(c) for c in cases])


def together(place: Site, name: str, port: int) -> Simulated:
    """A hostile host, and an honest one beside it, in one inventory."""
    bad = place.host(name, SMALL, port=port, timeout="5s", confirm_timeout="10s")
    good = place.host(f"{name}-neighbour", SMALL)
    documents = [json.loads(host.inventory.read_text()) for host in (bad, good)]
    document = {"hosts": {**documents[0]["hosts"], **documents[1]["hosts"]}}
    bad.inventory.write_text(json.dumps(document))
    return bad


def provision(place: Site, name: str, script: Script) -> tuple[Ran, str]:
    """Provision a hostile host and an honest one; how it ended, and what is said of the first."""
    with hostile(place.server.folder / "host_key", script) as port:
        return judged(place, together(place, name, port))


def judged(place: Site, host: Simulated) -> tuple[Ran, str]:
    """Provision, and hold what must hold whatever a host says."""
    started = time.monotonic()
    ran = host.run("provision", "--yes", "--json", MAGNUS_RECONNECT_S="2")
    assert time.monotonic() - started < 80
    assert ran.code == 5, ran.said
    assert ran.peak < MEGABYTES * 1024
    # The neighbour got what it should have, as if it were alone.
    neighbour = place.server.root(f"{host.name}-neighbour")
    assert (neighbour / "etc/app/four").read_text() == "four\n"
    assert not CONTROL.search(ran.stdout), ran.stdout
    assert not CONTROL.search(ran.stderr), ran.stderr
    found = [o["error"] for o in (*objects(ran.stdout, "plan"), *objects(ran.stdout, "outcome"))]
    (error,) = [one for one in found if one]
    assert error["host"] == host.name
    assert error["exit_code"] == 5
    assert "a fault of magnusctl" not in error["message"]
    return ran, str(error["message"])


def lines(*texts: str) -> Callable[[Asked, Say], None]:
    """A script that frames some lines with the right nonce, whatever was asked."""

    def script(asked: Asked, say: Say) -> None:
        for text in texts:
            say(f"{asked.nonce} {text}\n".encode("utf-8", "surrogateescape"))

    return script


FORGED = {
    "no end": (("> facts 7", ". os=debian"), "the answer has no end"),
    "nothing at all": (("end",), "0 answers to"),
    "too few answers": (("> file 3", ". absent", "end"), "1 answers to 3 questions about file"),
    "too many answers": (("> file 3", *[". absent"] * 4, "end"), "4 answers to 3 questions"),
    "answers of another kind": (("> file 3", *[". a b c"] * 3, "end"), "an answer cannot be read"),
    "unknown mark": (("? what",), "unexpected answer '? what'"),
    "answer to nothing": ((". answer",), "unexpected answer '. answer'"),
    "bad hexadecimal": (("> facts 7", "x 6g"), "unexpected answer 'x 6g'"),
    "a NUL byte": (("> facts 7", "x 610061"), "unexpected answer 'x 610061'"),
    "no number": (("> facts seven",), "unexpected answer '> facts seven'"),
    "an event": (("j 2026-01-01T00:00:00Z begin 3",), "a probe reported an event: begin"),
    "escape codes": ((f"{ESCAPES} end",), "unexpected answer"),
    "huge number": ((f"> facts {'9' * 5000}",), "unexpected answer"),
}


@some_cases(FORGED, "no end", "an event", "too few answers")
def test_v15_a_forged_answer_is_a_protocol_error(place: Site, case: str) -> None:
    said, expected = FORGED[case]
    _, message = provision(place, f"forged-{case.replace(' ', '-').lower()}", lines(*said))
    assert expected in message


def flood(unit: bytes) -> Script:
    """A gigabyte, or as much of it as anybody takes."""

    def script(asked: Asked, say: Say) -> None:
        for _ in range((1 << 30) // len(unit)):
            say(unit.replace(b"NONCE", asked.nonce.encode()))

    return script


FLOODS = {
    "one-line": b"x" * (1 << 16),
    "framed-line": b"NONCE > facts 7\nNONCE . " + b"y" * (1 << 16),
    "short-lines": b"noise\n" * (1 << 12),
    "beats": b"NONCE b\n" * (1 << 10),
    "long-lines": b"NONCE > facts 7\n" + (b"NONCE . " + b"z" * 900_000 + b"\n"),
}


@some_cases(FLOODS, "one-line", "long-lines")
def test_v15_a_gigabyte_is_not_listened_to(place: Site, case: str) -> None:
    _, message = provision(place, f"flood-{case}", flood(FLOODS[case]))
    assert "the answer is too long to be one" in message


def endless_banner(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"x" * 4096)


def wrong_banner(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
    sock.recv(1)


def huge_packet(sock: socket.socket) -> None:
    sock.sendall(b"SSH-2.0-Huge\r\n\xff\xff\xff\xf0")
    while True:
        sock.sendall(b"\0" * 65536)


@pytest.mark.parametrize("serve", [endless_banner, slow(wrong_banner), slow(huge_packet)])
def test_v15_what_is_no_ssh_is_left_in_limited_time(
    place: Site, serve: Callable[[socket.socket], None]
) -> None:
    with listening(serve) as port:
        host = together(place, serve.__name__.replace("_", "-"), port)
        _, message = judged(place, host)
    assert "unreachable at 127.0.0.1" in message


Tamper = Callable[[list[str], str], Iterator[str]]


def tampered(tamper: Tamper) -> Script:
    """An honest host, but for its words about jobs."""

    def script(asked: Asked, say: Say) -> None:
        said = asked.honest()
        if asked.job or asked.follows:
            said = list(tamper(said, asked.nonce))
        for line in said:
            say(f"{line}\n".encode("utf-8", "surrogateescape"))

    return script


def twice(said: list[str], nonce: str) -> Iterator[str]:
    for line in said:
        yield line
        if " ok 1" in line:
            yield line


def from_the_start(said: list[str], nonce: str) -> Iterator[str]:
    yield from said[:4]
    yield from said


def insert(text: str) -> Tamper:
    """Say something of its own before the second step."""

    def tamper(said: list[str], nonce: str) -> Iterator[str]:
        for line in said:
            if " start 1" in line:
                yield f"{nonce} j 2026-01-01T00:00:00Z {text}"
            yield line

    return tamper


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "repeats an event": (twice, "ok 1"),
    "begins again": (from_the_start, "begin 3"),
    "a step there is not": (insert("ok 7"), "an event about no step"),
    "a step that is no number": (insert("ok many"), "ok many"),
    "a step below all": (insert("start -1"), "start -1"),
    "an unknown word": (insert("explode 1"), "explode 1"),
    "a word of the lock cut short": (insert("locked somebody"), "locked somebody"),
    "a question cut short": (insert("confirm"), "confirm"),
    "a question for ever": (insert("confirm inf"), "confirm inf"),
    "a failure cut short": (insert("failed 1"), "failed 1"),
    "words of no step": (insert("said 9 . hello"), "words of a step that the job does not have"),
    "half a frame": (insert("said 1 x 6"), "said 1 x 6"),
}


@some_cases(TAMPERED, "repeats an event", "a step there is not", "a question for ever")
def test_v15_a_follower_that_repeats_or_invents_is_a_protocol_error(place: Site, case: str) -> None:
    tamper, expected = TAMPERED[case]
    name = f"tampered-{case.replace(' ', '-')}"
    _, message = provision(place, name, tampered(tamper))
    assert expected in message


def test_v15_a_follower_that_leaves_each_time_is_given_up(place: Site) -> None:
    def silent(said: list[str], nonce: str) -> Iterator[str]:
        yield from ()

    provision(place, "leaves", tampered(silent))


def test_v15_a_claim_that_all_is_done_is_not_believed(place: Site) -> None:
    """The closing question decides, and not what the steps say of themselves."""

    def script(asked: Asked, say: Say) -> None:
        if not asked.job:
            for line in asked.honest():
                say(f"{line}\n".encode())
            return
        steps = [f"{word} {number}" for number in range(3) for word in ("start", "ok")]
        for event in ("begin 3", *steps, "end ok"):
            say(f"{asked.nonce} j 2026-01-01T00:00:00Z {event}\n".encode())
        say(f"{asked.nonce} end\n".encode())

    _, message = provision(place, "boasts", script)
    assert "everything was applied, and this stays different: file:/etc/app/one" in message


def test_v15_escape_codes_never_reach_the_terminal_raw(place: Site) -> None:
    def tamper(said: list[str], nonce: str) -> Iterator[str]:
        shown = ESCAPES.encode("utf-8").hex()
        for line in said:
            if " ok 1" in line:
                yield f"{nonce} j 2026-01-01T00:00:00Z waiting {ESCAPES} {ESCAPES} now 1/3"
                yield f"{nonce} j 2026-01-01T00:00:00Z note 1 {ESCAPES}"
                yield f"{nonce} j 2026-01-01T00:00:00Z failed 1 1 {ESCAPES}"
                yield f"{nonce} j 2026-01-01T00:00:00Z said 1 x {shown}"
                yield f"{nonce} j 2026-01-01T00:00:00Z said 1 . {ESCAPES}"
            else:
                yield line

    with hostile(place.server.folder / "host_key", tampered(tamper)) as port:
        host = together(place, "colourful", port)
        ran = host.run("provision", "--yes")
        assert ran.code == 5, ran.said
        assert r"\x1b]0;owned\x07\x1b[2J" in ran.stdout
        for words in (("jobs",), ("attach", "colourful"), ("history", "colourful")):
            ran = host.run(*words)
            assert not CONTROL.search(ran.said), ran.said
    assert not CONTROL.search(ran.said), ran.said


GARBAGE = {
    "deep": "[" * 100_000,
    "no-json": "{",
    "a-list": "[]",
    "a-word": '"x"',
    "much": '{"about": {}, "changes": [{"step": 1000000000000}]}',
    "endless-step": json.dumps(
        {
            "about": dict.fromkeys(("job", "host", "verb", "who", "at", "tool", "plan"), "x"),
            "changes": [{"id": "a", "step": 10**12, "answer": "", "former": "none"}],
        }
    ),
    "infinite": '{"about": 1e999, "changes": Infinity}',
}


@some_cases(GARBAGE, "endless-step")
def test_v15_what_a_host_remembers_may_be_garbage(place: Site, case: str, tmp_path: Path) -> None:
    text = GARBAGE[case]

    def script(asked: Asked, say: Say) -> None:
        # The name of the probe is its last word but two.
        found = re.search(rb"\nask (\w+) (-?\d+) ask_\w+", asked.stdin)
        name = found[1].decode() if found else "jobs"
        line = {"jobs": f"1 a ok 1/1 {text}"}.get(name, text)
        lines(f"> {name} -1", f". {line}", "end")(asked, say)

    with hostile(place.server.folder / "host_key", script) as port:
        host = place.host(f"garbage-{case}", SMALL, port=port)
        for words in (
            ("jobs",),
            ("attach", host.name, "20260101-aaaaaa"),
            ("rollback", host.name, "20260101-aaaaaa", "--dry-run"),
            ("deprovision", host.name, "--dry-run"),
        ):
            ran = host.run(*words)
            assert ran.code == 5, (words, ran.said)
            assert f"{host.name}: " in ran.said
            assert "a fault of magnusctl" not in ran.said
        assert host.run("history", host.name).code == 0


def test_v15_a_fault_of_ours_on_one_host_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever happens to one host, it is among the results: it never looks as if it were done."""

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def crash(nonce: str) -> list[str | MagnusError]:
        raise KeyError("a bug")

    transport = FakeTransport(probe("absent"), crash)
    machine = Machine("tower", Host.model_validate({"os": "debian-12"}), (WANTED,), transport)
    plan = converge.plan(machine, converge.observe(machine))
    hosts = Inventory.model_validate({"hosts": {"tower": {"os": "debian-12"}}})
    fleet = Fleet(hosts, (machine,), 1)
    (outcome,) = apply_all(fleet, [Planned("tower", plan)], JsonReport(), Errand())
    assert outcome.error
    assert "a fault of magnusctl itself: KeyError" in outcome.error.message
