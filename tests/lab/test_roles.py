"""The roles that serve, on real hosts: applied, verified, booted and taken away again.

Real are systemd, apt, uv, the firewall and llama-server with a model that knows nothing; SIMULATED,
and named so, are Ollama and vLLM: tests/lab/standins.py. The tests build on each other.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.faults.snapshot import Snapshot
from tests.faults.sshd import REPOSITORY
from tests.lab import Host, Lab, llama, standins, tinymodel
from tests.lab import examples as ex
from tests.lab.examples import Example
from tests.lab.shelf import Shelf
from tests.lab.standing import left, standing
from tests.lab.system import wait_for

pytestmark = pytest.mark.lab
HOSTS = ("mixtral", "bigram")
LLAMA_KEY, VLLM_KEY = "sk-lab-0123456789", "sk-lab-9876543210"
LLAMA_UNIT, VLLM_UNIT = "magnus-llamacpp-mixtral", "magnus-vllm@fast"
LLAMA, VLLM = "http://127.0.0.1:9931", "http://127.0.0.1:8000"
GGUF = "srv/models/gguf/mixtral-8x7b-instruct-v0.1.Q4_K_M.gguf"
FOLDER = "srv/models/hf/qwen2.5-7b-instruct"
ENVIRONMENT = "opt/magnus/venvs/vllm"
VERSION = "0.32.0+simulated"
CUT = 5_000_000


def asked(host: Host, url: str, key: str = "", data: str = "") -> tuple[int, str]:
    """What a server on the host itself answers: the code, and the text."""
    words = [f"-H 'Authorization: Bearer {key}'"] * bool(key) + [f"-d '{data}'"] * bool(data)
    answer = host.run(f"curl -s -m 30 -w '\\n%{{http_code}}' {' '.join(words)} {url}", check=False)
    text, _, code = answer.stdout.rpartition("\n")
    return int(code), text


def listening(host: Host) -> set[str]:
    """Every address with a port that somebody can knock at, but for sshd's."""
    found = host.run("ss -Hltn | awk '{ print $4 }'").stdout.split()
    return {one for one in found if not one.endswith(":22")}


def shown(host: Host, unit: str, *names: str) -> dict[str, str]:
    """Some properties of a unit."""
    words = " ".join(f"-p {name}" for name in names)
    lines = host.run(f"systemctl show {words} -- {unit}").stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def mixtral(hosts: Lab, store: Shelf) -> Example:
    try:
        shutil.copyfile(llama.archive(), store.folder / llama.NAME)
    except llama.Unavailable as why:
        pytest.skip(str(why))
    overlay = ex.mixtral(store)
    return ex.example(hosts, "mixtral-cpu", "mixtral", overlay, MAGNUS_LLAMA_KEY=LLAMA_KEY)


@pytest.fixture(scope="module")
def before_mixtral(mixtral: Example) -> Snapshot:
    return standing(mixtral.host)


def test_an_archive_that_is_not_what_was_declared_is_not_unpacked(
    mixtral: Example, store: Shelf, before_mixtral: Snapshot
) -> None:
    assert before_mixtral
    wrong = {"sha256": "0" * 64}
    of_wrong = ex.of("mixtral", {"inference": {"llamacpp": {"archive": wrong}}})
    mixtral.declare(ex.merged(ex.mixtral(store), of_wrong))
    said = mixtral.ends(5, "provision", "--yes")
    assert f"has the SHA-256 {store.digest(llama.NAME)}, and {'0' * 64} is declared" in said
    assert not list((mixtral.host.rootfs / "opt/magnus").glob("llama.cpp*"))
    assert not list((mixtral.host.rootfs / "var/lib/magnus/downloads").iterdir())


def test_a_download_that_was_cut_is_gone_on_with(mixtral: Example, store: Shelf) -> None:
    mixtral.declare(ex.mixtral(store))
    store.cut(llama.NAME, CUT)
    said = mixtral.ends(5, "provision", "--yes")
    assert "What has come so far is kept" in said
    assert not list((mixtral.host.rootfs / "opt/magnus").glob("llama.cpp*"))
    mixtral.provision()
    assert store.asked()[-2:] == [f"/{llama.NAME} 0", f"/{llama.NAME} {CUT}"]
    assert (mixtral.host.rootfs / "opt/magnus/llama.cpp/llama-server").exists()
    assert not list((mixtral.host.rootfs / "var/lib/magnus/downloads").iterdir())


@pytest.mark.covers("storage", "Linux", "applied")
def test_a_server_waits_for_its_model(mixtral: Example) -> None:
    host = mixtral.host
    assert host.run(f"systemctl is-enabled {LLAMA_UNIT}").stdout == "enabled\n"
    assert shown(host, LLAMA_UNIT, "ActiveState") == {"ActiveState": "inactive"}
    assert mixtral.changes() == []
    found = " ".join(mixtral.run("verify").stdout.split())
    assert f"○ service {LLAMA_UNIT} waits for /{GGUF}" in found


