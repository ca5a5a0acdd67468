"""Models deployed to a real host: a real llama-server under systemd, nginx before it, and a model
that knows nothing. The tests build on each other."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.lab import Lab, llama
from tests.lab.serving import Serving, of_no_known_kind, serving
from tests.lab.shelf import Shelf
from tests.lab.system import wait_for

pytestmark = pytest.mark.lab
HOSTS = ("server",)
FRONT = 9100
STATE = "var/lib/magnus/models/tiny"


@pytest.fixture(scope="module")
def host(hosts: Lab, store: Shelf) -> Serving:
    try:
        shutil.copyfile(llama.archive(), store.folder / llama.NAME)
    except llama.Unavailable as why:
        pytest.skip(str(why))
    return serving(hosts, store, "server")


def tiny(host: Serving) -> Path:
    return host.folder / "tiny.gguf"


def release(host: Serving) -> str:
    """Which release serves, by the front itself."""
    return str(host.asked(FRONT, "tiny")["release"])


def assert_at_rest(host: Serving, serves: str) -> None:
    """One release runs, it is the one that a boot would start, and nothing is half done."""
    state = host.host.rootfs / STATE
    assert (state / "serving").read_text().strip() == serves.removeprefix("r")
    assert not (state / "switching").exists()
    units = host.host.run("systemctl list-units -q --plain --no-legend 'magnus-release-*'").stdout
    assert [line.split()[0] for line in units.splitlines()] == [
        f"magnus-release-tiny-{serves}.service"
    ]
    wants = host.host.rootfs / "etc/systemd/system/multi-user.target.wants"
    assert [path.name for path in wants.glob("magnus-release-*")] == [
        f"magnus-release-tiny-{serves}.service"
    ]
    assert release(host) == f"tiny {serves}"


def test_a_dry_run_tells_all_and_does_nothing(host: Serving) -> None:
    said = host.ends(0, "deploy-model", str(tiny(host)), "--on", "server", "--dry-run")
    assert "✓ fits on server" in said
    assert "move, from" in said
    assert "+ artifact   /srv/models/store/tiny-f32-" in said
    assert "serving none → r1" in said
    assert not (host.host.rootfs / STATE).exists()
    assert not list((host.host.rootfs / "srv/models").glob("store*"))


def test_a_model_at_hand_is_pushed_and_answers(host: Serving) -> None:
    said = host.deploy(tiny(host), "--context", "1024")
    assert "tiny r1 serves on server" in said
    answer = host.asked(FRONT, "tiny")
    assert answer["usage"]["completion_tokens"] == 8
    assert answer["release"] == "tiny r1"
    assert_at_rest(host, "r1")
    listening = host.host.run("ss -Hltn | awk '{ print $4 }'").stdout.split()
    assert {one for one in listening if not one.endswith(":22")} == {
        f"127.0.0.1:{FRONT}",
        "127.0.0.1:18100",
    }
    gate = (host.host.rootfs / STATE / "r1/gate").read_text()
    assert "decode_tps=" in gate
    assert "resident_bytes=" in gate


def test_the_second_run_has_nothing_to_do(host: Serving) -> None:
    said = host.deploy(tiny(host), "--context", "1024")
    assert "server  no changes" in said
    assert_at_rest(host, "r1")


def test_a_swap_under_load_fails_no_request(host: Serving, tmp_path: Path) -> None:
    asking = host.loaded(FRONT, "tiny", tmp_path / "stop")
    try:
        time.sleep(1)
        said = host.deploy(tiny(host), "--context", "2048")
        assert "tiny r2 serves on server" in said
        time.sleep(1)
    finally:
        (tmp_path / "stop").touch()
        told = json.loads(asking.communicate(timeout=400)[0])
    assert told["failed"] == []
    assert told["answered"] == told["asked"] >= 40
    assert told["releases"] == ["tiny r1", "tiny r2"]
    assert_at_rest(host, "r2")


def test_a_gate_that_fails_leaves_the_old_release_alone(host: Serving, tmp_path: Path) -> None:
    of_no_known_kind(host.folder / "bad/tiny.gguf", tiny(host))
    asking = host.loaded(FRONT, "tiny", tmp_path / "stop")
    try:
        said = host.deploy(host.folder / "bad/tiny.gguf", code=5)
    finally:
        (tmp_path / "stop").touch()
        told = json.loads(asking.communicate(timeout=400)[0])
    assert "cause: unsupported_arch: llamx; r2 serves again" in said
    assert "unknown model architecture: 'llamx'" in said
    assert "Take a newer llama.cpp" in said
    assert told["failed"] == []
    assert told["releases"] == ["tiny r2"]
    assert_at_rest(host, "r2")


def test_in_its_place_the_old_one_is_back_within_ten_seconds(host: Serving, tmp_path: Path) -> None:
    before = time.monotonic()
    asking = host.loaded(FRONT, "tiny", tmp_path / "stop")
    try:
        host.deploy(host.folder / "bad/tiny.gguf", "--instead", code=5)
    finally:
        (tmp_path / "stop").touch()
        told = json.loads(asking.communicate(timeout=400)[0])
    assert_at_rest(host, "r2")
    # Clients are told that nobody serves, and never meet an engine that ends.
    assert told["failed"]
    assert {why for why in told["failed"] if "HTTP Error 503" not in why} == set()
    said = (host.host.rootfs / STATE / "r3/said").read_text()
    outage = int(said.partition("outage ")[2].split()[0])
    assert outage <= 10
    assert time.monotonic() - before < 240


def test_a_rollback_by_name_moves_no_byte(host: Serving) -> None:
    store = host.host.rootfs / "srv/models/store"
    before = sorted(path.name for path in store.iterdir())
    said = host.ends(0, "rollback", "--model", "tiny", "--yes")
    assert "serving r2 → r1" in said
    assert "tiny r1 serves on server, up in" in said
    assert sorted(path.name for path in store.iterdir()) == before
    assert_at_rest(host, "r1")
    said = host.ends(0, "rollback", "--model", "tiny", "r2", "--yes")
    assert_at_rest(host, "r2")


def test_a_switch_back_that_fails_is_told_with_its_cause_as_a_deployment_is(host: Serving) -> None:
    said = host.ends(5, "models", "switch", "tiny", "r3", "--yes")
    assert "cause: unsupported_arch: llamx; r2 serves again" in said
    assert "unknown model architecture: 'llamx'" in said
    assert_at_rest(host, "r2")


def test_models_and_history_tell_what_was_measured(host: Serving) -> None:
    (one,) = host.models()
    assert (one["model"], one["release"], one["running"]) == ("tiny", "r2", True)
    assert one["decode_tps"] > 1
    said = host.ends(0, "history", "--model", "tiny")
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["r3", "r2", "r1"]
    assert "1024 → 2048" in host.ends(0, "models", "diff", "tiny", "r1", "r2")
    assert "llama-server" in host.ends(0, "logs", "tiny", "-n", "5")


def test_fit_asks_the_host_only_when_it_is_told_to(host: Serving) -> None:
    declared = json.loads(host.ends(0, "fit", str(tiny(host)), "--on", "server", "--json"))
    live = json.loads(host.ends(0, "fit", str(tiny(host)), "--on", "server", "--live", "--json"))
    assert (declared["fits"], live["fits"]) == (True, True)
    assert declared["usable_bytes"] != live["usable_bytes"]


def test_a_flag_that_the_engine_does_not_know_is_refused_before_anything(host: Serving) -> None:
    said = host.deploy(tiny(host), "--engine-arg=--no-such-flag", code=2)
    assert "llamacpp has no option --no-such-flag" in said
    assert_at_rest(host, "r2")


def test_a_stopped_model_stays_stopped_and_comes_back(host: Serving) -> None:
    host.ends(0, "models", "stop", "tiny", "--yes")
    code = host.host.run(
        f"curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{FRONT}/v1/models"
    ).stdout
    assert code == "503"
    host.ends(0, "models", "start", "tiny", "--yes")
    assert_at_rest(host, "r2")


def test_after_a_way_back_and_a_stop_the_one_that_was_gone_back_to_starts(host: Serving) -> None:
    host.ends(0, "rollback", "--model", "tiny", "--yes")
    host.ends(0, "models", "stop", "tiny", "--yes")
    assert "tiny r1 serves on server" in host.ends(0, "models", "start", "tiny", "--yes")
    assert_at_rest(host, "r1")
    host.ends(0, "models", "switch", "tiny", "r2", "--yes")
    assert_at_rest(host, "r2")


def test_after_a_boot_the_model_answers_again(host: Serving) -> None:
    host.host.reboot()

    def answers() -> bool:
        found = host.host.run(
            f"curl -sf -m 2 http://127.0.0.1:{FRONT}/v1/models", check=False
        ).stdout
        return '"tiny"' in found

    wait_for("the model after a boot", answers, 60)
    assert_at_rest(host, "r2")


PHASES = ("start", "gate", "flip", "drain")
SLOW = {
    "start": "ExecStartPre=/bin/sleep 10",
    # An engine that is there and says nothing.
    "gate": "ExecStartPost=/bin/kill -STOP $MAINPID",
    "flip": "ExecReload=/bin/sleep 10",
    "drain": "ExecStop=/bin/sleep 10",
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_switch_that_is_killed_is_brought_to_its_end(host: Serving, phase: str) -> None:
    """Each phase is made slow here, so that it can be met; then all of the job is killed."""
    before = release(host).split()[1]
    context = {"start": "512", "gate": "640", "flip": "768", "drain": "896"}[phase]
    number = max(int(path.name[1:]) for path in (host.host.rootfs / STATE).glob("r*")) + 1
    unit = f"magnus-release-tiny-r{number}.service"
    slow = {"flip": "magnus-front.service", "drain": f"magnus-release-tiny-{before}.service"}
    drop_in(host, slow.get(phase, unit), SLOW[phase])
    client = host.start(
        "deploy-model", str(tiny(host)), "--on", "server", "--yes", "--context", context
    )
    switching = host.host.rootfs / STATE / "switching"

    def reached() -> bool:
        assert client.poll() is None, client.communicate()[0]
        return switching.exists() and switching.read_text().strip() == f"{number}:{phase}"

    wait_for(f"phase {phase}", reached, 60)
    host.host.run("pkill -KILL -f 'magnus/jobs/.*/job'", check=False)
    client.communicate(timeout=60)
    host.host.run("rm -rf /run/systemd/system/*.d; systemctl daemon-reload")
    host.host.run(f"systemctl kill -s CONT {unit}", check=False)
    assert switching.exists()
    assert release(host).split()[1] in (before, f"r{number}")
    host.ends(0, "deploy-model", "tiny", "--resume", "--yes")
    assert_at_rest(host, f"r{number}")


def drop_in(host: Serving, unit: str, line: str) -> None:
    """One more line for a unit, until the next boot."""
    folder = f"/run/systemd/system/{unit}.d"
    text = f"[Service]\\n{line}\\n"
    host.host.run(
        f"mkdir -p {folder} && printf '{text}' >{folder}/slow.conf && systemctl daemon-reload"
    )


def test_old_releases_go_and_what_serves_stays(host: Serving) -> None:
    serves = release(host).split()[1]
    said = host.ends(0, "models", "gc", "--keep", "0", "--yes")
    assert "things" in said
    kept = sorted(path.name for path in (host.host.rootfs / STATE).glob("r*"))
    assert kept == [serves]
    assert len(list((host.host.rootfs / "srv/models/store").iterdir())) == 1
    assert_at_rest(host, serves)
    assert "nothing to take away" in host.ends(0, "models", "gc", "--keep", "0", "--yes")


def test_a_port_that_another_program_has_is_told(host: Serving) -> None:
    serves = release(host).split()[1]
    pid = host.host.run(
        "python3 -m http.server 9155 --bind 127.0.0.1 >/dev/null 2>&1 & echo $!"
    ).stdout.strip()
    try:
        said = host.deploy(tiny(host), "--port", "9155", code=3)
    finally:
        host.host.run(f"kill {pid}", check=False)
    assert "port 9155 is taken there" in said
    assert (host.host.rootfs / STATE / "serving").read_text().strip() == serves[1:]


def test_deprovision_leaves_nothing_that_serves(host: Serving) -> None:
    said = host.ends(0, "deprovision", "server", "--yes")
    assert "✓" in said
    found = host.host.run(
        "systemctl list-unit-files --no-legend 'magnus-release-*' 'magnus-front*' | cut -d' ' -f1"
    ).stdout
    assert found == ""
    listening = host.host.run("ss -Hltn | awk '{ print $4 }'").stdout.split()
    assert [one for one in listening if not one.endswith(":22")] == []
    assert not (host.host.rootfs / "etc/magnus").exists()
    assert not list((host.host.rootfs / "srv/models").glob("store/*"))
