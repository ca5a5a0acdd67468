"""known_hosts as ssh reads it; where ssh-keygen is here, it is the judge."""

from __future__ import annotations

import base64
import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest

from magnusctl.errors import PreconditionError
from magnusctl.transport import host_keys
from magnusctl.transport.known_hosts import (
    Entry,
    entries,
    fingerprint,
    line,
    plain,
    revoked,
    without_name,
)
from magnusctl.transport.target import Target

KEY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode()
OTHER = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"o" * 32).decode()


def found(text: str, host: str = "gpu.example", port: int = 22) -> list[Entry]:
    return list(entries(text, "known_hosts", host, port))


@pytest.mark.parametrize(
    ("pattern", "host", "port", "matches"),
    [
        ("gpu.example", "gpu.example", 22, True),
        ("gpu.example", "gpu.example", 2222, False),
        ("[gpu.example]:2222", "gpu.example", 2222, True),
        ("[gpu.example]:2222", "gpu.example", 22, False),
        ("GPU.example", "gpu.EXAMPLE", 22, True),
        ("a,gpu.example,b", "gpu.example", 22, True),
        ("*.example", "gpu.example", 22, True),
        ("gp?.example", "gpu.example", 22, True),
        ("*.example,!gpu.example", "gpu.example", 22, False),
        ("gpu.exampl", "gpu.example", 22, False),
        ("[*.example]:*", "gpu.example", 2222, True),
        ("192.0.2.1", "192.0.2.1", 22, True),
    ],
)
def test_patterns_match_as_in_ssh(pattern: str, host: str, port: int, matches: bool) -> None:
    assert bool(found(f"{pattern} ssh-ed25519 {KEY}\n", host, port)) is matches


def test_a_line_that_cannot_be_read_hides_no_other() -> None:
    text = f"garbage\n|1|bad ssh-ed25519 {KEY}\n@odd\ngpu.example ssh-ed25519 !!!\n\n# note\n"
    assert [e.line for e in found(f"{text}gpu.example ssh-ed25519 {KEY}\n")] == [7]


RSA = base64.b64encode(b"\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1").decode()


@pytest.mark.parametrize(
    "rest",
    [
        f"ssh-rsa {KEY}",
        f"SSH-ED25519 {KEY}",
        f"ssh-ed25519 {KEY}==",
        f"ssh-ed25519 {RSA}",
        f"ssh-ed25519\x0c{KEY}",
        f"ssh-ed25519\u2003{KEY}",
    ],
)
def test_what_ssh_would_not_read_pins_nothing(rest: str) -> None:
    assert found(f"gpu.example {rest}\n") == []


@pytest.mark.parametrize("mark", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_newline_ends_a_comment(mark: str) -> None:
    assert found(f"# note{mark}gpu.example ssh-ed25519 {KEY}\n") == []


@pytest.mark.parametrize("end", ["\r\n", " a comment\n", "\t\n", ""])
def test_blanks_and_windows_ends_of_lines_are_read(end: str) -> None:
    assert len(found(f"  gpu.example\t ssh-ed25519 \t{KEY}{end}")) == 1


def test_markers_are_kept_apart_from_pins() -> None:
    text = f"@revoked * ssh-ed25519 {KEY}\n@cert-authority *.example ssh-ed25519 {OTHER}\n"
    all_of_them = found(text)
    assert plain(all_of_them) == []
    bad = revoked(all_of_them, base64.b64decode(KEY))
    assert bad
    assert bad.line == 1
    assert revoked(all_of_them, base64.b64decode(OTHER)) is None


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
def test_a_name_is_taken_off_a_line_whatever_blank_follows_it(blank: str) -> None:
    assert without_name(f"gpu.example{blank}ssh-ed25519 {KEY}", "gpu.example", 22) == ""
    kept = without_name(f"a,gpu.example{blank}ssh-ed25519 {KEY}", "gpu.example", 22)
    assert kept == f"a ssh-ed25519 {KEY}"


def test_our_own_line_is_found_again() -> None:
    for port in (22, 2222):
        text = line("gpu.example", port, "ssh-ed25519", base64.b64decode(KEY))
        assert [e.key for e in found(text, port=port)] == [base64.b64decode(KEY)]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_hashed_lines_and_fingerprints_agree_with_ssh_keygen(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    kind, data = key.with_suffix(".pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"gpu.example {kind} {data}\n[gpu.example]:2222 {kind} {data}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    text = known.read_text()
    assert "gpu.example" not in text
    assert len(found(text)) == 1
    assert len(found(text, port=2222)) == 1
    assert not found(text, host="other.example")
    said = subprocess.run(
        ["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True
    )
    assert fingerprint(base64.b64decode(data)) in said.stdout


def target(known: Path) -> Target:
    return Target("gpu", "gpu.example", 22, "me", "", (known,), (), False, 5)


def test_an_unknown_key_says_how_to_trust_it(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match="not known") as caught:
        host_keys.check(target(tmp_path / "none"), "ssh-ed25519", base64.b64decode(KEY))
    assert "magnusctl trust gpu" in str(caught.value)


def test_a_certificate_authority_is_named_and_not_followed(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority *.example ssh-ed25519 {OTHER}\n")
    with pytest.raises(PreconditionError, match="certificate authority"):
        host_keys.check(target(known), "ssh-ed25519", base64.b64decode(KEY))


@pytest.mark.parametrize(
    ("lines", "good"),
    [
        (f"gpu.example ssh-ed25519 {KEY}\n", True),
        (f"*.example ssh-ed25519 {KEY}\n", True),
        (f"gpu.example ssh-ed25519 {OTHER}\n", False),
        # A line about the port is the only one that counts.
        (f"gpu.example ssh-ed25519 {KEY}\n[gpu.example]:2222 ssh-ed25519 {OTHER}\n", False),
        (f"gpu.example ssh-ed25519 {KEY}\n@revoked gpu.example ssh-ed25519 {KEY}\n", False),
    ],
)
def test_on_another_port_the_bare_name_counts_where_no_line_names_the_port(
    tmp_path: Path, lines: str, good: bool
) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(lines)
    other_port = dataclasses.replace(target(known), port=2222)
    if good:
        host_keys.check(other_port, "ssh-ed25519", base64.b64decode(KEY))
    else:
        with pytest.raises(PreconditionError):
            host_keys.check(other_port, "ssh-ed25519", base64.b64decode(KEY))


def test_pinning_keeps_the_other_lines_and_replaces_only_what_is_meant(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    before = f"# mine\nother.example ssh-ed25519 {KEY}\ngpu.example ssh-ed25519 {OTHER}"
    known.write_text(before)
    host_keys.pin(target(known), "ssh-ed25519", base64.b64decode(KEY), replace=True)
    assert known.read_text() == (
        f"# mine\nother.example ssh-ed25519 {KEY}\ngpu.example ssh-ed25519 {KEY}\n"
    )
    host_keys.check(target(known), "ssh-ed25519", base64.b64decode(KEY))
