"""The files of a model: fetched by the host from a simulated hub, proved, and only then there."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest

from magnusctl import undo
from magnusctl.resources.artifact import Artifact
from magnusctl.state import ABSENT
from tests.faults import smallfs
from tests.lab.hub import Hub, hub
from tests.lab.hubfiles import Asked
from tests.shells.hosts import Host, mode
from tests.shells.models import BIG, FILES, MIB, PATH, STORE, bodies, fault, held, model, said
from tests.shells.running import wait_for
from tests.shells.shells import FEWER
from tests.shells.together import under

CURL = shutil.which("curl")
POINTS = 10
pytestmark = [
    pytest.mark.shells,
    pytest.mark.skipif(not CURL, reason="curl is not installed"),
]


@pytest.fixture
def server() -> Iterator[Hub]:
    """A simulated hub on loopback; nothing else is asked."""
    with hub() as found:
        yield found


@under()
def test_a_model_is_fetched_proved_and_told_by_its_digest(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    job = host.provision(wanted)
    assert job.ok, job.output
    assert held(host) == FILES
    marker = host.path(f"{PATH}/.magnus-artifact")
    assert marker.read_bytes() == wanted.manifest
    assert host.observe([wanted])[wanted.id].answer == wanted.digest
    assert not host.plan(wanted)
    assert {mode(one) for one in host.path(PATH).rglob("*") if one.is_file()} == {"0644"}
    assert [one.name for one in host.path(STORE).iterdir()] == ["tiny-1"]


@under()
def test_a_cut_is_gone_on_with(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    fault(server, host, "cut", after=MIB)
    fault(server, host, "cut", after=2 * MIB + 5)
    job = host.provision(wanted)
    assert job.ok, job.output
    assert bodies(server, host) == [0, MIB, 2 * MIB + 5]
    notes = [" ".join(e.arguments) for e in job.events if e.word == "note"]
    assert f"going on from byte {MIB} of {3 * MIB}" in notes[0]


@under(FEWER)
def test_a_wrong_byte_has_that_file_fetched_once_more(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    fault(server, host, "flip", after=MIB)
    assert host.provision(wanted).ok
    assert bodies(server, host) == [0, 0]
    assert bodies(server, host, "config.json") == [0]
    assert held(host) == FILES


@under(FEWER)
def test_a_file_that_is_wrong_twice_is_never_used(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    fault(server, host, "flip", after=7, times=2)
    job = host.provision(wanted)
    assert job.first == {wanted.id: "failed"}
    flipped = bytearray(FILES[BIG])
    flipped[7] ^= 1
    assert f"{BIG} has the SHA-256 {sha256(flipped).hexdigest()}, and " in said(job, wanted)
    assert f"{sha256(FILES[BIG]).hexdigest()} is declared: it came wrong twice" in said(job, wanted)
    assert not host.path(PATH).exists()
    # What was right is kept, and all is well once the server is.
    assert host.provision(wanted).ok
    assert bodies(server, host, "config.json") == [0]


@under(FEWER)
def test_a_file_that_is_gone_is_told_and_not_asked_for_again(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    name = next(name for name in server.repositories if host.shell.name in name)
    url = server.at(name, "gone")
    wanted = replace(wanted, files=(replace(wanted.files[0], url=url), *wanted.files[1:]))
    job = host.provision(wanted)
    assert f"{url} is not there: it answers 404" in said(job, wanted)
    assert sum(url.endswith(line.split("/resolve/")[-1]) for line in server.requests) >= 1
    assert not host.path(PATH).exists()


@under(FEWER)
def test_a_token_opens_a_gate_and_is_in_nobodys_arguments(host: Host, server: Hub) -> None:
    files = {"config.json": b"{}", BIG: FILES[BIG]}
    wanted = model(server, host, files, gated="hf_secretsecret")
    job = host.provision(wanted)
    assert "gated: " in said(job, wanted)
    assert "answers 401: ask for access at the hub with an account" in said(job, wanted)
    wanted = replace(wanted, token="/etc/hub-token")
    host.write("/etc/hub-token", "hf_other\n", 0o600)
    assert "answers 403" in said(host.provision(wanted), wanted)
    host.write("/etc/hub-token", "hf_secretsecret", 0o600)
    host.standin("curl", f'printf "%s\\n" "$@" >>"$MAGNUS_ROOT/argv"; exec {CURL} "$@"')
    job = host.provision(wanted)
    assert job.ok, job.output
    assert "-K\nfiles/token\n" in host.path("/argv").read_text()
    told = [one for one in host.root.rglob("*") if one.is_file() and one.name != "hub-token"]
    assert not [one for one in told if b"hf_secret" in one.read_bytes()]


@under(FEWER)
def test_a_server_that_is_busy_or_silent_is_asked_again(host: Host, server: Hub) -> None:
    wanted = model(server, host, stall_s=4)
    fault(server, host, "refuse")
    fault(server, host, "stall", after=MIB)
    job = host.provision(wanted)
    assert job.ok, job.output
    first, second = bodies(server, host)
    # What curl had not written yet when it was ended comes again.
    assert (first, MIB - second in range(1 << 16)) == (0, True)
    notes = [" ".join(e.arguments) for e in job.events if e.word == "note"]
    assert "it answers 503" in notes[0]
    assert "nothing came for 4 s" in notes[1]
    moved = [e.arguments for e in job.events if e.word == "moved"]
    assert moved
    assert {total for _, _, total in moved} == {str(wanted.size)}


@under(FEWER)
def test_a_server_that_stays_busy_is_given_up(host: Host, server: Hub) -> None:
    # Only the pauses before a new try: the watch naps two seconds at a time.
    host.standin("sleep", f'case $1 in 1 | 3 | 4) ;; *) exec {shutil.which("sleep")} "$@" ;; esac')
    wanted = model(server, host)
    fault(server, host, "refuse", times=5)
    job = host.provision(wanted)
    assert "it answers 503; 5 tries" in said(job, wanted)


@pytest.mark.skipif(bool(smallfs.missing()), reason=smallfs.missing() or "-")
@under(FEWER[:1])
def test_a_disk_that_is_too_small_is_told_before_a_byte_moves(host: Host, server: Hub) -> None:
    wanted = model(server, host)
    with smallfs.small(host.path(STORE), 8 * 1024, "tmpfs"):
        job = host.provision(replace(wanted, keep_free=6 * MIB))
        assert "disk full: 9.0 MiB are needed (6.0 MiB of it to stay free) on" in said(job, wanted)
        assert "8.0 MiB are free: 'magnusctl models gc' would" in said(job, wanted)
        assert not bodies(server, host, "config.json")
        assert not list(host.path(STORE).iterdir())
        assert host.provision(replace(wanted, keep_free=4 * MIB)).ok


@pytest.mark.skipif(bool(smallfs.missing()), reason=smallfs.missing() or "-")
@under(FEWER[:1])
def test_a_disk_that_fills_on_the_way_is_told_and_what_came_is_kept(
    host: Host, server: Hub
) -> None:
    wanted = model(server, host)
    with smallfs.small(host.path(STORE), 8 * 1024, "tmpfs") as disk:
        server.rate = MIB / 2
        running = host.start(host.plan(wanted), wanted)
        part = host.path(f"{PATH}.magnus.part/{BIG}")
        wait_for("some bytes", lambda: part.exists() and part.stat().st_size)
        disk.fill()
        job = host.end(running)
        assert "disk full: 0.0 MiB are free" in said(job, wanted)
        assert not host.path(PATH).exists()
        disk.free()
        assert host.provision(wanted).ok
        assert bodies(server, host)[1] > 0


@under(FEWER)
def test_what_another_model_of_the_store_has_is_linked(host: Host, server: Hub) -> None:
    assert host.provision(model(server, host)).ok
    files = {"renamed.safetensors": FILES[BIG], "config.json": b"{}"}
    other = model(server, host, files, path=f"{STORE}/tiny-2")
    assert host.provision(other).ok
    assert not bodies(server, host, "renamed.safetensors")
    one, two = host.path(f"{PATH}/{BIG}"), host.path(f"{STORE}/tiny-2/renamed.safetensors")
    assert one.stat().st_ino == two.stat().st_ino
    # What became of it there since is noticed here.
    one.write_bytes(b"x" * len(FILES[BIG]))
    third = model(server, host, {"third": FILES[BIG]}, path=f"{STORE}/tiny-3")
    assert host.provision(third).ok
    assert bodies(server, host, "third") == [0]
    assert held(host, f"{STORE}/tiny-3") == {"third": FILES[BIG]}


@under(FEWER)
def test_a_fetch_that_is_killed_again_and_again_moves_no_byte_twice(
    host: Host, server: Hub
) -> None:
    files = {f"part-{n}": random.Random(n).randbytes(2 * MIB) for n in range(3)}
    wanted = model(server, host, files)
    server.rate = MIB / 2
    part = host.path(f"{PATH}.magnus.part")

    def asked() -> list[Asked]:
        return [one for one in server.asked if f"/{host.shell.name}." in one.repository]

    def sizes() -> dict[str, int]:
        return {path.name: path.stat().st_size for path in part.glob("part-*")}

    for point in range(POINTS):
        before, known = sizes(), len(asked())
        # On a slow machine more comes between two kills; some must be left for them all.
        if sum(before.values()) > wanted.size / 2:
            assert point > 2
            break
        running = host.start(host.plan(wanted), wanted)
        wait_for("a new request", lambda known=known: len(asked()) > known)  # type: ignore[misc]
        at, more = sum(sizes().values()), point * 4096
        wait_for("bytes", lambda at=at, more=more: sum(sizes().values()) > at + more)  # type: ignore[misc]
        running.kill("step")
        assert host.end(running).first == {wanted.id: "failed"}
        assert not host.path(PATH).exists()
        assert all(one.first >= before.get(one.path, 0) for one in asked()[known:])
    # What a dead job began does not go on for ever.
    wait_for("its end", lambda: not host.path(f"{PATH}.magnus.pid").exists())
    before, known = sizes(), len(asked())
    assert host.provision(wanted).ok
    assert held(host) == files
    assert sum(one.length for one in asked()[known:]) == wanted.size - sum(before.values())


@under(FEWER)
def test_what_others_put_there_is_neither_replaced_nor_removed(host: Host, server: Hub) -> None:
    wanted = model(server, host, {"config.json": b"{}"})
    host.write(f"{PATH}/mine", "precious")
    job = host.provision(wanted)
    assert "no model is replaced in place" in said(job, wanted)
    gone = Artifact(path=PATH, ensure="absent")
    assert "holds what this tool did not bring" in said(host.provision(gone), gone)
    assert host.path(f"{PATH}/mine").read_text() == "precious"
    assert not bodies(server, host, "config.json")


@under(FEWER)
def test_another_model_at_the_same_path_is_refused(host: Host, server: Hub) -> None:
    wanted = model(server, host, {"config.json": b"{}"})
    assert host.provision(wanted).ok
    other = model(server, host, {"config.json": b"{ }"})
    (change,) = host.plan(other).changes
    assert change.differs == ("digest",)
    assert isinstance(undo.former(change), str)
    assert "no model is replaced in place" in said(host.provision(other), other)
    assert held(host) == {"config.json": b"{}"}


@under(FEWER)
def test_a_model_that_was_not_there_goes_again(host: Host, server: Hub) -> None:
    wanted = model(server, host, {"config.json": b"{}"})
    host.write(f"{PATH}.magnus.part/config.json", "{")
    seen = host.observe([wanted])[wanted.id]
    assert (seen.answer, seen.state) == ("partial 1", ABSENT)
    (change,) = host.plan(wanted).changes
    assert host.provision(wanted).ok
    back = undo.former(change)
    assert isinstance(back, Artifact)
    assert undo.decode(undo.encode(back)) == back
    assert host.provision(back).ok
    assert not list(host.path(STORE).iterdir())


@under(FEWER)
def test_what_was_pushed_is_proved_and_strangers_go(host: Host, server: Hub) -> None:
    wanted = replace(model(server, host), source="pushed")
    part = f"{PATH}.magnus.part"
    for path, data in FILES.items():
        host.write(f"{part}/{path}", data)
    host.write(f"{part}/{BIG}", b"x" * len(FILES[BIG]))
    host.write(f"{part}/stranger/x", "")
    host.path(f"{part}/link").symlink_to("/etc/passwd")
    job = host.provision(wanted)
    assert f"1 of {len(FILES)} files are not in" in said(job, wanted)
    assert f"{BIG} has the SHA-256" in said(job, wanted)
    host.write(f"{part}/{BIG}", FILES[BIG])
    assert host.provision(wanted).ok
    assert held(host) == FILES
    assert not host.path(f"{PATH}/stranger").exists()
    assert not host.path(f"{PATH}/link").is_symlink()
    assert not server.asked
