"""Releases of a model in a SIMULATED Ollama on a real host: names, front, gate and the way back.

What is real: the plan, the job, its shell, systemd, nginx. No Ollama can be had here.
"""

from __future__ import annotations

import json

import pytest

from tests.lab import Lab, standins
from tests.lab import examples as ex
from tests.lab.serving import Serving, inventory
from tests.lab.shelf import Shelf

pytestmark = pytest.mark.lab
HOSTS = ("server",)
FRONT = 9100
STATE = "var/lib/magnus/models/fast"


@pytest.fixture(scope="module")
def host(hosts: Lab, store: Shelf) -> Serving:
    ex.with_ollama(store)
    standins.ollama_that_speaks(store.folder / ex.OLLAMA)
    made = Serving(hosts, hosts.hosts["server"], hosts.workdir / "serving")
    made.folder.mkdir()
    (store.folder / "llama-server.tar.gz").touch()
    whole = inventory(hosts, made.host, store)
    spec = whole["hosts"]["server"]
    spec["engine"] = "ollama"
    spec["variables"]["inference"]["ollama"] = {"archive": store.source(ex.OLLAMA)}
    whole["models"] = {"fast": {"host": "server", "model": "llama3.2:3b", "memory": "4GiB"}}
    (made.folder / "magnus.yaml").write_text(json.dumps(whole, indent=1))
    made.host.run("apt-get install -y python3 >/dev/null 2>&1")
    made.ends(0, "provision", "--yes")
    return made


def said(host: Serving) -> tuple[str, str]:
    """What a client is told under the model's own name, and which release says it."""
    answer = host.asked(FRONT, "fast")
    return answer["choices"][0]["text"], answer["release"]


def test_a_tag_is_pulled_and_becomes_a_release(host: Serving) -> None:
    told = host.deploy("fast", "--context", "4096")
    assert "ollama pulls llama3.2:3b" in told
    assert "fast r1 serves on server" in told
    assert said(host) == ("FROM llama3.2:3b\nPARAMETER num_ctx 4096\n", "fast r1")
    assert "no changes" in host.deploy("fast", "--context", "4096")


def test_another_context_is_another_release_under_the_same_name(host: Serving) -> None:
    assert "fast r2 serves on server" in host.deploy("fast", "--context", "8192")
    assert said(host) == ("FROM llama3.2:3b\nPARAMETER num_ctx 8192\n", "fast r2")


def test_the_way_back_pulls_nothing(host: Serving) -> None:
    told = host.ends(0, "rollback", "--model", "fast", "--yes")
    assert "pulls" not in told
    assert said(host)[1] == "fast r1"
    assert "num_ctx 4096" in said(host)[0]


def test_a_model_that_is_not_in_memory_fails_its_gate(host: Serving) -> None:
    host.host.run("echo 1000000 >/run/ollama-simulated-size")
    told = host.deploy("fast", "--context", "2048", code=5)
    host.host.run("rm /run/ollama-simulated-size")
    assert "failed at its gate (memory)" in told
    assert said(host)[1] == "fast r1"
    assert (host.host.rootfs / STATE / "serving").read_text() == "1\n"


def test_who_uses_a_model_cannot_delete_another(host: Serving) -> None:
    for verb, code in (("delete", "403"), ("pull", "403"), ("version", "200")):
        url = f"http://127.0.0.1:{FRONT}/api/{verb}"
        answer = host.host.run(f"curl -s -o /dev/null -w '%{{http_code}}' {url}")
        assert answer.stdout == code, verb


def test_a_stopped_model_has_no_name_of_its_own(host: Serving) -> None:
    host.ends(0, "models", "stop", "fast", "--yes")
    listed = host.host.run("curl -s http://127.0.0.1:11434/v1/models").stdout
    names = {one["id"] for one in json.loads(listed)["data"]}
    assert "fast:latest" not in names
    assert "fast:r1" in names
