"""What a host says it serves and keeps, line by line; what is none of it is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from magnusctl.releases.record import text
from magnusctl.releases.standing import Model, Standing, parse
from tests.deploying.scenes import FIRST, model, releases

SECOND = replace(FIRST, number=2, context=8192)
RELEASE = f"release {text(SECOND).strip()}"


def test_an_answer_becomes_values() -> None:
    found = parse(
        [
            "model primary 2 yes 3:gate",
            f"release {text(FIRST).strip()}",
            "gate primary 1 start_s=4 decode_tps=48.25",
            RELEASE,
            "gate primary 2",
            "model empty - no -",
            "stopped empty 4",
            "files 9765625 /srv/models/store/a b",
            "port 22",
            "port 18100",
            "program /opt/magnus/venvs/vllm/bin/vllm",
            "memory total 65673132",
            "memory free 1000",
            "card total 25153536",
            "card free 0",
            "disk free 7",
            "wired total 41943040",
        ]
    )
    primary = found.models["primary"]
    assert (primary.serving, primary.running, primary.switching) == (2, True, "3:gate")
    assert primary.releases == {1: FIRST, 2: SECOND}
    assert primary.gates == {1: {"start_s": "4", "decode_tps": "48.25"}, 2: {}}
    assert found.models["empty"] == Model("empty", stopped=4)
    assert found.files == {"/srv/models/store/a b": 10_000_000_000}
    assert found.ports == {22, 18100}
    assert found.programs == {"/opt/magnus/venvs/vllm/bin/vllm"}
    assert found.sizes["card free"] == 0
    assert found.sizes["memory free"] == 1_024_000
    assert found.sizes["wired total"] == 40 * 1024**3
    assert found.running == (SECOND,)


def test_a_host_that_says_nothing_serves_nothing() -> None:
    assert parse([]) == Standing()


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "hello",
        "model",
        "model primary",
        "model primary x yes -",
        "model primary 1 yes",
        "model primary 1 yes - more",
        "model primary 1 yes gate",
        "model primary 1 yes :gate",
        "release",
        "release {}",
        "release []",
        "release 7",
        "release {'model': 1}",
        'release {"model": [], "number": {}}',
        "release " + "[" * 100_000,
        "release " + json.dumps({**json.loads(text(FIRST)), "model": []}),
        "release " + json.dumps({**json.loads(text(FIRST)), "number": "1"}),
        "release " + json.dumps({**json.loads(text(FIRST)), "arguments": 5}),
        "gate",
        "gate primary",
        "gate primary x",
        "gate primary 1 decode_tps",
        "gate primary 1 decode_tps=fast",
        "files",
        "files many /srv/models/store/a",
        "port",
        "port ssh",
        "port " + "9" * 5000,
        "memory",
        "memory free",
        "memory free lots",
        "card free 1 2",
        "disk free \x1b[2J",
        "Model primary 1 yes -",
    ],
    ids=lambda line: repr(line[:40]),
)
def test_a_hostile_line_is_refused_and_breaks_nothing(line: str) -> None:
    if line.startswith("release"):
        # A record that cannot be read hides no other, and is none.
        assert parse(["model primary - no -", line]).models == {"primary": Model("primary")}
        return
    with pytest.raises(ValueError):  # noqa: PT011 - of many sources, and of this kind only
        parse(["model primary - no -", line])


@pytest.mark.parametrize(
    ("one", "new"),
    [
        (Model("a"), 1),
        (model(1, range(1, 2)), 2),
        (model(2, range(1, 5)), 5),
        (model(4, range(3, 5)), 5),  # the oldest were taken away
        # Numbers of releases that nothing is known of, but that they serve, or were begun.
        (model(7, range(1, 3)), 8),
        (model(2, range(1, 3), switching="5:gate"), 6),
        # The newest was taken away, with all that was of it: its number is free once more.
        (model(2, range(1, 3)), 3),
    ],
)
def test_a_new_release_has_a_number_above_all_that_are_there(one: Model, new: int) -> None:
    assert one.next == new
    assert new not in one.releases


@pytest.mark.parametrize(
    ("serving", "passed", "before"),
    [
        (4, [1, 2, 3, 4], 3),
        (4, [1, 4], 1),  # r2 and r3 never passed their gate
        (1, [1, 2, 3, 4], None),
        (3, [1, 2, 3, 4], 2),
        (0, [1, 2, 3], 3),  # nothing serves: the newest good one
        (0, [], None),
        (4, [4], None),
    ],
)
def test_the_release_before_is_the_newest_below_that_was_good(
    serving: int, passed: list[int], before: int | None
) -> None:
    four = releases(FIRST, range(1, 5))
    found = Model("primary", serving, True, "", four, {n: {} for n in passed}).before
    assert (found and found.number) == before


def test_the_current_release_is_the_one_that_serves() -> None:
    assert model(2, range(1, 4)).current == releases(FIRST, range(2, 3))[2]
    assert model(0, range(1, 4)).current is None
    assert model(9, range(1, 4)).current is None


@pytest.mark.parametrize(
    ("switching", "begun"), [("", 0), ("4:gate", 4), ("12:drain", 12), ("x:gate", 0), (":", 0)]
)
def test_a_switch_that_was_cut_tells_its_release(switching: str, begun: int) -> None:
    assert Model("a", switching=switching).begun == begun


def test_what_crashed_does_not_run() -> None:
    down = replace(model(1, range(1, 2)), running=False)
    assert Standing({"primary": down}).running == ()
