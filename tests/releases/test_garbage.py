"""What no model needs any more, and that what one still needs is never among it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magnusctl.releases.garbage import Garbage, forgotten, garbage
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from tests.deploying.scenes import FIRST, model, releases


def taken(one: Model, keep: int = 2, files: dict[str, int] | None = None) -> list[str]:
    """What goes of a host with one model, by name."""
    found = garbage({"box": Standing({one.name: one}, files or {})}, keep)
    assert {entry.host for entry in found} <= {"box"}
    return [entry.what for entry in found]


@pytest.mark.parametrize(
    ("one", "keep", "gone"),
    [
        (model(6, range(1, 7)), 2, [1, 2, 3]),
        (model(6, range(1, 7)), 0, [1, 2, 3, 4, 5]),
        (model(6, range(1, 7)), 9, []),
        # An older one serves: newer ones count as others.
        (model(2, range(1, 7)), 2, [3, 4]),
        # Nothing serves: the newest stay.
        (model(0, range(1, 5)), 2, [1, 2]),
        (model(6, range(1, 7), switching="2:gate"), 2, [1, 3]),
        (model(6, range(1, 7), switching="6:drain"), 2, [1, 2, 3]),
        # r3 to r5 never passed their gate: r1 is the only way back from r2.
        (model(2, range(1, 6), passed=range(1, 3)), 2, [3]),
        (model(1, range(1, 2)), 0, []),
    ],
)
def test_old_releases_go_and_the_others_stay(one: Model, keep: int, gone: list[int]) -> None:
    kept_back = one.before.number if one.before and keep else 0
    assert taken(one, keep) == [f"primary r{n}" for n in gone if n != kept_back]
    assert f"primary r{one.serving}" not in taken(one, keep)


def test_the_way_back_stays_however_many_failed_since() -> None:
    failed = model(2, range(1, 9), passed=range(1, 3))
    assert taken(failed) == ["primary r3", "primary r4", "primary r5", "primary r6"]


def test_files_that_a_kept_release_shares_stay() -> None:
    three = releases(FIRST, range(1, 4))
    three[3] = replace(three[3], path=three[1].path)
    one = Model("primary", 3, True, "", three, {n: {} for n in three})
    files = {f"/srv/models/store/qwen-{n}": n << 30 for n in (1, 2)}
    assert taken(one, 0, files) == ["primary r1", "primary r2", "/srv/models/store/qwen-2"]


def test_files_that_another_model_shares_stay() -> None:
    mine = model(2, range(1, 3))
    other = Model("other", 1, True, "", {1: replace(FIRST, model="other", path="/s/qwen-1")}, {})
    found = garbage({"box": Standing({"primary": mine, "other": other}, {"/s/qwen-1": 1})}, 0)
    assert [one.what for one in found] == ["primary r1"]


def test_a_folder_stays_for_the_one_file_in_it_that_a_release_names() -> None:
    gguf = replace(FIRST, path="/srv/models/store/mix-1/mix.gguf")
    one = Model("primary", 1, True, "", {1: gguf}, {})
    files = {"/srv/models/store/mix-1": 5, "/srv/models/store/mix-10": 6, "/srv/models/store/m": 7}
    found = garbage({"box": Standing({"primary": one}, files)})
    assert [(entry.what, entry.size) for entry in found] == [
        ("/srv/models/store/mix-10", 6),
        ("/srv/models/store/m", 7),
    ]
    resource = found[0].resources[0]
    assert isinstance(resource, Artifact)
    assert (resource.path, resource.ensure) == ("/srv/models/store/mix-10", "absent")


def test_each_host_is_judged_by_its_own_releases() -> None:
    files = {"/srv/models/store/qwen-1": 1}
    has, has_not = Standing({"primary": model(1, range(1, 2))}, files), Standing({}, files)
    found = garbage({"a": has, "b": has_not})
    assert [(one.host, one.what) for one in found] == [("b", "/srv/models/store/qwen-1")]
    assert all(isinstance(one, Garbage) for one in found)


def paths_of(record: Record) -> list[str]:
    """The files that go with a release."""
    found = [one for one in forgotten(record) if isinstance(one, File)]
    assert all(one.ensure == "absent" for one in found)
    return [one.path for one in found]


KEPT = [f"/var/lib/magnus/models/primary/r1/{n}" for n in ("how", "said", "log", "gate", "record")]
OWN = [f"/etc/magnus/releases/primary-r1.{end}" for end in ("yaml", "env", "modelfile")]


@pytest.mark.parametrize(
    ("engine", "unit", "paths"),
    [
        ("vllm", FIRST.unit, [f"/etc/systemd/system/{FIRST.unit}"]),
        (
            "mlx",
            "net.magnus.release.primary.r1",
            [
                "/Library/LaunchDaemons/net.magnus.release.primary.r1.plist",
                "/var/log/magnus/net.magnus.release.primary.r1.log",
            ],
        ),
        # The one server of Ollama stays, and so does its log.
        ("ollama", "ollama.service", []),
        ("ollama", "net.magnus.ollama", []),
    ],
)
def test_nothing_is_left_of_a_forgotten_release(engine: str, unit: str, paths: list[str]) -> None:
    record = replace(FIRST, engine=engine, unit=unit)
    assert paths_of(record) == [*paths, *OWN, *KEPT]
    last = [*forgotten(record)][-1]
    assert isinstance(last, Directory)
    assert (last.path, last.ensure) == (record.folder, "absent")


def test_first_the_host_is_asked_once_more_and_the_rest_waits_for_that() -> None:
    first, *others = forgotten(FIRST)
    assert isinstance(first, Command)
    how = "/var/lib/magnus/models/primary/r1/how"
    assert first.unless == f'[ -e needless.primary.r1 ] || [ ! -e "$ROOT"{how} ]'
    assert all(first.id in one.after for one in others)
    assert "OLLAMA" not in first.run


def test_a_name_in_ollama_goes_while_it_is_known_where_it_listens() -> None:
    record = replace(FIRST, engine="ollama", unit="ollama.service", port=11434, path="qwen2.5:14b")
    told = next(one.run for one in forgotten(record) if isinstance(one, Command)).splitlines()
    shows, takes, _, _ = told[-4:]
    assert "/how):11434 " in shows
    # What is not there needs no word.
    assert " show primary:r1 " in shows
    assert " rm primary:r1 || return 1" in takes
