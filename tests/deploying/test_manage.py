"""What is done with models that are there: found, switched, taken away, compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magnusctl.deploying import manage
from magnusctl.errors import InputError
from magnusctl.releases.standing import Model, Standing
from magnusctl.resources.release import Release
from tests.deploying.scenes import FIRST, GIB, model

THREE = model(3, range(1, 4))
EMPTY = Standing({"empty": Model("empty")})


def test_a_model_is_found_on_its_host() -> None:
    hosts = {"a": Standing({"primary": THREE}), "b": EMPTY}
    assert manage.find(hosts, "primary") == ("a", THREE)
    assert manage.find(hosts, "empty", "b") == ("b", Model("empty"))


@pytest.mark.parametrize(
    ("name", "host", "message", "hint"),
    [
        ("primry", None, "no model 'primry' was deployed", "primary"),
        ("zzz", None, "no model 'zzz' was deployed", "Models: empty, primary"),
        ("empty", "a", "no model 'empty' was deployed", "Models: primary"),
        ("primary", None, "primary is on several hosts: a, b", "--on HOST"),
    ],
)
def test_a_model_that_is_nowhere_or_in_two_places_is_refused(
    name: str, host: str | None, message: str, hint: str
) -> None:
    both = {"a": Standing({"primary": THREE}), "b": Standing({"primary": THREE, **EMPTY.models})}
    with pytest.raises(InputError, match=message) as caught:
        manage.find(both, name, host)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("one", "number"),
    [
        (THREE, 3),
        (replace(model(0, range(1, 4)), stopped=1), 1),
        # It is served by another one now, or that release is gone: the newest good one.
        (replace(model(2, range(1, 4)), stopped=1), 2),
        (replace(model(0, range(2, 4)), stopped=1), 3),
        (model(0, range(1, 4)), 3),
    ],
)
def test_what_starts_again_is_what_served_last(one: Model, number: int) -> None:
    assert manage.last(one).number == number


@pytest.mark.parametrize(
    ("one", "name", "number"),
    [
        (THREE, "r1", 1),
        (THREE, "1", 1),
        (THREE, "r3", 3),
        (THREE, None, 2),
        (model(3, range(1, 4), passed=range(1, 2)), None, 1),
        (model(0, range(1, 4)), None, 3),
        # A cut switch is taken back to what still serves, not to what was before that.
        (model(2, range(1, 4), passed=range(1, 3), switching="3:gate"), None, 2),
        (model(2, range(1, 4), passed=range(1, 3), switching="3:gate"), "r1", 1),
        # Clients are with the new one already: back is the one before.
        (model(3, range(1, 4), switching="3:drain"), None, 2),
        (model(0, range(1, 4), passed=range(1, 3), switching="3:gate"), None, 2),
    ],
)
def test_a_release_is_named_or_it_is_the_one_to_go_back_to(
    one: Model, name: str | None, number: int
) -> None:
    assert manage.numbered(one, name).number == number


@pytest.mark.parametrize("name", ["r4", "4", "three", "", "r", "rr1", "-1", "r1.0", " 1"])
def test_a_release_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="has no release") as caught:
        manage.numbered(THREE, name)
    assert caught.value.hint == "Releases: r1, r2, r3"


def test_without_a_good_release_before_there_is_no_way_back() -> None:
    with pytest.raises(InputError, match="has no release before the one that serves"):
        manage.numbered(model(1, range(1, 3)), None)


@pytest.mark.parametrize(
    ("sizes", "switch"),
    [
        ({"card free": 20 * GIB}, "beside"),
        ({"card free": 10 * GIB}, "instead"),  # a twentieth stays
        ({"card free": 0, "memory free": 60 * GIB}, "instead"),
        ({"memory free": 60 * GIB}, "beside"),
        ({}, "instead"),
    ],
)
def test_a_release_comes_beside_the_other_where_the_memory_is_free(
    sizes: dict[str, int], switch: str
) -> None:
    wanted = replace(THREE.releases[2], needed=10 * GIB)
    found = Standing({"primary": THREE}, sizes=sizes)
    release = manage.switched(wanted, THREE, found)
    assert (release.model, release.number, release.switch) == ("primary", 2, switch)
    # Where nothing serves there is nothing to wait for.
    assert manage.switched(wanted, model(0, range(1, 4)), found).switch == "beside"


@pytest.mark.parametrize("switching", ["", "9:gate", "x:gate"])
def test_only_a_switch_that_was_cut_is_brought_to_its_end(switching: str) -> None:
    cut = model(2, range(1, 4), switching="3:gate")
    assert manage.begun(cut) == cut.releases[3]
    with pytest.raises(InputError, match="no switch of primary waits"):
        manage.begun(model(2, range(1, 4), switching=switching))


def test_a_release_is_taken_away_unless_it_serves_or_is_about_to() -> None:
    cut = model(2, range(1, 4), switching="3:gate")
    found = manage.removed(cut, cut.releases[1])
    assert [one.id for one in found][-1] == "directory:/var/lib/magnus/models/primary/r1"
    assert not any(isinstance(one, Release) for one in found)
    with pytest.raises(InputError, match="r2 of primary serves now") as caught:
        manage.removed(cut, cut.releases[2])
    assert caught.value.hint == "magnusctl models stop primary"
    with pytest.raises(InputError, match="a switch to r3 of primary was cut") as caught:
        manage.removed(cut, cut.releases[3])
    assert "rollback --model primary" in caught.value.hint
    assert manage.removed(model(0, range(1, 4)), FIRST)


def test_history_begins_with_the_newest_and_says_what_was_measured() -> None:
    one = model(2, range(1, 4), passed=range(1, 3))
    found = [*manage.history(one)]
    assert [(row["release"], row["passed"], row["decode_tps"]) for row in found] == [
        ("r3", False, None),
        ("r2", True, 42.5),
        ("r1", True, 41.5),
    ]
    assert [row["serving"] for row in found] == [False, True, False]
    assert [row["running"] for row in found] == [False, True, False]
    down = replace(one, running=False)
    assert [row["running"] for row in manage.history(down)] == [False, False, False]
    # A gate that was passed and measured nothing was passed all the same.
    bare = replace(one, gates={3: {}})
    assert [row["passed"] for row in manage.history(bare)] == [True, False, False]


def test_what_differs_is_told_in_words() -> None:
    two = replace(FIRST, context=8192, arguments=("--seed", "7"), gpu_layers=31, number=2, port=1)
    assert [*manage.differences(FIRST, two)] == [
        ("context", "32768", "8192"),
        ("arguments", "", "--seed 7"),
        ("gpu_layers", "", "31"),
    ]
    assert [*manage.differences(FIRST, replace(FIRST, number=2, made="later"))] == []