@pytest.mark.covers("inference", "Linux", "applied")
def test_llama_server_serves_once_its_model_is_there(mixtral: Example) -> None:
    host = mixtral.host
    tinymodel.write(host.rootfs / GGUF)
    assert mixtral.changes() == [f"~ service:{LLAMA_UNIT}"]
    mixtral.provision()
    assert mixtral.changes() == []
    assert_answers(host)


def assert_answers(host: Host) -> None:
    """It answers whoever has the key, on loopback alone, and is nobody that may do much."""
    assert asked(host, f"{LLAMA}/health")[0] == 200
    wanted = json.dumps({"prompt": "hello", "max_tokens": 8})
    assert asked(host, f"{LLAMA}/v1/completions", data=wanted)[0] == 401
    code, text = asked(host, f"{LLAMA}/v1/completions", LLAMA_KEY, wanted)
    assert code == 200, text
    assert json.loads(text)["usage"]["completion_tokens"] == 8
    assert json.loads(asked(host, f"{LLAMA}/v1/models", LLAMA_KEY)[1])["data"][0]["id"] == "mixtral"
    assert listening(host) == {"127.0.0.1:9931"}
    pid = shown(host, LLAMA_UNIT, "MainPID")["MainPID"]
    assert host.run(f"ps -o user= -p {pid}").stdout.strip() == "magnus-llm"
    assert LLAMA_KEY not in host.run(f"tr '\\0' ' ' </proc/{pid}/cmdline").stdout


def test_every_option_of_the_unit_is_one_that_llama_server_knows(mixtral: Example) -> None:
    host = mixtral.host
    unit = host.run(f"systemctl cat {LLAMA_UNIT}").stdout
    start = unit.partition("ExecStart=")[2].partition("\n#")[0]
    used = set(re.findall(r" (--[a-z-]+)", start))
    known = set(re.findall(r"--[a-z-]+", host.run("/opt/magnus/llama.cpp/llama-server -h").stdout))
    assert len(used) > 10
    assert used - known == set()


@pytest.mark.covers("inference", "Linux", "verified")
@pytest.mark.covers("storage", "Linux", "verified")
def test_verify_proves_the_server_after_a_boot(mixtral: Example) -> None:
    mixtral.host.reboot()
    health = f"curl -sf -m 5 {LLAMA}/health"
    wait_for("health", lambda: mixtral.host.run(health, check=False).returncode == 0, 60)
    verdicts = mixtral.verdicts()
    names = ("address", "answers", "key")
    assert {verdicts[f"inference.mixtral-{name}"] for name in names} == {"pass"}
    assert verdicts["inference.secret-files"] == "pass"
    assert verdicts["storage.room-for-models"] in ("pass", "warn", "fail")
    assert_answers(mixtral.host)
    assert mixtral.changes() == []


SPEECH = ("decode", "first-token", "inter-token", "prefill", "end-to-end", "total-at-4")


@pytest.mark.covers("inference", "Linux", "verified")
def test_a_real_engine_speaks_through_ssh_and_its_speed_is_told(mixtral: Example) -> None:
    """It listens on loopback, wants its key, and counts its tokens itself."""
    answer = mixtral.run("verify", "--json", "--save", "before")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    found = {line["check"]: line for line in lines if line["type"] == "check"}
    assert found["tokens.mixtral.speaks"]["measured"] == "5 answers of 64 tokens"
    for what in SPEECH:
        result = found[f"tokens.mixtral.{what}"]
        assert result["verdict"] == "pass", result
        assert result["measure"]["value"] > 0
    # llama-server times itself: (n - 1) tokens in predicted_ms.
    wanted = json.dumps({"prompt": "hello " * 90, "max_tokens": 64, "ignore_eos": True})
    told = [
        json.loads(asked(mixtral.host, f"{LLAMA}/v1/completions", LLAMA_KEY, wanted)[1])
        for _ in range(8)
    ]
    fastest = max(one["timings"]["predicted_per_second"] for one in told)
    assert found["tokens.mixtral.decode"]["measure"]["value"] < 2 * fastest
    assert (mixtral.folder / "baselines" / "before.json").exists()
    assert LLAMA_KEY not in answer.stdout + answer.stderr


def test_a_server_that_is_gone_or_has_another_key_does_not_speak(mixtral: Example) -> None:
    host = mixtral.host
    host.run(f"systemctl stop {LLAMA_UNIT}")
    answer = mixtral.run("verify", "--no-load")
    assert "✗ tokens.mixtral.speaks" in answer.stdout
    assert "nothing answers on 127.0.0.1:9931 there" in answer.stdout
    host.run(f"sed -i.was s/^./X/ /etc/magnus/llamacpp/api-key; systemctl start {LLAMA_UNIT}")
    answer = mixtral.run("verify", "--no-load")
    assert "401: it does not take the key that the inventory names" in answer.stdout
    host.run("mv /etc/magnus/llamacpp/api-key.was /etc/magnus/llamacpp/api-key")
    host.run(f"systemctl restart {LLAMA_UNIT}")
    assert "✗ tokens" not in mixtral.run("verify", "--no-load").stdout


