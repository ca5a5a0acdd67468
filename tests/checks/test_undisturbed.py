"""Proof that a service was left alone, asked with every shell.

systemctl and launchctl are SIMULATED: stand-ins below a root say which process is the main one.
On Linux the processes are real ones, of this test's own, seen through /proc.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from magnusctl.checks.undisturbed import disturbed, probe
from tests.shells.hosts import Host
from tests.shells.shells import SHELLS, Shell

ENGINE = "trading-engine"
RAN = "812 40017 1 80 2-3"
NONE = "- - - - -"
linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


@pytest.fixture(params=SHELLS, ids=lambda shell: shell.name)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """A root under each shell; its own /proc is this machine's, until a test writes one."""
    shell = request.param
    assert isinstance(shell, Shell)
    if shell.missing:
        pytest.skip(shell.missing)
    root = tmp_path.resolve() / "root"
    (root / ".standins").mkdir(parents=True)
    return Host(shell, root)


def runs(host: Host, *pids: object) -> None:
    """Let a stand-in say which main processes systemd knows, unit by unit."""
    blocks = "\n\n".join(f"Id=x{n}.service\nMainPID={pid}" for n, pid in enumerate(pids))
    host.standin("systemctl", f"# SIMULATED\ncat <<'END'\n{blocks}\nEND")


def ask(host: Host, *units: str) -> dict[str, str]:
    asked = probe(units)
    return dict(asked.parse(host.ask(asked).lines(asked)))


def pretend(host: Host, pid: int, name: str) -> None:
    """Write what /proc shows of a process."""
    numbers = list(range(4, 53))
    stat = f"{pid} ({name}) S {' '.join(map(str, numbers))}\n"
    host.write(f"/proc/{pid}/stat", stat)
    host.write(f"/proc/{pid}/status", f"Name:\t{name}\nCpus_allowed:\tc\nCpus_allowed_list:\t2-3\n")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own whose name needs care."""
    program = tmp_path / "a) S (b"
    program.symlink_to(shutil.which("sleep") or "/bin/sleep")
    with subprocess.Popen([program, "60"]) as running:
        yield running
        running.kill()


@linux_only
def test_a_real_process_is_seen_as_the_kernel_shows_it(
    host: Host, process: subprocess.Popen[bytes]
) -> None:
    (host.root / "proc").symlink_to("/proc")
    runs(host, process.pid, 0)
    said = ask(host, ENGINE, "other")
    assert said["other"] == NONE
    pid, started, policy, priority, cpus = said[ENGINE].split(" ")
    tail = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    assert (pid, started) == (str(process.pid), tail[22 - 3])
    scheduler = os.sched_getscheduler(process.pid)
    assert (policy, priority) == (
        str(scheduler),
        str(os.sched_getparam(process.pid).sched_priority),
    )
    assert len(os.sched_getaffinity(process.pid)) == sum(map(size, cpus.split(",")))
    assert disturbed(said, ask(host, ENGINE, "other")) == []


def size(part: str) -> int:
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1


@linux_only
@pytest.mark.skipif(os.getuid() != 0, reason="a real-time policy needs root")
def test_a_policy_that_was_taken_away_is_seen(host: Host, process: subprocess.Popen[bytes]) -> None:
    (host.root / "proc").symlink_to("/proc")
    runs(host, process.pid)
    try:
        os.sched_setscheduler(process.pid, os.SCHED_FIFO, os.sched_param(7))
    except PermissionError:
        pytest.skip("this machine grants no real-time policy")
    before = ask(host, ENGINE)
    os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    said = disturbed(before, ask(host, ENGINE))
    assert said == [f"{ENGINE} was scheduled as FIFO 7 and is as OTHER 0"]


@pytest.mark.parametrize("name", ["engine", "a b", "a) S (b", ") 1 2 3 (", "("])
def test_fields_are_counted_from_the_end_of_the_name(host: Host, name: str) -> None:
    pretend(host, 812, name)
    runs(host, 812)
    assert ask(host, ENGINE) == {ENGINE: "812 22 41 40 2-3"}


def test_every_unit_has_its_own_line(host: Host) -> None:
    pretend(host, 812, "one")
    pretend(host, 813, "two")
    runs(host, 812, 0, 813, 999)
    said = ask(host, "one", "stopped", "two", "gone")
    assert list(said.values()) == ["812 22 41 40 2-3", NONE, "813 22 41 40 2-3", NONE]


@pytest.mark.parametrize(
    "words",
    ["", "echo Id=x.timer", "echo 'MainPID=1; id'", "exit 1", "printf 'Id=x\\nMainPID=\\n'"],
    ids=["silent", "no service", "no number", "fails", "empty"],
)
def test_what_systemd_does_not_know_does_not_run(host: Host, words: str) -> None:
    host.standin("systemctl", f"# SIMULATED\n{words}")
    assert ask(host, ENGINE) == {ENGINE: NONE}


def test_a_machine_without_systemd_runs_nothing(host: Host) -> None:
    assert ask(host, ENGINE) == {ENGINE: NONE}
    assert ask(host) == {}


def test_a_mac_tells_the_process_and_no_more(host: Host) -> None:
    host.standin("uname", "# SIMULATED\necho Darwin")
    host.standin(
        "launchctl",
        "# SIMULATED\n[ $2 = system/net.magnus.mlx ] || exit 113\n"
        "printf 'system/net.magnus.mlx = {\\n\\tstate = running\\n\\tpid = 501\\n}\\n'",
    )
    said = ask(host, "net.magnus.mlx", "net.magnus.other")
    assert said == {"net.magnus.mlx": "501 - - - -", "net.magnus.other": NONE}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (RAN, []),
        (NONE, ["stopped: it ran as process 812"]),
        ("900 40999 1 80 2-3", ["was restarted: it ran as process 812 and runs as 900"]),
        ("812 50000 1 80 2-3", ["was restarted: it ran as process 812 and runs as 812"]),
        ("812 40017 0 0 2-3", ["was scheduled as FIFO 80 and is as OTHER 0"]),
        ("812 40017 2 80 0-7", ["was scheduled as FIFO 80 and is as RR 80", "might run on"]),
        ("900 40999 0 0 0-7", ["was restarted"]),
    ],
)
def test_what_became_of_a_service_is_told(after: str, said: list[str]) -> None:
    found = disturbed({ENGINE: RAN}, {ENGINE: after})
    assert len(found) == len(said)
    for sentence, wanted in zip(found, said, strict=True):
        assert sentence.startswith(f"{ENGINE} {wanted}")


def test_what_did_not_run_before_cannot_be_disturbed() -> None:
    assert disturbed({ENGINE: NONE}, {ENGINE: RAN}) == []


def test_a_service_that_was_not_asked_again_counts_as_stopped() -> None:
    assert disturbed({ENGINE: RAN}, {}) == [f"{ENGINE} stopped: it ran as process 812"]


@pytest.mark.parametrize("line", ["", "812", "812 1 2 3 4 5"])
def test_an_answer_that_is_not_five_words_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        probe([ENGINE]).parse([line])
