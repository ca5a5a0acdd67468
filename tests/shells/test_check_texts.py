"""The texts of the checks under the strict shells: each says what its judge understands.

Programs are SIMULATED by stand-ins that print what was recorded, or are real ones of this machine.
Nothing is sent anywhere but to the loopback interface.
"""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl.checks import (
    custom,
    diskspeed,
    doors,
    engine,
    hardware,
    mac,
    reach,
    wire,
)
from magnusctl.checks.custom import Custom, Judge
from magnusctl.checks.reach import Knock, Peer
from magnusctl.checks.sections import answered
from magnusctl.report import Result, Verdict
from tests.checks.asks import ASKS, FOLDER, KEY, LINUX, MACOS, OF_LINUX, OF_MACOS, Ask, shown
from tests.checks.cases import FAIL, PASS, UNKNOWN
from tests.checks.test_hardware import TEN
from tests.checks.test_of_roles import ASKED
from tests.shells.hosts import Host, fewer_shells
from tests.shells.shells import Shell
from tests.shells.test_checks import said

pytestmark = pytest.mark.shells
# What every system has. A host with an `sh` of its own runs nothing but what is beside it.
BASE = (
    *("awk", "cat", "cut", "grep", "head", "id", "ls", "mkdir", "od", "printf", "rm", "sed"),
    *("sha256sum", "sleep", "sort", "stat", "tail", "timeout", "tr", "wc"),
)


@pytest.fixture
def host(shell: Shell, tmp_path: Path) -> Host:
    """A root, with a blank in its path, whose sh is the shell under test; it has no other program
    than those that every system has."""
    made = Host(shell, tmp_path.resolve() / "a root")
    made.standin("sh", f'exec {shlex.join(shell.words)} "$@"')
    for name in BASE:
        real(made, name)
    return made


def real(host: Host, *names: str) -> None:
    """Let a host run programs of this machine."""
    for name in names:
        found = shutil.which(name)
        if not found:
            pytest.skip(f"{name} is not installed")
        (host.root / ".standins" / name).symlink_to(found)


def result(host: Host, text: str, judge: Judge) -> Result:
    """What verify tells of it."""
    check = Custom("x", text, judge, frozenset())
    return custom.judged("host", check, said(host, text))


def made(host: Host, ask: Ask, without: str = "") -> Result:
    """What verify tells of a host with the programs and files of a question, but one."""
    for name, text in ask.files.items():
        host.write(name, text)
    for name, body in ask.programs.items():
        if name != without:
            host.standin(name, body)
    return result(host, ask.text, ask.judge)


@fewer_shells
@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: str(ask.about))
def test_a_text_says_what_its_judge_understands(ask: Ask, host: Host) -> None:
    found = made(host, ask)
    assert found.verdict is ask.verdict, found
    assert ask.said in found.measured


@fewer_shells
@pytest.mark.parametrize(
    ("ask", "program"),
    [
        pytest.param(ask, program, id=f"{ask.about} without {program}")
        for ask in ASKS
        for program in ask.needs
    ],
)
def test_without_its_program_nobody_can_tell(ask: Ask, program: str, host: Host) -> None:
    found = made(host, ask, without=program)
    assert found.verdict is UNKNOWN, found
    assert found.measured


@fewer_shells
@pytest.mark.parametrize("missing", [*LINUX, *MACOS])
def test_a_missing_program_takes_no_other_answer_with_it(missing: str, host: Host) -> None:
    text = OF_LINUX if missing in LINUX else OF_MACOS
    asks = [ask for ask in ASKS if ask.text == text]
    found = {ask.about: made(host, ask, without=missing).verdict for ask in asks}
    untold = {ask.about for ask in asks if missing in ask.needs}
    assert found == {ask.about: UNKNOWN if ask.about in untold else PASS for ask in asks}


@fewer_shells
def test_a_last_line_without_an_end_takes_no_other_answer_with_it(host: Host) -> None:
    host.standin("memory_pressure", "printf 'System-wide memory free percentage: 73%%'")
    host.standin("sysctl", shown("macos-sysctl/swapusage-encrypted.txt"))
    assert "MB of swap" in result(host, mac.MEMORY, mac.memory).measured


# SIMULATED: all peers answer at the same moment; of 10.0.0.N, N % of the packets are lost.
PING = """
for word in "$@"; do case $word in *.*.*.*) to=$word ;; esac; done
sleep 0.2
for n in 1 2 3 4 5 6 7 8 9; do echo "64 bytes from $to: icmp_seq=$n ttl=64 time=0.1 ms"; done
echo "10 packets transmitted, 1 received, ${to##*.}% packet loss, time 9ms"
"""


