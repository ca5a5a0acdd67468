"""Each part of the gate: a release that fails it is taken back, and the one before serves on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.shells.hosts import Host
from tests.shells.served import ID, MODEL, Serving, served, serving
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.skipif(not shutil.which("setsid"), reason="setsid is not installed"),
]
MIB = 1 << 20


@dataclass(frozen=True)
class Fault:
    """What an engine does, what its host knows of it, and the part of the gate that says so."""

    part: str
    words: str
    script: Mapping[str, Any] = field(default_factory=dict)
    how: Mapping[str, object] = field(default_factory=dict)


_ENDS = {"ends_s": 0.3, "silent": True}
FAULTS = {
    "ended": Fault("process", "ended before it answered: exit-code 3", _ENDS),
    "silent": Fault("port", "timeout: no answer on", {"silent": True}, {"SECONDS": 2}),
    "hangs": Fault("port", "timeout: no answer on", {"hangs": True}, {"SECONDS": 2}),
    "loads": Fault("port", "timeout: no answer on", {"loading_s": 60}, {"SECONDS": 2}),
    "other model": Fault("model", "does not list the model tiny", {"lists": "tiny-other"}),
    "no end": Fault("speech", "16 tokens, and an end that is none", {"finish": None}),
    "another end": Fault("speech", "16 tokens, and an end that is none", {"finish": "abort"}),
    "no token": Fault("speech", "0 tokens, and an end", {"finish": "stop", "tokens": 0}),
    "fewer tokens": Fault("speech", "9 tokens, and an end", {"finish": "length", "tokens": 9}),
    "error": Fault("speech", "The requested URL returned error: 500", {"status": 500}),
    "too late": Fault(
        "speech", "no answer to 16 tokens: curl: (28)", {"token_s": 0.3}, {"SPEAK": 1}
    ),
    "no embedding": Fault("speech", "no embedding came", {"mute": True}, {"KIND": "embedding"}),
    "elsewhere": Fault(
        "memory", "MiB are resident, at least 4096 MiB", {}, {"RESIDENT": 4096 * MIB}
    ),
    "slow": Fault("speed", "tokens/s, at least 100.00 are", {"token_s": 0.04}, {"FLOOR": "100.00"}),
}


def _serves(found: Serving) -> None:
    found.release(1)
    job = found.switch(1)
    assert job.ok, job.output


def _failed(found: Serving, number: int, part: str, words: str, how: Any = "beside") -> None:
    """A switch that fails at that part, says so, and leaves all as it was."""
    before = found.stands
    job = found.switch(number, how)
    assert job.first == {ID: "failed"}, job.words
    said = found.said(number)
    told = [line for line in said if " failed: " in line]
    assert [line.split(":")[0] for line in told] == [f"gate {part} failed"], said
    assert words in told[0]
    assert set(said) <= set(job.output[ID])
    assert said[-1 if how == "beside" else -2] == f"back r{before['serving']}"
    assert found.kept(number, "gate") == found.kept(number, "gate.new") == ""
    assert found.stands == before


@pytest.mark.parametrize("name", FAULTS)
@under(FEWER)
def test_what_fails_at_its_gate_is_never_switched_to(linux: Host, name: str) -> None:
    fault = FAULTS[name]
    linux.standin("journalctl", 'case "$*" in *tiny-r2*) echo "SIMULATED last words" ;; esac')
    with serving(linux) as found:
        _serves(found)
        found.release(2, how=dict(fault.how), **fault.script)
        _failed(found, 2, fault.part, fault.words)
        assert found.stands == served(1)
        assert found.kept(2, "log") == "SIMULATED last words\n"
        assert _kept_log(found)[-1] == "log SIMULATED last words"


def _kept_log(found: Serving) -> list[str]:
    return found.host.call("kept_log", MODEL, 2, files=("releases/models.sh",))


@under(FEWER)
def test_what_fails_in_the_place_of_the_old_one_brings_that_back(linux: Host) -> None:
    with serving(linux) as found:
        # It has to load its model again, which takes a while.
        found.release(1, loading_s=1)
        assert found.switch(1).ok
        found.release(2, lists="other")
        _failed(found, 2, "model", "does not list", "instead")
        assert found.said(2)[-1].startswith("outage ")
        verbs = [verb for verb in found.verbs if "front" not in verb]
        assert verbs[2:] == ["stop r1", "start r2", "stop r2", "start r1", "enable r1"]


@under(FEWER)
def test_an_old_one_that_does_not_come_back_is_told(linux: Host) -> None:
    with serving(linux) as found:
        _serves(found)
        found.at(f"broken.{found.unit(1)}").touch()
        found.release(2, lists="other")
        job = found.switch(2, "instead")
        assert job.first == {ID: "failed"}
        assert found.said(2)[-1] == "lost r1"
        assert f"magnus: r1 of {MODEL} does not come back" in "\n".join(job.output[ID])
        stands = found.stands
        assert (stands["running"], stands["serving"], stands["cut"]) == (set(), "1", "-")
        # Once what kept it away is gone, the same words bring it back.
        found.at(f"broken.{found.unit(1)}").unlink()
        assert found.switch(1).ok
        assert found.stands == served(1)


@under(FEWER)
def test_a_first_release_that_fails_leaves_nothing_running(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1, status=500)
        assert found.switch(1).first == {ID: "failed"}
        none = {"serving": "-", "running": set(), "boot": set()}
        assert found.stands == served(0) | none
        assert not found.host.path(f"/etc/magnus/front/{MODEL}.upstream").exists()


@under(FEWER)
def test_a_unit_that_does_not_start_is_told(linux: Host) -> None:
    with serving(linux) as found:
        _serves(found)
        found.release(2)
        found.at(f"broken.{found.unit(2)}").touch()
        _failed(found, 2, "process", "does not start")


@pytest.mark.parametrize("ended", [False, True], ids=["beside", "ended"])
@under(FEWER)
def test_another_program_on_the_port_is_none_of_its_own(linux: Host, ended: bool) -> None:
    """It even answers as the release would, while that is loading, or has ended."""
    with serving(linux) as found:
        _serves(found)
        with _squatter() as port:
            script = {"ends_s": 0.01} if ended else {"silent": True}
            found.release(2, port=port, **script)
            _failed(found, 2, "process", "port taken")


class _Squatter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "tiny"}]}')

    def log_message(self, *words: object) -> None:
        pass


class _squatter:
    """A program of this test that answers as an engine does."""

    def __enter__(self) -> int:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Squatter)
        self.thread = Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return int(self.server.server_address[1])

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


CARDS = {
    "on the card": ("echo \"$(cat $PID), 5000\"; echo '1, 90000'", "gate memory ok 5000 MiB"),
    "on the CPU": ("echo '1, 90000'", "gate memory failed: 0 MiB are resident"),
    "half of it": ('echo "$(cat $PID), 2000"', "gate memory failed: 2000 MiB are resident"),
    "not told": ('echo "$(cat $PID), [N/A]"', None),
    "no driver": ("echo 'NVIDIA-SMI has failed'; exit 9", None),
}


@pytest.mark.parametrize("name", CARDS)
@under(FEWER)
def test_on_a_card_the_driver_tells_where_the_weights_are(linux: Host, name: str) -> None:
    text, told = CARDS[name]
    with serving(linux) as found:
        _serves(found)
        found.release(2, how={"MEMORY": "cuda", "RESIDENT": 4096 * MIB})
        pid = f"PID=$MAGNUS_ROOT/.simulated/pids/{found.unit(2)}\n"
        linux.standin("nvidia-smi", f"# SIMULATED\n{pid}{text}")
        if told and "failed" in told:
            _failed(found, 2, "memory", told.partition(": ")[2])
            return
        job = found.switch(2)
        assert job.ok, job.output
        assert [line for line in found.said(2) if "memory" in line] == ([told] if told else [])
        kept = "resident_bytes=5242880000" in found.kept(2, "gate").splitlines()
        assert kept == bool(told)


@under(FEWER)
def test_in_memory_what_its_processes_have_counts(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1, how={"RESIDENT": 60 * MIB}, ballast_mib=64)
        job = found.switch(1)
        assert job.ok, job.output
        gate = dict(line.split("=") for line in found.kept(1, "gate").splitlines())
        assert 64 * MIB < int(gate["resident_bytes"]) < 200 * MIB


@under(FEWER)
def test_a_model_for_embeddings_is_asked_for_one(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1, how={"KIND": "embedding", "FLOOR": "1000000.00"})
        job = found.switch(1)
        assert job.ok, job.output
        assert "gate speech ok an embedding" in found.said(1)
        assert found.stands == served(1)


@under(FEWER)
def test_a_model_that_ends_early_by_itself_has_spoken(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1, finish="stop", tokens=4)
        job = found.switch(1)
        assert job.ok, job.output
        assert "gate speech ok 4 tokens" in found.said(1)


@pytest.mark.parametrize("fault", ["broken", "stuck"])
@under(FEWER)
def test_a_front_that_does_not_come_along_takes_all_back(linux: Host, fault: str) -> None:
    linux.standin(
        "journalctl", 'case "$*" in *magnus-front*) echo "nginx: [emerg] bind() failed" ;; esac'
    )
    with serving(linux) as found:
        _serves(found)
        found.release(2)
        found.at(f"front.{fault}").touch()
        before = found.stands
        job = found.switch(2)
        assert job.first == {ID: "failed"}
        told = next(line for line in found.said(2) if "failed" in line)
        if fault == "broken":
            assert told == "gate front failed: nginx does not run or does not take it: " + (
                "nginx: [emerg] bind() failed"
            )
        else:
            assert told.startswith(f"gate front failed: 127.0.0.1:{found.front} does not answer")
            assert found.said(2)[-1] == "back r1"
        assert found.stands == before == served(1)
        # A release that nobody ever reached is none to go back to.
        assert found.kept(2, "gate") == ""
