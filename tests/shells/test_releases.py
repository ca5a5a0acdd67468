"""A release is switched to once it has spoken; the one before goes on until then."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from magnusctl import undo
from magnusctl.resources.release import Release
from tests.ports import free_port
from tests.shells.hosts import Host
from tests.shells.served import ID, MODEL, Serving, served, serving
from tests.shells.shells import FEWER
from tests.shells.together import under

pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
    pytest.mark.skipif(not shutil.which("setsid"), reason="setsid is not installed"),
]
KEY = 'sk-"quoted" \\ secret'


def _first(found: Serving, **script: Any) -> None:
    found.release(1, **script)
    job = found.switch(1)
    assert job.ok, job.output
    assert found.stands == served(1)


def _of_units(found: Serving) -> list[str]:
    return [verb for verb in found.verbs if "front" not in verb]


@under()
def test_a_first_release_is_proved_and_shown(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1, loading_s=0.5, token_s=0.01)
        job = found.switch(1)
        assert job.ok, job.output
        heads = [" ".join(line.split()[:3]) for line in found.said(1)]
        parts = [f"gate {name} ok" for name in ("process", "model", "speech", "speed")]
        assert heads == [*parts, "serving r1"]
        gate = dict(line.split("=") for line in found.kept(1, "gate").splitlines())
        assert set(gate) == {"start_s", "decode_tps"}
        assert 5 < float(gate["decode_tps"]) < 1000
        assert found.stands == served(1)
        # What is not proved yet no boot starts.
        assert _of_units(found) == ["start r1", "enable r1"]


@under(FEWER)
def test_a_switch_beside_leaves_nobody_without_an_answer(linux: Host) -> None:
    with serving(linux) as found:
        _first(found)
        found.release(2, loading_s=0.5)
        seen, over = [], threading.Event()

        def ask() -> None:
            while not over.is_set():
                seen.append(found.answers())
                time.sleep(0.02)

        client = threading.Thread(target=ask)
        client.start()
        job = found.switch(2)
        over.set()
        client.join()
        assert job.ok, job.output
        # Each request had an answer, and once one was of the new release none was of the old.
        assert seen == sorted(seen)
        assert set(seen) == {1, 2}
        assert found.stands == served(2)
        assert _of_units(found)[2:] == ["start r2", "enable r2", "stop r1"]
        assert not any(line.startswith("outage") for line in found.said(2))


@under(FEWER)
def test_a_switch_instead_stops_the_old_one_first_and_tells_the_outage(linux: Host) -> None:
    with serving(linux) as found:
        _first(found)
        found.release(2, loading_s=1.2)
        job = found.switch(2, "instead")
        assert job.ok, job.output
        assert _of_units(found)[2:5] == ["stop r1", "start r2", "enable r2"]
        assert found.stands == served(2)
        told = next(line.split() for line in found.said(2) if line.startswith("outage"))
        gate = dict(line.split("=") for line in found.kept(2, "gate").splitlines())
        assert 1 <= int(gate["outage_s"]) <= int(told[1]) < 20


@under(FEWER[:2])
def test_releases_of_a_mac(macos: Host) -> None:
    with serving(macos) as found:
        _first(found)
        found.release(2)
        assert found.switch(2).ok
        assert found.stands == served(2)
        found.release(3, loading_s=0.5)
        assert found.switch(3, "instead").ok
        assert found.stands == served(3)
        found.release(4, ends_s=0.3, silent=True, says="the very last words\n")
        job = found.switch(4, "instead")
        assert job.first == {ID: "failed"}
        assert found.stands == served(3)
        assert any("ended before it answered: exit 3" in line for line in found.said(4))
        assert found.said(4)[-2] == "back r3"
        assert found.kept(4, "log") == "the very last words\n"
        # Of what a GPU of a Mac has only a part is counted: that is said, and no verdict.
        found.release(5, how={"RESIDENT": 1 << 40})
        macos.standin("footprint", 'echo "    phys_footprint: 12 GB"')
        assert found.switch(5).ok
        (told,) = (line for line in found.said(5) if "memory" in line)
        assert told.startswith("gate memory ok 12288 MiB are resident")
        assert host_stops(found)


def host_stops(found: Serving) -> bool:
    """Whether nothing runs any more once no release is wanted."""
    assert found.host.provision(found.wanted(0)).ok
    assert found.stands == served(0) | {"serving": "-", "running": set(), "boot": set()}
    return True


@under(FEWER)
def test_what_is_stopped_stays_stopped_and_its_files_stay(linux: Host) -> None:
    with serving(linux) as found:
        _first(found)
        assert host_stops(found)
        assert found.kept(1, "how")
        assert not linux.plan(found.wanted(0))
        assert found.switch(1).ok
        assert found.stands == served(1)


@under(FEWER)
def test_the_way_back_is_the_release_before(linux: Host) -> None:
    with serving(linux) as found:
        found.release(1)
        (change,) = linux.plan(found.wanted(1)).changes
        first = undo.former(change)
        assert found.switch(1).ok
        found.release(2)
        (change,) = linux.plan(found.wanted(2, "instead")).changes
        back = undo.former(change)
        assert found.switch(2).ok
        assert isinstance(back, Release)
        assert undo.decode(undo.encode(back)) == back
        assert (back.number, back.switch) == (1, "instead")
        assert linux.provision(back).ok
        assert found.stands == served(1)
        assert isinstance(first, Release)
        assert linux.provision(first).ok
        assert found.running == set()


@under(FEWER)
def test_requests_under_way_end_before_the_old_one_does(linux: Host) -> None:
    with serving(linux) as found:
        _first(found, slow_s=2.5)
        found.release(2)
        got: list[bytes] = []
        url = f"http://127.0.0.1:{found.ports[1]}/slow"

        def ask() -> None:
            with urllib.request.urlopen(url, timeout=20) as answer:
                got.append(answer.read())

        client = threading.Thread(target=ask)
        client.start()
        job = found.switch(2)
        client.join()
        assert job.ok, job.output
        assert got == [b'{"slow": true}']
        assert found.stands == served(2)


@under(FEWER[:1])
def test_a_request_that_does_not_end_is_not_waited_for_longer_than_was_said(linux: Host) -> None:
    with serving(linux) as found:
        _first(found, slow_s=30)
        found.release(2)
        ask = urllib.request.urlopen
        url = f"http://127.0.0.1:{found.ports[1]}/slow"
        failed: list[type[Exception]] = []

        def client() -> None:
            try:
                ask(url, timeout=40)
            except OSError as error:
                failed.append(type(error))

        thread = threading.Thread(target=client)
        thread.start()
        assert found.switch(2).ok
        thread.join(10)
        assert failed
        assert found.stands == served(2)


@pytest.mark.parametrize("kind", ["plain", "env"])
@under(FEWER)
def test_a_key_opens_the_engine_and_is_in_nobodys_arguments(linux: Host, kind: str) -> None:
    linux.write("/etc/magnus/key", KEY + "\n" if kind == "plain" else f"A=1\nVLLM_API_KEY={KEY}\n")
    linux.path("/etc/magnus/key").chmod(0o600)
    with serving(linux) as found, _arguments(KEY) as seen:
        found.release(1, how={"KEY": f"{kind}:/etc/magnus/key"}, key=KEY, loading_s=0.5)
        job = found.switch(1)
        assert job.ok, job.output
        assert found.stands["running"] == {1}
        script = found.at(f"engines/{found.unit(1)}.json")
        holders = [one for one in linux.root.rglob("*") if one.is_file() and one != script]
        assert [one.name for one in holders if KEY.encode() in one.read_bytes()] == ["key"]
        found.release(2, how={"KEY": f"{kind}:/etc/magnus/key"}, key="another")
        job = found.switch(2)
        assert "gate model failed" in "\n".join(job.output[ID])
        assert found.running == {1}
    assert seen.samples > 20
    assert seen.found == []


class _arguments:
    """Looks at the arguments of every process, again and again."""

    def __init__(self, secret: str) -> None:
        self.secret, self.found, self.samples = secret.encode(), list[str](), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> _arguments:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.002):
            self.samples += 1
            # A walk would end at a process that ends meanwhile.
            for process in Path("/proc").iterdir():
                try:
                    words = (process / "cmdline").read_bytes()
                except OSError:
                    continue
                if self.secret in words:
                    self.found.append(words.decode(errors="replace"))


@under(FEWER)
def test_a_release_that_serves_and_does_not_run_is_made_to_run(linux: Host) -> None:
    with serving(linux) as found:
        _first(found)
        found.end()
        assert found.stands["running"] == set()
        assert linux.observe([found.wanted(1)])[ID].answer == "1 no -"
        job = found.switch(1)
        assert job.ok, job.output
        assert found.stands == served(1)
        assert found.said(1)[-1] == "serving r1"
        # And when it cannot: it is told why, and nothing else is put in its place.
        found.end()
        found.at(f"broken.{found.unit(1)}").touch()
        job = found.switch(1)
        assert job.first == {ID: "failed"}
        assert "gate process failed" in "\n".join(found.said(1))
        assert found.stands["serving"] == "1"


@under(FEWER)
def test_a_unit_that_would_stop_what_is_protected_is_not_started(linux: Host) -> None:
    linux.spared = ("web.service", "other.service")
    with serving(linux) as found:
        # Of those that are protected none is started in its place.
        _first(found)
        assert _of_units(found) == ["start r1", "enable r1"]
        for name in linux.spared:
            linux.write(f"/etc/systemd/system/{name}", "SIMULATED\n")
        script = {"model": "web", "port": free_port()}
        linux.write("/.simulated/engines/web.service.json", json.dumps(script))
        linux.write("/.simulated/conflicts", "web.service\n")
        start = f"PATH={linux.root}/.standins:$PATH systemctl start -- web.service"
        subprocess.run(["sh", "-c", start], env={"MAGNUS_ROOT": str(linux.root)}, check=True)
        found.release(2)
        job = found.switch(2)
        assert "it conflicts with web.service, which is protected" in "\n".join(job.output[ID])
        assert found.stands == served(1)


@under(FEWER)
def test_a_host_says_what_serves(host: Host) -> None:
    host.standin("systemctl", "echo active; echo running")
    folder = f"/var/lib/magnus/models/{MODEL}"
    wanted = Release(model=MODEL, number=1)

    def answer() -> str:
        return host.observe([wanted])[wanted.id].answer

    assert answer() == "- no -"
    host.write(f"{folder}/serving", "3\n")
    assert answer() == "3 no -"
    host.write(f"{folder}/r3/how", "UNIT=x.service\nPORT=1\n")
    assert answer() == "3 yes -"
    host.write(f"{folder}/switching", "4:gate\n")
    assert answer() == "3 yes 4:gate"
    for text in ("activating\nauto-restart", "failed\nfailed", "active\nexited", ""):
        host.standin("systemctl", f"printf '%s\\n' '{text}'")
        assert answer() == "3 no 4:gate", text
    # What a power cut left empty is nothing, and does not shift what is said of others.
    host.write(f"{folder}/serving", "")
    host.write(f"{folder}/switching", "")
    assert answer() == "- no -"
    others = [Release(model=name, number=1) for name in ("other", MODEL, "third")]
    assert [one.answer for one in host.observe(others).values()] == ["- no -"] * 3


def test_a_release_that_is_not_there_is_told(linux: Host) -> None:
    job = linux.provision(Release(model=MODEL, number=7))
    assert job.first == {ID: "failed"}
    assert any("release r7 of tiny is not on this host" in line for line in job.output[ID])