@fewer_shells
@pytest.mark.parametrize("macos", [False, True], ids=["Linux", "macOS"])
def test_many_peers_at_once_do_not_mix_their_lines(macos: bool, host: Host) -> None:
    peers = [Peer(f"p{n}", "x", f"10.0.0.{n}", 9000, True) for n in range(1, 61)]
    host.standin("ping", PING)
    started = time.monotonic()
    for _ in range(3):
        lines = said(host, reach.pings(peers, macos)).lines
        for number, peer in enumerate(peers, start=1):
            assert reach.answers(peer)(lines).measured == f"{peer.address}: {number} % lost"
            for part in ("ping", "whole"):
                told = answered(lines, f"{part} {peer.address}").split("\n")
                assert [peer.address in line for line in told] == [True] * 9 + [False]
    # All at once: one after the other they would take over a minute.
    assert time.monotonic() - started < 60


@fewer_shells
def test_without_ping_no_peer_is_known(host: Host) -> None:
    peers = [Peer(f"p{n}", "x", f"10.0.0.{n}", 1500, True) for n in (1, 2)]
    lines = said(host, reach.pings(peers, False)).lines
    for peer in peers:
        assert reach.answers(peer)(lines).verdict is UNKNOWN
        assert reach.whole(peer, False)(lines).verdict is UNKNOWN
    assert said(host, reach.pings([], False)).lines == ()


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """A port of the loopback interface that hangs up on everybody, and one that nobody serves."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], closed.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@fewer_shells
def test_real_knocks_tell_open_from_closed(ports: tuple[int, int], host: Host) -> None:
    opened, closed = (Knock("p", "127.0.0.1", port, "x", "open") for port in ports)
    text = reach.knocks([opened, closed] * 10)
    untold = said(host, text).lines
    assert {reach.door(one)(untold).verdict for one in (opened, closed)} == {UNKNOWN}
    real(host, "curl")
    lines = said(host, text).lines
    assert len(lines) == 20
    assert reach.door(opened)(lines).measured == "x: open"
    assert reach.door(closed)(lines).measured == "x: refused"
    found = said(host, engine.answers(f"http://127.0.0.1:{ports[1]}/health"))
    assert engine.alive(found.lines).measured == "nothing answers there"


@fewer_shells
def test_real_programs_tell_of_this_machine(host: Host) -> None:
    real(host, "lscpu", "lsblk")
    (host.root / "proc").symlink_to("/proc")
    lines = said(host, OF_LINUX).lines
    for judge in (hardware.memory(1, False), hardware.cores(1, False), hardware.disks([], False)):
        assert judge(lines).verdict in (PASS, Verdict.WARN), judge(lines)
    assert hardware.nics([TEN], False)(lines).verdict is UNKNOWN


@fewer_shells
def test_a_real_ip_tells_its_addresses(host: Host) -> None:
    real(host, "ip")
    found = result(host, wire.ADDRESSES, wire.linux_address("127.0.0.1/8", None, "lo", 65536))
    assert found.verdict is PASS, found


@fewer_shells
def test_a_real_ping_hears_the_loopback_interface(host: Host) -> None:
    real(host, "ping")
    peer = Peer("self", "lo", "127.0.0.1", 1500, wired=True)
    lines = said(host, reach.pings([peer], False)).lines
    assert reach.answers(peer)(lines).verdict is PASS
    assert reach.whole(peer, False)(lines).verdict is PASS


@fewer_shells
def test_a_real_dd_reads_the_file_of_a_folder(host: Host) -> None:
    real(host, "dd", "find")
    with host.write(f"{FOLDER}/a 'model'.gguf", "").open("wb") as file:
        file.truncate(520 * 2**20)
    found = result(host, diskspeed.text(FOLDER, False), diskspeed.fast(None))
    if "Invalid argument" in found.measured:
        pytest.skip("this file system cannot be read past its cache")
    assert found.measure, found
    assert found.verdict is not UNKNOWN


@fewer_shells
def test_a_key_behind_a_link_is_judged_as_what_it_is(host: Host) -> None:
    host.write("/root/.ssh/id_rsa", KEY, 0o600)
    host.write("/etc/keys/tls.key", KEY, 0o644)
    link = host.path("/etc/ssl/private/tls.key")
    link.parent.mkdir(parents=True)
    link.symlink_to(host.path("/etc/keys/tls.key"))
    found = result(host, doors.KEY_FILES, doors.key_files)
    assert found.verdict is FAIL
    assert "/etc/ssl/private/tls.key" in found.measured


TEXTS = sorted({check.run for _, check in ASKED} | {ask.text for ask in ASKS})
# The mode of a file is in no other listing that all systems have; `-M do` is a word for ping; a
# list of one is still a list.
ALLOWED = "SC2012,SC1010,SC2043"


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: " ".join(text.split())[:40])
def test_every_text_is_clean(text: str) -> None:
    words = ["shellcheck", "-s", "sh", "-e", ALLOWED, "-"]
    done = subprocess.run(words, input=f"{text}\n", capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
