"""The first user's inventory, whole: all roles of all four hosts at once.

rtx3090 and linode are real Debian hosts, with real addresses, packages, units, boots and a real uv;
SIMULATED, and named so, are both Macs, the driver, vLLM and PyTorch.
The tests build on each other.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.debs import offer
from tests.faults.snapshot import Snapshot
from tests.faults.sshd import REPOSITORY
from tests.lab import Host, Lab, standins
from tests.lab import examples as ex
from tests.lab.cluster import cluster
from tests.lab.examples import Example
from tests.lab.lab import NAMES
from tests.lab.shelf import Shelf
from tests.lab.standing import left, standing
from tests.lab.test_roles import listening, shown

pytestmark = pytest.mark.lab
HOSTS = NAMES
KEY = "sk-lab-magnus-1234567890"
VLLM, TORCH = "0.32.0+simulated", "2.15.0+simulated"
MODEL = "srv/models/hf/qwen2.5-14b-instruct-awq"
ALLOW = ("--allow-disruption", "linode:*")


@pytest.fixture(scope="module")
def magnus(hosts: Lab, store: Shelf) -> Example:
    standins.uv(store.folder / "uv.zip", REPOSITORY / ".venv/bin/uv")
    for name in ("wheels", "simple"):
        (store.folder / name).mkdir()
    debs = standins.driver("NVIDIA GeForce RTX 3090")
    offer(hosts.hosts["rtx3090"], *debs)
    four = cluster(hosts)
    example = ex.example(hosts, "magnus", "rtx3090", {}, MAGNUS_VLLM_KEY=KEY)
    locks = example.folder / "templates/locks"
    wheels = store.folder / "wheels"
    (locks / "vllm.txt").write_text(standins.lock(standins.wheel(wheels, VLLM), VLLM))
    (locks / "train.txt").write_text(standins.lock(standins.torch(wheels, TORCH), TORCH))
    example.declare(overlay(json.loads(four.overlay.read_text()), store, [d.name for d in debs]))
    return example


def overlay(four: dict[str, Any], store: Shelf, packages: list[str]) -> dict[str, Any]:
    """The inventory as it is, but for what this machine and a container cannot have."""
    for name in ("rtx3090", "linode"):
        four["hosts"][name].pop("roles")
    four["models"]["primary"] = {"host": "rtx3090"}
    uv = {"uv": store.source("uv.zip"), "python": "/usr/bin/python3"}
    sources = {"links": store.at("wheels/"), "index": store.at("simple/")}
    rtx = {
        "cuda": {
            "repository": "none",
            "driver_packages": packages,
            "toolkit": None,
            "tensorrt": None,
        },
        "storage": {"label": None, "device": "tmpfs", "filesystem": "tmpfs"},
        "inference": {**uv, **sources},
    }
    linode = ex.linode(huge_pages=0, isolated_cpus="1", housekeeping_cpus="0")
    more = ex.merged(ex.of("rtx3090", rtx), linode)
    protected = {"hosts": {"linode": {"protected": True}}}
    return ex.merged(ex.merged(four, more), protected)


@pytest.fixture(scope="module")
def before(magnus: Example) -> dict[str, Snapshot]:
    return {name: standing(magnus.lab.hosts[name]) for name in ("rtx3090", "linode")}


@pytest.mark.covers("storage", "Linux", "applied")
@pytest.mark.covers("training", "Linux", "applied")
@pytest.mark.covers("inference", "Linux", "applied")
@pytest.mark.covers("storage", "macOS", "applied", "SIMULATED")
@pytest.mark.covers("inference", "macOS", "applied", "SIMULATED")
@pytest.mark.covers("base", "macOS", "applied", "SIMULATED")
@pytest.mark.covers("network", "macOS", "applied", "SIMULATED")
def test_the_whole_cluster_is_provisioned_in_one_run(
    magnus: Example, before: dict[str, Snapshot]
) -> None:
    assert before
    with magnus.lab.hosts["rtx3090"].comes_back(600):
        said = magnus.ends(0, "provision", "--yes", *ALLOW)
    assert "rtx3090  boots; waiting for it" in said
    again = magnus.run("provision", "--yes", *ALLOW)
    assert "0 changes: 4 hosts as declared." in again.stdout, again.stdout + again.stderr


def test_the_models_lie_on_a_disk_of_their_own_and_each_service_may_read_its_own(
    magnus: Example,
) -> None:
    host = magnus.lab.hosts["rtx3090"]
    assert host.run("findmnt -n -o FSTYPE,OPTIONS /srv/models").stdout.startswith("tmpfs")
    assert "noatime" in host.run("findmnt -n -o OPTIONS /srv/models").stdout
    assert host.run("stat -c '%a %U %G' /srv/models/hf").stdout == "2750 magnus-llm magnus-models\n"
    for user, code in (("magnus-llm", 0), ("magnus-train", 0), ("nobody", 1)):
        test = f"setpriv --reuid {user} --regid {user} --init-groups ls /srv/models/hf"
        if user == "nobody":
            test = "setpriv --reuid nobody --clear-groups --regid nogroup ls /srv/models/hf"
        assert min(1, host.run(test, check=False).returncode) == code, user


def code(host: Host, key: str = "") -> str:
    """What vLLM answers to a host that has no program to ask with; nothing where it is shut out."""
    request = f"GET /v1/models HTTP/1.0\\r\\nAuthorization: Bearer {key}\\r\\n\\r\\n"
    talk = f"exec 3<>/dev/tcp/10.231.79.1/8000; printf '{request}' >&3; head -n 1 <&3"
    said = host.run(f'timeout 20 bash -c "{talk}"', check=False).stdout.split()
    return said[1] if said else ""


@pytest.mark.covers("training", "Linux", "verified")
@pytest.mark.covers("network", "Linux", "verified")
@pytest.mark.covers("storage", "Linux", "verified")
def test_vllm_serves_its_link_and_nobody_else(magnus: Example) -> None:
    lab = magnus.lab
    host = lab.hosts["rtx3090"]
    host.run(f"mkdir -p /{MODEL}")
    magnus.ends(0, "provision", "--yes", "-l", "rtx3090")
    assert listening(host) == {"10.231.79.1:8000"}
    assert code(lab.hosts["macmini"]) == "401"
    assert code(lab.hosts["macmini"], KEY) == "200"
    # A stranger with an address of that very network does not get through.
    stranger = lab.hosts["m2pro"]
    stranger.run("ip addr add 10.231.79.9/24 dev lan10g; ip link set lan10g up", check=False)
    assert code(stranger, KEY) == ""
    pid = shown(host, "magnus-vllm@primary", "MainPID")["MainPID"]
    assert KEY not in host.run(f"tr '\\0' ' ' </proc/{pid}/cmdline").stdout
    assert KEY not in host.run("systemctl cat 'magnus-vllm@primary'").stdout
    verdicts = magnus.verdicts()
    for name in (
        *("training.pytorch", "storage.room-for-models", "inference.primary-address"),
        *("inference.primary-answers", "inference.primary-key", "cuda.driver", "cuda.card"),
        *("base.firewall", "base.sshd", "network.link-10g", "declared"),
    ):
        assert verdicts[name] == "pass", (name, verdicts)


@pytest.mark.covers("training", "Linux", "removed")
@pytest.mark.covers("network", "Linux", "removed")
@pytest.mark.covers("storage", "Linux", "removed")
def test_every_role_is_taken_away_again(magnus: Example, before: dict[str, Snapshot]) -> None:
    host = magnus.lab.hosts["rtx3090"]
    magnus.ends(0, "deprovision", "rtx3090", "--yes")
    assert listening(host) == set()
    # The mount point was made by systemd, and stays as any of those.
    assert set(left(host, before["rtx3090"])) <= {"/srv/models"}
