"""Files of a model on their way: from a hub (SIMULATED, speaking the real protocol) to one host,
and from that host to the next over their link. The tests build on each other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.sshd import REPOSITORY
from tests.lab import Lab, llama, tinymodel
from tests.lab.serving import Serving, inventory
from tests.lab.shelf import Shelf
from tests.lab.system import wait_for

pytestmark = pytest.mark.lab
HOSTS = ("one", "two")
PORT = 8085
MODEL = "llama-3.3-70b"
FILE = "Llama-3.3-70B-Instruct-Q4_K_M.gguf"
REPO = "bartowski/Llama-3.3-70B-Instruct-GGUF"
# What the hub has is far smaller than what the catalogue takes that model for.
WORDS = ("--quant", "q4_k_m", "--force", "--context", "1024", "--yes")


@dataclass(frozen=True)
class Hub:
    """The hub on the control side."""

    lab: Lab
    url: str

    def _called(self, path: str, data: str = "") -> str:
        words = ["curl", "-sf", *(["-d", data] if data else []), f"{self.url}/_hub/{path}"]
        return self.lab.control(words, check=True).stdout

    def fault(self, kind: str, **more: Any) -> None:
        """Order a fault with the model's file."""
        self._called("fault", json.dumps({"path": FILE, "kind": kind, **more}))

    def asked(self) -> list[dict[str, Any]]:
        """What was asked for, so far, of the model's file."""
        found = json.loads(self._called("asked"))
        return [one for one in found if FILE in json.dumps(one)]


@pytest.fixture(scope="module")
def hub(hosts: Lab) -> Iterator[Hub]:
    folder = hosts.workdir / "hub"
    (folder / REPO).mkdir(parents=True)
    tinymodel.write(folder / REPO / FILE)
    words = [sys.executable, "-m", "tests.lab.hub", str(folder), hosts.control_address, str(PORT)]
    server = subprocess.Popen(
        hosts.command(words), cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    found = Hub(hosts, f"http://{hosts.control_address}:{PORT}")
    try:
        up = ["curl", "-sf", f"{found.url}/_hub/asked"]
        wait_for("the hub", lambda: hosts.control(up).returncode == 0, 60)
        yield found
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def two(hosts: Lab, store: Shelf) -> dict[str, Serving]:
    """Both hosts, with a link between the two on which their engines listen."""
    try:
        shutil.copyfile(llama.archive(), store.folder / llama.NAME)
    except llama.Unavailable as why:
        pytest.skip(str(why))
    folder = hosts.workdir / "serving"
    folder.mkdir()
    whole: dict[str, Any] = {"cluster": "lab", "hosts": {}}
    ends = {}
    for name, host in hosts.hosts.items():
        spec = inventory(hosts, host, store)["hosts"][name]
        spec["variables"]["inference"]["listen"] = "lan"
        whole["hosts"][name] = spec
        ends[name] = {"address": f"{host.address}/24", "interface": "host0", "mac": host.mac}
        host.run("apt-get install -y curl >/dev/null 2>&1")
    whole["links"] = {"lan": {"kind": "ethernet", "speed": "10Gbit/s", "ends": ends}}
    (folder / "magnus.yaml").write_text(json.dumps(whole, indent=1))
    found = {name: Serving(hosts, host, folder) for name, host in hosts.hosts.items()}
    found["one"].ends(0, "provision", "--yes")
    return found


def deploy(two: dict[str, Serving], hub: Hub, host: str, *words: str, code: int = 0) -> str:
    env = {"HF_ENDPOINT": hub.url}
    return two[host].ends(code, "deploy-model", MODEL, "--on", host, *WORDS, *words, env=env)


def test_a_flipped_byte_is_fetched_once_more_and_then_refused(
    two: dict[str, Serving], hub: Hub
) -> None:
    hub.fault("flip", after=1000, times=2)
    said = deploy(two, hub, "one", code=5)
    assert "the SHA-256" in said, said
    assert not list((two["one"].host.rootfs / "srv/models/store").glob("*q4_k_m-*[0-9a-f]"))
    lock = (two["one"].folder / "magnus.lock").read_text()
    assert REPO in lock
    assert FILE in lock


def test_a_cut_download_goes_on_where_it_was(two: dict[str, Serving], hub: Hub) -> None:
    before = len(hub.asked())
    hub.fault("cut", after=200_000)
    said = deploy(two, hub, "one")
    assert f"{MODEL} r1 serves on one" in said
    firsts = [one["first"] for one in hub.asked()[before:] if one.get("first") is not None]
    assert 0 in firsts
    assert any(first >= 100_000 for first in firsts)


def test_the_lock_pins_the_commit_and_every_file(two: dict[str, Serving], hub: Hub) -> None:
    text = (two["one"].folder / "magnus.lock").read_text()
    assert "revision:" in text
    assert "sha256:" in text
    before = len(hub.asked())
    said = deploy(two, hub, "one")
    assert "no changes" in said
    assert len(hub.asked()) == before


def test_the_next_host_has_them_from_its_peer(two: dict[str, Serving], hub: Hub) -> None:
    before = len(hub.asked())
    said = deploy(two, hub, "two")
    assert "from one, which has them, over lan" in said
    assert f"{MODEL} r1 serves on two" in said
    assert len(hub.asked()) == before
    one = two["one"].host
    assert not list((one.rootfs / "etc/magnus/front").glob("*.lend"))
    store = "srv/models/store"
    (theirs,) = (one.rootfs / store).glob("*")
    (own,) = (two["two"].host.rootfs / store).glob("*")
    assert own.name == theirs.name
    assert (own / FILE).read_bytes() == (theirs / FILE).read_bytes()


def test_without_a_host_the_best_one_is_chosen_and_files_count(
    two: dict[str, Serving], hub: Hub
) -> None:
    env = {"HF_ENDPOINT": hub.url}
    words = [word for word in WORDS if word != "--yes"]
    said = two["one"].ends(0, "deploy-model", MODEL, "--dry-run", *words, env=env)
    assert "one" in said
    assert "two" in said
