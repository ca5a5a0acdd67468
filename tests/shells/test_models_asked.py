"""What a host serves and could serve, what it kept of a switch, what an engine logs and knows."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

from magnusctl.releases import record, standing
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Standing
from tests.shells.hosts import Host
from tests.shells.shells import FEWER
from tests.shells.together import under

FILES = ("timed.sh", "releases/models.sh", "resources/release.sh")
LOG = "/var/log/engine.log"
ONE = Record(
    model="tiny",
    number=1,
    source="tiny@q4",
    engine="llamacpp",
    format="gguf",
    quant="Q4_K_M",
    path="/srv/models/store/tiny-1/tiny.gguf",
    digest="0" * 64,
    port=18100,
    front="127.0.0.1:9100",
    unit="magnus-release-tiny-r1.service",
    context=4096,
    sequences=2,
    arguments=("--chat-template", 'it\'s "odd" \\n'),
)
TWO = replace(ONE, number=2, port=18101, unit="magnus-release-tiny-r2.service")


def _asked(host: Host, *programs: str) -> Standing:
    probe = standing.probe("/srv/models", programs)
    return probe.parse(host.ask(probe).lines(probe))


@under()
def test_a_bare_host_serves_nothing(host: Host) -> None:
    found = _asked(host, "/opt/engine")
    assert found == Standing()


@under()
def test_a_host_tells_all_that_a_deployment_asks(linux: Host) -> None:
    at = "/var/lib/magnus/models/tiny"
    linux.write(f"{at}/serving", "1\n")
    linux.write(f"{at}/switching", "2:gate\n")
    linux.write(f"{at}/stopped", "2\n")
    for one in (ONE, TWO):
        linux.write(f"{at}/r{one.number}/record", record.text(one), 0o600)
        linux.write(f"{at}/r{one.number}/how", f"UNIT={one.unit}\n", 0o600)
    linux.write(f"{at}/r1/gate", "start_s=3\ndecode_tps=41.5\n")
    linux.path(f"{at}/r3").mkdir()
    linux.write("/srv/models/store/tiny-1/.magnus-artifact", "x")
    linux.write("/srv/models/store/tiny-1/tiny.gguf", bytes(300_000))
    linux.write("/srv/models/store/half.magnus.part/tiny.gguf", "x")
    linux.write("/opt/engine/bin", "", 0o755)
    linux.write("/opt/other", "", 0o644)
    linux.write("/proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n")
    linux.standin("systemctl", "echo active; echo running")
    card = "echo '24576, 20000'; echo '24576, 24000'"
    linux.standin("nvidia-smi", card)
    lines = "LISTEN 0 9 127.0.0.1:18100 0.0.0.0:*\nLISTEN 0 9 [::]:22 [::]:*\nLISTEN 0 9 *:22 *:*"
    linux.standin("ss", f"echo '{lines}'")
    linux.standin("df", "echo head; echo '/dev/x 9 4 5000 45% /'")
    found = _asked(linux, "/opt/engine/bin", "/opt/other", "/opt/none")
    tiny = found.models["tiny"]
    assert (tiny.serving, tiny.running, tiny.switching) == (1, True, "2:gate")
    assert tiny.stopped == 2
    assert tiny.releases == {1: ONE, 2: TWO}
    assert tiny.gates == {1: {"start_s": "3", "decode_tps": "41.5"}}
    (path,) = found.files
    assert path == "/srv/models/store/tiny-1"
    assert 300_000 <= found.files[path] < 400_000
    assert found.ports == {22, 18100}
    assert found.programs == {"/opt/engine/bin"}
    assert found.sizes == {
        "memory total": 1000 * 1024,
        "memory free": 600 * 1024,
        "card total": 2 * 24576 * 1024**2,
        "card free": 44000 * 1024**2,
        "disk free": 5000 * 1024,
    }


@under(FEWER)
def test_a_card_that_is_not_told_is_no_card(linux: Host) -> None:
    for said in ("echo 'NVIDIA-SMI has failed'; exit 9", "echo '[N/A], [N/A]'", "exit 127"):
        linux.standin("nvidia-smi", said)
        assert "card total" not in _asked(linux).sizes


@under(FEWER[:2])
def test_a_mac_tells_what_its_gpu_may_have(macos: Host) -> None:
    macos.standin("sysctl", 'case "$*" in *wired_limit*) echo 40960 ;; esac')
    macos.standin("netstat", "echo 'tcp4 0 0 127.0.0.1.18100 *.* LISTEN'")
    found = _asked(macos)
    assert found.sizes["wired total"] == 40960 * 1024**2
    assert found.ports == {18100}
    macos.standin("sysctl", "echo 0")
    assert "wired total" not in _asked(macos).sizes


@under(FEWER)
def test_what_a_switch_said_is_kept_with_the_last_words_of_its_engine(host: Host) -> None:
    def kept() -> list[str]:
        return host.call("kept_log", "tiny", 1, files=FILES)

    at = "/var/lib/magnus/models/tiny/r1"
    assert kept() == []
    host.write(f"{at}/said", "gate process ok 3 s\ngate speech failed: no\n")
    assert kept() == ["said gate process ok 3 s", "said gate speech failed: no"]
    host.write(f"{at}/log", "".join(f"line {n}\n" for n in range(500)))
    assert kept()[2:] == [f"log line {n}" for n in range(100, 500)]


def _since(host: Host, cursor: str, lines: int = 3) -> tuple[list[str], str]:
    *said, last = host.call("log_since", "unit", LOG, cursor, lines, files=FILES)
    assert all(line.startswith("log ") for line in said)
    assert last.startswith("cursor ")
    return [line[4:] for line in said], last[7:]


@under()
def test_a_log_is_followed_by_whole_lines(host: Host) -> None:
    assert _since(host, "-") == ([], "0")
    log = host.write(LOG, "".join(f"{n}\n" for n in range(9)))
    said, cursor = _since(host, "-")
    assert said == ["6", "7", "8"]
    assert _since(host, cursor) == ([], cursor)
    # A line that is being written comes once, when it is whole.
    for text, wanted in (("a\nhal", ["a"]), ("f", []), ("\n\nb\n", ["half", "", "b"])):
        with log.open("a") as file:
            file.write(text)
        said, cursor = _since(host, cursor)
        assert said == wanted
    # What was rotated away begins anew.
    host.write(LOG, "new\n")
    assert _since(host, cursor) == (["new"], "4")
    host.write(LOG, "not whole")
    assert _since(host, "-") == ([], "0")
    # A line without an end is not held back for ever.
    host.write(LOG, "x" * 200_000)
    said, cursor = _since(host, "0")
    assert len("".join(said)) >= 100_000
    assert int(cursor) == len("".join(said))


@under(FEWER)
def test_a_journal_is_followed_by_its_cursor(linux: Host) -> None:
    linux.standin(
        "journalctl",
        'printf "%s\\n" "$*" >>"$MAGNUS_ROOT/asked"; echo one; echo "-- cursor: s=a;i=1"',
    )
    said = linux.call("log_since", "unit", "-", "-", 3, files=FILES)
    assert said == ["log one", "cursor s=a;i=1"]
    linux.call("log_since", "unit", "-", "s=a;i=1", 3, files=FILES)
    first, second = linux.path("/asked").read_text().splitlines()
    assert first.endswith("-u unit --show-cursor -n 3")
    assert second.endswith("-u unit --show-cursor --after-cursor s=a;i=1")


@under(FEWER)
def test_an_engine_says_which_options_it_has(host: Host) -> None:
    text = (
        "usage: x [--model FILE] [-ngl, --n-gpu-layers N]\\n  --cache_type {a,b}, --model\\n --X\\n"
    )
    host.write(
        "/opt/engine", f"#!/bin/sh\n[ \"$*\" = 'serve --help' ] || exit 1\nprintf '{text}'\n", 0o755
    )
    said = host.call("engine_help", 20, "/opt/engine", "serve", "--help", files=FILES)
    assert sorted(said) == ["--cache_type", "--model", "--n-gpu-layers"]
    # Those that say it on the other stream, and fail.
    host.write("/opt/engine", "#!/bin/sh\necho 'no --such --other' >&2\nexit 2\n", 0o755)
    said = host.call("engine_help", 20, "/opt/engine", files=FILES)
    assert sorted(said) == ["--other", "--such"]
    assert host.call("engine_help", 20, "/opt/none", files=FILES) == []


@under(FEWER)
def test_an_engine_that_says_its_options_and_does_not_end_is_ended(host: Host) -> None:
    host.write("/opt/engine", "#!/bin/sh\necho --such\nexec sleep 600\n", 0o755)
    assert host.call("engine_help", 3, "/opt/engine", files=FILES) == ["--such"]


@under(FEWER)
def test_an_engine_that_no_signal_reaches_is_not_waited_for(host: Host) -> None:
    """Here it is a child in a session of its own that holds the output."""
    pid = host.path("/pid")
    text = f"#!/bin/sh\necho --such\nsetsid sleep 300 &\necho $! >{pid}\nwait\n"
    host.write("/opt/engine", text, 0o755)
    assert host.call("engine_help", 2, "/opt/engine", files=FILES) == []
    # It lived until here.
    os.kill(int(pid.read_text()), signal.SIGKILL)
