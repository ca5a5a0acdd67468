"""S5: a job of which one bit is other, or a byte missing or too many, is not run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from magnusctl.bootstrap import Request
from magnusctl.errors import ConflictError, Exit, MagnusError
from magnusctl.transport.local import LocalTransport
from tests.shells.hosts import Host, a_file
from tests.shells.shells import Shell

WANTED = a_file("/etc/x", "new\n" * 500)
POSITIONS = 99
SH = Shell("sh", "sh")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A root whose file would be replaced."""
    made = Host(SH, tmp_path.resolve() / "root")
    made.write("/etc/x", "old\n")
    return made


def a_job(host: Host) -> Request:
    return host.request(host.plan(WANTED), WANTED)


def refused(host: Host, request: Request, data: bytes) -> MagnusError:
    """Send other bytes than those of the request; what is said of it."""
    sent = dataclasses.replace(request, stdin=data)
    with pytest.raises(MagnusError) as caught:
        list(LocalTransport("h").execute(sent))
    assert host.path("/etc/x").read_text() == "old\n"
    assert not list(host.root.rglob("journal"))
    assert not list(host.root.rglob("payload"))
    assert not list(host.root.rglob("files"))
    return caught.value


def assert_incomplete(error: MagnusError) -> None:
    assert isinstance(error, ConflictError)
    assert error.exit_code == Exit.CONFLICT
    said = str(error)
    assert said.startswith("h: the upload arrived incomplete or changed; nothing was run")
    assert "Run the same command again." in said


def test_s5_a_bit_that_flips_anywhere_is_noticed(host: Host) -> None:
    request = a_job(host)
    whole, head = request.stdin, request.stdin.index(b"\n") + 1
    for number in range(POSITIONS):
        place = head + number * (len(whole) - head - 1) // (POSITIONS - 1)
        data = bytearray(whole)
        data[place] ^= 1 << number % 8
        assert_incomplete(refused(host, request, bytes(data)))
    assert host.send(request).code == 0
    assert host.path("/etc/x").read_text() == WANTED.content


def test_s5_a_bit_that_flips_in_the_first_line_is_noticed_too(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It says what frames the answers, which job it is, and below which folder all of it lies.
    request = a_job(host)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(path for path in tmp_path.rglob("*") if "root/var" not in str(path))
    for place in range(request.stdin.index(b"\n") + 1):
        data = bytearray(request.stdin)
        data[place] ^= 1
        refused(host, request, bytes(data))
    assert before == sorted(path for path in tmp_path.rglob("*") if "root/var" not in str(path))


def test_s5_a_tar_that_was_cut_is_not_unpacked(host: Host) -> None:
    request = a_job(host)
    whole = request.stdin
    for length in (1, 100, *range(512, len(whole), len(whole) // 20), len(whole) - 1):
        assert_incomplete(refused(host, request, whole[:length]))
    assert_incomplete(refused(host, request, whole + b"\0"))
    assert_incomplete(refused(host, request, b""))