@pytest.mark.covers("inference", "Linux", "removed")
@pytest.mark.covers("storage", "Linux", "removed")
def test_a_server_that_runs_goes_with_all_that_was_made_for_it(
    mixtral: Example, before_mixtral: Snapshot
) -> None:
    (mixtral.host.rootfs / GGUF).unlink()
    said = mixtral.ends(0, "deprovision", "mixtral", "--yes")
    assert "settings are as before the first run" in said
    assert listening(mixtral.host) == set()
    assert left(mixtral.host, before_mixtral) == {}


@pytest.fixture(scope="module")
def bigram(hosts: Lab, store: Shelf) -> Example:
    ex.with_ollama(store)
    standins.uv(store.folder / "uv.zip", REPOSITORY / ".venv/bin/uv")
    for name in ("wheels", "simple"):
        (store.folder / name).mkdir()
    overlay = ex.bigram(store, {})
    return ex.example(hosts, "bigram-server", "bigram", overlay, MAGNUS_VLLM_KEY=VLLM_KEY)


@pytest.fixture(scope="module")
def before_bigram(bigram: Example) -> Snapshot:
    return standing(bigram.host)


def locked(bigram: Example, store: Shelf, lock: str) -> None:
    """Declare an environment by a lock, of wheels from the shelf."""
    (bigram.folder / "templates/locks/standin.txt").write_text(lock)
    sources = {"links": store.at("wheels/"), "index": store.at("simple/")}
    uv = {"uv": store.source("uv.zip"), "python": "/usr/bin/python3"}
    bigram.declare(ex.bigram(store, {"lock": "standin.txt"}, **uv, **sources))


def test_two_engines_stand_beside_each_other_and_one_waits(
    bigram: Example, before_bigram: Snapshot
) -> None:
    assert before_bigram
    bigram.provision()
    assert bigram.changes() == []
    assert "simulated" in asked(bigram.host, "http://127.0.0.1:11434/api/version")[1]
    assert listening(bigram.host) == {"127.0.0.1:11434"}
    said = " ".join(bigram.run("verify").stdout.split())
    assert f"service {VLLM_UNIT} waits for /{FOLDER}" in said


def test_an_environment_is_made_from_its_lock_and_vllm_starts(
    bigram: Example, store: Shelf
) -> None:
    host = bigram.host
    locked(bigram, store, standins.lock(standins.wheel(store.folder / "wheels", VERSION), VERSION))
    bigram.provision()
    (host.rootfs / FOLDER).mkdir()
    assert bigram.changes() == [f"~ service:{VLLM_UNIT}"]
    bigram.provision()
    assert bigram.changes() == []
    assert asked(host, f"{VLLM}/v1/models")[0] == 401
    code, text = asked(host, f"{VLLM}/v1/models", VLLM_KEY)
    assert (code, json.loads(text)["version"]) == (200, VERSION)
    limits = shown(host, VLLM_UNIT, "CPUAffinity", "MemoryMax", "User")
    assert limits == {"CPUAffinity": "1", "MemoryMax": str(56 * 1024**3), "User": "magnus-llm"}
    assert host.run("stat -c '%a %U' /etc/magnus/vllm/fast.env").stdout == "600 root\n"
    verdicts = bigram.verdicts()
    assert verdicts["inference.fast-key"] == verdicts["inference.secret-files"] == "pass"


def test_a_wheel_that_the_lock_does_not_know_is_refused_and_the_old_environment_stays(
    bigram: Example, store: Shelf
) -> None:
    link = bigram.host.rootfs / ENVIRONMENT
    was, newer = link.readlink(), "0.33.0+simulated"
    made = standins.wheel(store.folder / "wheels", newer)
    lock = standins.lock(made, newer)
    made.write_bytes(made.read_bytes() + b"\0")
    locked(bigram, store, lock)
    said = bigram.ends(5, "provision", "--yes")
    assert "ash mismatch" in said
    assert link.readlink() == was
    assert sorted(path.name for path in link.parent.iterdir()) == ["vllm", str(was)]
    assert asked(bigram.host, f"{VLLM}/health")[0] == 200


def test_two_engines_go_as_they_came(bigram: Example, before_bigram: Snapshot) -> None:
    (bigram.host.rootfs / FOLDER).rmdir()
    bigram.ends(0, "deprovision", "bigram", "--yes")
    assert listening(bigram.host) == set()
    assert left(bigram.host, before_bigram) == {}
