"""Who lends the files of a model to whom, where they are fetched, and that it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from magnusctl.deploying.lending import Lender, borrowed, lender_of, lent
from magnusctl.plan import as_json, diff
from magnusctl.releases.standing import Model, Standing
from magnusctl.report.describe import lines
from magnusctl.resources import seal
from magnusctl.resources.artifact import Artifact, ArtifactFile
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.state import Observed, Resource
from tests.deploying.scenes import FIRST
from tests.fit.fleets import example

MAGNUS = example("magnus")
"""rtx3090 and macmini are on `10g`, macmini and m2pro on `thunderbolt`."""
STORE = "/var/magnus/store/qwen-1"
WANTED = Artifact(
    path="/srv/models/store/qwen-1",
    files=(
        ArtifactFile(path="a b.json", size=7, sha256="a" * 64, url="https://hub.example/a%20b"),
        ArtifactFile(path="sub/c", size=8, sha256="b" * 64, url="https://hub.example/c"),
    ),
    source="hf",
    repository="acme/qwen",
    revision="1" * 40,
    program="/opt/magnus/venvs/vllm/bin/hf",
    token="/etc/magnus/hub-token",
)
HELD = replace(FIRST, path=STORE, digest=WANTED.digest, front="10.0.0.1:8081")


def has(*, running: bool = True, files: Sequence[str] = (STORE,), **changed: Any) -> Standing:
    """A host that serves the model from these files."""
    one = Model("primary", 1, running, "", {1: replace(HELD, **changed)}, {1: {}})
    return Standing({"primary": one}, dict.fromkeys(files, 15))


def lender(host: str = "rtx3090", **standings: Standing) -> Lender | None:
    """Who lends to a host."""
    return lender_of(MAGNUS, host, WANTED, standings)


def test_a_peer_on_a_link_lends_what_it_serves() -> None:
    found = lender(macmini=has())
    assert found
    assert (found.host, found.link, found.folder) == ("macmini", "10g", STORE)
    assert found.record == HELD
    assert found.url == f"http://10.0.0.1:8081/magnus-lend-{found.word}"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("rtx3090", {}),  # it said nothing
        ("linode", {"macmini": has()}),  # on no link
        ("m2pro", {"rtx3090": has(front="10.0.0.2:8000")}),  # on no link with that one
        ("m2pro", {"macmini": has()}),  # its front is on the other link
        ("macmini", {"macmini": has()}),  # nobody lends to itself
        ("rtx3090", {"macmini": has(front="127.0.0.1:8081")}),
        ("rtx3090", {"macmini": has(front="10.0.0.11:8081")}),
        ("rtx3090", {"macmini": has(files=())}),  # they are not whole
        ("rtx3090", {"macmini": has(files=(f"{STORE}0", "/var/magnus/store/qwen"))}),
        ("rtx3090", {"macmini": has(digest="e" * 64)}),
        ("rtx3090", {"macmini": has(digest="")}),  # Ollama's own
        ("rtx3090", {"macmini": has(running=False)}),
    ],
)
def test_nobody_else_lends(host: str, found: dict[str, Standing]) -> None:
    assert lender(host, **found) is None


def test_the_front_must_be_on_the_very_link() -> None:
    over = lender("m2pro", macmini=has(front="10.0.1.1:8081"))
    assert over
    assert over.link == "thunderbolt"
    assert lender("rtx3090", macmini=has(front="10.0.1.1:8081")) is None


def test_a_release_of_one_file_lends_the_folder_that_it_is_in() -> None:
    found = lender(macmini=has(path=f"{STORE}/model.gguf"))
    assert found
    assert found.folder == STORE


def test_nobody_guesses_the_word() -> None:
    words = {found.word for _ in range(64) if (found := lender(macmini=has()))}
    assert len(words) == 64
    assert all(len(bytes.fromhex(word)) == 16 for word in words)


def test_what_is_borrowed_comes_over_the_link_and_is_proved_as_ever() -> None:
    found = lender(macmini=has())
    assert found
    got = borrowed(WANTED, found)
    assert (got.source, got.token, got.program) == ("curl", "", "")
    assert [one.url for one in got.files] == [f"{found.url}/a%20b.json", f"{found.url}/sub/c"]
    assert (got.digest, got.path, got.size) == (WANTED.digest, WANTED.path, 15)


def lends(*, macos: bool, over: bool) -> tuple[Lender, list[Resource]]:
    """What a lender needs."""
    found = lender(macmini=has())
    assert found
    return found, [*seal([*lent(found, macos=macos, over=over)])]


@pytest.mark.parametrize(
    ("macos", "group", "reload"),
    [
        (True, "wheel", "system launchctl kill HUP system/net.magnus.front"),
        (False, "root", "system systemctl reload magnus-front.service"),
    ],
)
def test_the_place_is_there_while_it_lends_and_goes_afterwards(
    macos: bool, group: str, reload: str
) -> None:
    found, (file, command) = lends(macos=macos, over=False)
    assert isinstance(file, File)
    assert isinstance(command, Command)
    # The front includes `primary.lend*`: two hosts may borrow at the same time.
    assert file.path == f"/etc/magnus/front/primary.lend-{found.word[:8]}"
    assert file.content == f"location /magnus-lend-{found.word}/ {{ alias {STORE}/; }}\n"
    assert file.group == group
    assert command.run == reload
    assert command.restart_on == (file.id,)
    gone, again = seal([*lent(found, macos=macos, over=True)])
    assert isinstance(gone, File)
    assert isinstance(again, Command)
    assert (gone.path, gone.ensure, gone.content) == (file.path, "absent", "")
    assert (again.run, again.restart_on) == (reload, (file.id,))
    # Two commands of one name would count as done.
    assert again.label != command.label


@pytest.mark.parametrize("over", [False, True])
def test_the_word_is_in_no_plan(over: bool) -> None:
    found, resources = lends(macos=True, over=over)
    resources.append(borrowed(WANTED, found))
    absent = Observed({"ensure": "absent"}, "absent")
    plan = diff("macmini", resources, {one.id: absent for one in resources})
    assert plan.changes
    shown = "\n".join([*(text for _, text in lines(plan)), str(as_json(plan))])
    assert "primary.lend" in shown or over
    # What is shown of it leaves 96 bits to be guessed.
    assert found.word[:9] not in shown
