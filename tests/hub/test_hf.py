"""The hub's own program fetches a model from a simulated hub, as a host would have it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from magnusctl.resources.artifact import Artifact, ArtifactFile
from tests.installed import installed
from tests.lab.hub import Hub, hub
from tests.shells.hosts import GROUP, OWNER, Host, MakeHost
from tests.shells.models import held
from tests.shells.running import wait_for
from tests.shells.shells import SHELLS, Shell

pytestmark = pytest.mark.shells
KIB = 1 << 10
NAME = "tests/tiny"
PATH = "/srv/models/store/tiny-1"
PROGRAM = "/opt/magnus/venvs/hub/bin/hf"
FILES = {
    "config.json": b'{"a": 1}\n',
    "two words.txt": b"odd\n",
    **{f"a/part-{n:02d}": random.Random(n).randbytes(n * 10 * KIB) for n in range(1, 25)},
}


@pytest.fixture(scope="module")
def program() -> Path:
    """The version that the engines' locks name."""
    return installed("hf", "huggingface-hub==2.4.0") / "bin/hf"


@pytest.fixture
def server() -> Iterator[Hub]:
    """A simulated hub on loopback; nothing else is asked."""
    with hub() as found:
        yield found


@pytest.fixture
def host(host_under: Callable[[Shell], MakeHost], program: Path) -> Host:
    """A root with the program where an engine's environment would have it."""
    made = host_under(SHELLS[0])()
    path = made.path(PROGRAM)
    path.parent.mkdir(parents=True)
    path.symlink_to(program)
    return made


def model(server: Hub, files: Mapping[str, bytes] = FILES, **more: Any) -> Artifact:
    """A model of the hub, whose files are large to it from 100 KiB on."""
    gated = more.pop("gated", "")
    repository = server.add(NAME, files, gated=gated, lfs_bytes=100 * KIB)
    values: dict[str, Any] = {
        "path": PATH,
        "source": "hf",
        "repository": NAME,
        "revision": repository.commit,
        "endpoint": server.url,
        "program": PROGRAM,
        "owner": OWNER,
        "group": GROUP,
        "files": tuple(
            ArtifactFile(path=path, size=len(data), sha256=sha256(data).hexdigest())
            for path, data in files.items()
        ),
    }
    return Artifact(**{**values, **more})


def test_a_model_is_fetched_and_nothing_else_is_left(host: Host, server: Hub) -> None:
    wanted = model(server)
    job = host.provision(wanted)
    assert job.ok, job.output
    assert held(host) == FILES
    assert [path.name for path in host.path(PATH).parent.iterdir()] == ["tiny-1"]
    assert not host.path("/root").exists()
    assert not host.plan(wanted)


def test_a_gate_opens_with_the_token_of_a_file(host: Host, server: Hub) -> None:
    wanted = model(server, gated="hf_secretsecret", token="/etc/hub-token")
    job = host.provision(wanted)
    assert "etc/hub-token with the token is not there" in "\n".join(job.output[wanted.id])
    host.write("/etc/hub-token", "hf_other\n", 0o600)
    job = host.provision(wanted)
    assert "gated: tests/tiny answers 'Access denied." in "\n".join(job.output[wanted.id])
    host.write("/etc/hub-token", "hf_secretsecret\n", 0o600)
    assert host.provision(wanted).ok


def test_a_revision_that_is_gone_is_told_at_once(host: Host, server: Hub) -> None:
    wanted = model(server, revision="f" * 40)
    job = host.provision(wanted)
    said = "\n".join(job.output[wanted.id])
    assert "tests/tiny is not there, or not all of it: Revision not found" in said
    assert sum("/tree/" in line for line in server.requests) == 1


def test_a_wrong_byte_has_that_file_alone_fetched_once_more(host: Host, server: Hub) -> None:
    wanted = model(server)
    server.fault("a/part-15", "flip", after=1000)
    assert host.provision(wanted).ok
    assert held(host) == FILES
    again = [path for path in FILES if sum(one.path == path for one in server.asked) == 2]
    assert again == ["a/part-15"]


def test_a_hub_that_falls_silent_is_asked_again(host: Host, server: Hub) -> None:
    wanted = model(server, {"a/part": FILES["a/part-15"]}, stall_s=4)
    server.fault("a/part", "stall", after=1000)
    job = host.provision(wanted)
    assert job.ok, job.output
    notes = [" ".join(e.arguments) for e in job.events if e.word == "note"]
    assert "hf: nothing came for 4 s" in notes[0]


def test_a_fetch_that_is_killed_again_and_again_fetches_no_whole_file_twice(
    host: Host, server: Hub
) -> None:
    wanted = model(server)
    part = host.path(f"{PATH}.magnus.part")
    server.rate = 40.0 * KIB

    def whole() -> set[str]:
        found = ((path, part / path) for path in FILES)
        return {path for path, at in found if at.exists() and at.read_bytes() == FILES[path]}

    for point in range(10):
        before, known = whole(), len(server.asked)
        running = host.start(host.plan(wanted), wanted)
        # Now before the program runs, now while it fetches, now when a file more is whole.
        if point % 3 or point == 9:
            wait_for("a request", lambda known=known: len(server.asked) > known)  # type: ignore[misc]
        if point % 3 == 2:
            wait_for("a file more", lambda before=before: len(whole()) > len(before))  # type: ignore[misc]
        running.kill("step")
        assert host.end(running).first == {wanted.id: "failed"}
        assert not host.path(PATH).exists()
        assert before.isdisjoint(one.path for one in server.asked[known:])
    # What a dead job began does not go on for ever.
    wait_for("its end", lambda: not host.path(f"{PATH}.magnus.pid").exists())
    server.rate = 0.0
    before, known = whole(), len(server.asked)
    job = host.provision(wanted)
    assert job.ok, job.output
    assert held(host) == FILES
    fetched = [one.path for one in server.asked[known:]]
    assert sorted(fetched) == sorted({*FILES} - before)
