"""S6: the values of secrets are in the declared files of the host, root's alone, and nowhere else.

Every provider has a value that nothing else holds. Every command is run, while what processes are
called with and have in their environment is read again and again; then everything that was written
anywhere is searched, in plain and in some codes. sops, 1Password and sudo are SIMULATED.
"""

from __future__ import annotations

import base64
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import vaults as places
from tests.faults.poison import Needles, Watcher, needle, private
from tests.faults.scene import FILES, REFUSED, WRONG, Scene
from tests.faults.site import Simulated, site
from tests.faults.sshd import program
from tests.faults.vaults import vaults
from tests.lab.system import wait_for

pytestmark = [
    pytest.mark.skipif(bool(places.missing()), reason=places.missing() or "-"),
    pytest.mark.skipif(program() is None, reason="sshd is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc"),
    pytest.mark.skipif(os.getuid() != 0, reason="it reads every process"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All that is done with secrets, once."""
    with vaults() as kept, Watcher(kept.needles) as watcher:
        login = f"SetEnv PATH={kept.folder}/login:{os.environ['PATH']}"
        with site(tmp_path_factory.mktemp("secrets"), login) as place:
            made = Scene(place, kept, watcher)
            made.prepare()
            act(made)
            yield made


def act(scene: Scene) -> None:
    """Every command: before, while and after the values change, fail, and are taken back."""
    host = scene.host("kept")
    look(scene, host)
    assert scene.run(host, "provision", "--yes") == 0, scene.last
    scene.change()
    look(scene, host)
    assert scene.run(host, "provision", "--yes", "--json") == 0, scene.last
    ask(scene, host)
    refuse(scene)
    scene.change()
    scene.run(host, "plan", "-o", "/nowhere/plan", MAGNUS_DEBUG="1")
    assert scene.run(host, "provision", "--yes", MAGNUS_DEBUG="1") == 0, scene.last
    assert scene.run(host, "rollback", host.name, "--yes") == 0, scene.last
    assert scene.run(host, "gc", "--keep", "1") == 0, scene.last


def look(scene: Scene, host: Simulated) -> None:
    """What only looks."""
    out = scene.control / "out"
    for words in (
        *(("inventory", "check"), ("inventory", "show"), ("inventory", "show", "--json")),
        *(("render", str(out / "rendered")), ("plan",), ("plan", "--diff"), ("plan", "--script")),
        *(("plan", "--diff", "--json"), ("plan", "-o", str(out / "plan.json"))),
        *(("verify",), ("verify", "--json"), ("probe", "--record", str(out / "recorded"))),
    ):
        # Before it is provisioned, a host fails its checks.
        assert scene.run(host, *words) in ((0, 9) if words[0] == "verify" else (0,)), scene.last


def ask(scene: Scene, host: Simulated) -> None:
    """What is asked about jobs afterwards."""
    for words in (
        *(("jobs",), ("jobs", "--json"), ("history",), ("history", "--json")),
        *(("history", host.name), ("history", host.name, "--json")),
        *(("attach", host.name), ("attach", host.name, "--json"), ("gc", "--dry-run")),
    ):
        assert scene.run(host, *words) == 0, scene.last


def refuse(scene: Scene) -> None:
    """A validator that repeats the line with the value."""
    host = scene.host("refused", WRONG)
    for more in ((), ("--json",)):
        assert scene.run(host, "provision", "--yes", *more) == 5, scene.last
    assert not host.path(REFUSED).exists()
    scene.run(host, "attach", host.name)


def test_s6_the_files_have_the_values(scene: Scene) -> None:
    # Which is why a search of the host must find them; after the rollback those from before.
    host = Simulated("kept", scene.place.server.root("kept"), Path(), {})
    hits = scene.needles.in_files(host.root)
    assert {host.path(path) for path in FILES} <= set(hits)
    assert {host.path(path).stat().st_mode & 0o077 for path in FILES} == {0}


def test_s6_no_output_has_a_value(scene: Scene) -> None:
    assert len(scene.said) > 40
    hits = {called: scene.needles.in_text(said) for called, said in scene.said.items()}
    assert {called: found for called, found in hits.items() if found} == {}
    assert all("Traceback" not in said for called, said in scene.said.items() if "-o" not in called)
    refusals = [said for called, said in scene.said.items() if "no more is said" in said]
    assert len(refusals) == 3, scene.last


def test_s6_no_file_of_the_control_machine_has_a_value(scene: Scene) -> None:
    hosts = scene.control / "hosts"
    found = scene.needles.in_files(scene.control)
    assert {path: names for path, names in found.items() if hosts not in path.parents} == {}


@pytest.mark.parametrize("name", ["kept", "refused"])
def test_s6_no_file_of_a_host_has_a_value_but_those_declared_and_kept(
    scene: Scene, name: str
) -> None:
    root = scene.place.server.root(name)
    state = root / "var/lib/magnus"
    declared = [Path(f"{root}{path}") for path in FILES]
    found = scene.needles.in_files(root)
    assert {p: n for p, n in found.items() if not private(p, [*declared, state / "kept"])} == {}
    assert state.stat().st_mode & 0o777 == 0o700


def test_s6_no_process_was_called_with_a_value_or_had_it_in_its_environment(scene: Scene) -> None:
    assert scene.watcher.looks > 100
    assert scene.watcher.processes > 1000
    assert scene.watcher.hits == set()


@pytest.mark.parametrize("lines", [3, 6, 12])
def test_s6_a_killed_job_leaves_its_files_to_root_alone_until_the_next_one(
    scene: Scene, lines: int
) -> None:
    host = scene.host(f"killed{lines}")
    assert scene.killed(host, lines) == 5
    declared = [host.path(path) for path in FILES]
    found = scene.needles.in_files(host.root)
    assert [path for path in found if path.name == "payload"]
    assert {p: n for p, n in found.items() if not private(p, [*declared, host.state])} == {}
    assert scene.run(host, "provision", "--yes") == 0, scene.last
    after = scene.needles.in_files(host.root)
    assert {p for p in after if not private(p, [*declared, host.state / "kept"])} == set()
    test_s6_no_output_has_a_value(scene)
    test_s6_no_process_was_called_with_a_value_or_had_it_in_its_environment(scene)


def test_s6_a_core_file_has_no_value(scene: Scene) -> None:
    host = scene.host("core")
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        with scene.started(host, ("provision",), terminal=True) as run:
            # A person reads the plan: every value is in memory.
            run.wait_line(r"\[y/N\]", 60)
            os.kill(run.pid, signal.SIGABRT)
            run.wait(30)
            scene.heard("provision, aborted", 134, run.stdout)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    work = scene.control / "work"
    assert list(work.iterdir()) == []


def test_s6_a_core_file_would_be_found(scene: Scene) -> None:
    # The control: a program that has a value in memory and dies likewise.
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() not in ("core", "core.%p"):
        pytest.skip("core files go elsewhere on this machine")
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("core files are forbidden here")
    text = next(iter(scene.texts.values()))
    folder = scene.control / "work"
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        aborts = "import os, sys; held = sys.stdin.read(); os.abort()"
        subprocess.run([sys.executable, "-c", aborts], input=text, text=True, cwd=folder)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    cores = [path for path in folder.iterdir() if scene.needles.in_files(path)]
    for path in folder.iterdir():
        path.unlink()
    assert cores


# ---- the search itself


def test_s6_the_search_finds_what_is_planted_in_every_place(scene: Scene) -> None:
    text = next(iter(scene.texts.values()))
    root = scene.place.server.root("kept")
    state = root / "var/lib/magnus"
    (job, *_) = (state / "jobs").iterdir()
    for folder in (
        *(scene.control / name for name in ("home", "tmp", "work", "out", "out/recorded")),
        *(scene.control / "home/.local/state/magnus", root / "etc", root, state, job),
        *(state / "origin", root / "etc/app"),
    ):
        path = folder / "planted"
        path.write_text(f"first\nkey={text};\n")
        assert path in scene.needles.in_files(folder), folder
        assert not private(path, [state / "kept"])
        path.unlink()


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_s6_the_search_knows_other_ways_of_writing(scene: Scene, before: str) -> None:
    text = next(iter(scene.texts.values()))
    data = f"{before}{text}{before}".encode()
    for coded in (
        *(data, data.hex().encode(), data.hex().upper().encode(), data[::-1]),
        *(base64.b64encode(data), base64.urlsafe_b64encode(data), base64.encodebytes(data)),
        data.decode().encode("utf-16"),
    ):
        assert scene.needles.found(b"..." + coded.replace(b"\n", b"") + b"..."), coded


def test_s6_the_search_finds_names_and_where_links_lead(tmp_path: Path) -> None:
    text = needle()
    (tmp_path / f"x{text}").touch()
    (tmp_path / "link").symlink_to(f"/nowhere/{text}")
    assert len(Needles({"x": text}).in_files(tmp_path)) == 2


@pytest.mark.parametrize("how", ["argv", "environ"])
def test_s6_the_watch_sees_a_process_that_has_one(how: str) -> None:
    text = needle()
    with Watcher(Needles({"x": text})) as watcher:
        wait_for("a first look", lambda: watcher.looks > 2, 30)
        words = ["sh", "-c", "sleep 0.5; :", "sh", *([text] if how == "argv" else [])]
        more = {"KEY": text} if how == "environ" else {}
        subprocess.run(words, env={**os.environ, **more}, check=True, timeout=30)
        time.sleep(0.1)
    assert {kind for kind, _ in watcher.hits} == {how}
