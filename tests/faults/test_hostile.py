"""V15: a host that floods and forges is a protocol error, and no other host's trouble."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from magnusctl import converge
from magnusctl.converge import Machine
from magnusctl.errand import Errand
from magnusctl.errors import MagnusError
from magnusctl.fleet import Fleet, apply_all
from magnusctl.inventory.model import Host, Inventory
from magnusctl.report import Planned
from magnusctl.report.jsonl import JsonReport
from tests.faults.hostile import Asked, Say, Script, listening
from tests.faults.judged import ESCAPES, judged, lines, provision, slow, some_cases, together
from tests.faults.site import Site
from tests.test_provision import WANTED, FakeTransport, probe

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


@some_cases(FORGED, "an event")
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


@some_cases(FLOODS, "one-line")
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
