"""Each line of a list of acceptance is proved, refuted and left open by what it names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from magnusctl.checks import acceptance
from magnusctl.checks.acceptance import accepted
from magnusctl.checks.lists import SETS
from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.starter import example_path, examples
from magnusctl.inventory.validate import load
from magnusctl.report import Measure, Result, Verdict, Way
from tests.checks.cases import FAIL, PASS, SKIP, UNKNOWN, WARN

LINUX, MAC = "linux-nvidia", "mac-mlx"
GPU, MINI, LAPTOP, VPS = "rtx3090", "macmini", "m2pro", "linode"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """The first cluster, whose vLLM serves a model of 8B."""
    text = example_path("magnus").read_text()
    assert "qwen2.5-14b-instruct-awq" in text
    path = tmp_path_factory.mktemp("inventory") / "magnus.yaml"
    path.write_text(text.replace("qwen2.5-14b-instruct-awq", "llama-3.1-8b-instruct-awq"))
    return load([path])


def ok(subject: str, check: str, measured: str = "as it should be") -> Result:
    """A check that passed."""
    return Result(subject, check, PASS, measured)


def bad(subject: str, check: str, measured: str, verdict: Verdict = FAIL) -> Result:
    """A check that did not."""
    return Result(subject, check, verdict, measured, remedy="Mend it.")


def tokens(model: str, what: str, value: float, unit: str, verdict: Verdict = PASS) -> Result:
    """What was measured of a model."""
    host = GPU if model == "primary" else MINI
    measure = Measure(value, unit, higher=unit != "ms")
    return Result(host, f"tokens.{model}.{what}", verdict, f"{value:g} {unit}", measure=measure)


def link(way: str, gbit: float, verdict: Verdict = PASS, name: str = "10g") -> Result:
    """What iperf3 measured."""
    measure = Measure(gbit, "Gbit/s")
    return Result(f"link {name}", way, verdict, f"{gbit:g} Gbit/s", measure=measure)


@dataclass(frozen=True)
class Line:
    """One line of a list: what proves it, and each result of which one alone refutes it."""

    of: str
    words: str
    good: Sequence[Result]
    bad: Sequence[Result]


PING = Way("ping", "thunderbolt", LAPTOP, MINI)
THERE, BACK = f"{GPU} → {MINI}", f"{MINI} → {GPU}"
LINES = [
    Line(LINUX, "boots, and nvidia-smi sees the card", [ok(GPU, "reachable"), ok(GPU, "cuda.card")],
         [bad(GPU, "cuda.card", "0 × RTX 3090"), bad(GPU, "reachable", "connection refused")]),
    # Another toolkit may be what is declared.
    Line(LINUX, "nvcc 12.6", [ok(GPU, "cuda.toolkit", "12.6")],
         [bad(GPU, "cuda.toolkit", "not found"), ok(GPU, "cuda.toolkit", "13.0")]),
    Line(LINUX, "PyTorch on the GPU", [ok(GPU, "training.pytorch"), ok(GPU, "inference.pytorch")],
         [bad(GPU, "training.pytorch", "2.9 sees no card"), bad(GPU, "inference.pytorch", "none")]),
    Line(
        LINUX,
        "8B model on vLLM, first token under 100 ms",
        [tokens("primary", "first-token", 80, "ms")],
        [
            # The list's own bound counts, whatever the model's target is.
            tokens("primary", "first-token", 140, "ms"),
            bad(GPU, "tokens.primary.speaks", "503"),
        ],
    ),
    Line(LINUX, "iperf3 at 9.4 Gbit/s or more, both ways", [link(THERE, 9.41), link(BACK, 9.4)],
         [link(BACK, 0.94), link(THERE, 9.39), bad("link 10g", "iperf3", "the link is down")]),
    Line(MAC, "its memory is seen", [ok(MINI, "hardware.memory", "48.0 GiB")],
         [bad(MINI, "hardware.memory", "24.0 GiB")]),
    Line(MAC, "its 10 GbE port works", [ok(MINI, "network.link-10g")],
         [bad(MINI, "network.link-10g", "no cable, or the other end is off")]),
    Line(MAC, "Thunderbolt to the laptop", [ok(MINI, "network.link-thunderbolt")],
         [bad(MINI, "network.link-thunderbolt", "20Gbit/s")]),
    Line(MAC, "MLX computes on the GPU", [ok(MINI, "inference.mlx-device")],
         [bad(MINI, "inference.mlx-device", "Device(cpu, 0)")]),
    Line(MAC, "70B model at 15 to 20 tokens/s", [tokens("complex", "decode", 16.5, "tok/s")],
         [tokens("complex", "decode", 9.5, "tok/s"), bad(MINI, "tokens.complex", "it hung up")]),
    Line(MAC, "its static address", [ok(MINI, "network.address-10g")],
         [bad(MINI, "network.address-10g", "DHCP, not by hand")]),
    Line(MAC, "ping from the laptop", [replace(ok(LAPTOP, f"ping {MINI}"), way=PING)],
         [replace(bad(LAPTOP, f"ping {MINI}", "100 % lost"), way=PING)]),
    Line(MAC, "SSH to the VPS", [ok(VPS, "reachable")],
         [bad(VPS, "reachable", "permission denied")]),
]  # fmt: skip
EVERYTHING = [result for line in LINES for result in line.good]
ids = [f"{line.of}: {line.words}" for line in LINES]
each_line = pytest.mark.parametrize("line", LINES, ids=ids)


def judged(inventory: Inventory, line: Line, results: Sequence[Result]) -> Result:
    """What a list says of one of its lines."""
    found = [*accepted(line.of, inventory, [*inventory.hosts], results)]
    (one,) = [r for r in found if r.subject == f"set {line.of}" and r.check == line.words]
    return one


def test_every_line_of_every_list_is_here() -> None:
    told = {(name, item.words) for name, items in SETS.items() for item in items}
    assert told == {(line.of, line.words) for line in LINES}
    assert all(line.good and line.bad for line in LINES)


@each_line
def test_a_line_passes_by_what_proves_it(inventory: Inventory, line: Line) -> None:
    assert judged(inventory, line, EVERYTHING).verdict is PASS
    alone = judged(inventory, line, line.good)
    assert alone.verdict is PASS, alone
    assert alone.measured.startswith(f"{line.good[0].subject}: ")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        pytest.param(line, wrong, id=f"{line.words}: {wrong.check} {wrong.measured}")
        for line in LINES
        for wrong in line.bad
    ],
)
def test_a_line_fails_by_what_refutes_it(inventory: Inventory, line: Line, wrong: Result) -> None:
    kept = [r for r in EVERYTHING if (r.subject, r.check) != (wrong.subject, wrong.check)]
    found = judged(inventory, line, [*kept, wrong])
    assert found.verdict is FAIL, found
    assert found.measured == f"{wrong.subject}: {wrong.measured}"
    assert found.remedy == wrong.remedy
    # No other line fails by it.
    everyone = [*inventory.hosts]
    told = [*accepted(line.of, inventory, everyone, [*kept, wrong])]
    lines = [r for r in told if r.subject == f"set {line.of}"]
    assert [r.check for r in lines if r.verdict is FAIL] == [line.words]


@each_line
def test_a_line_that_nothing_proves_is_open(inventory: Inventory, line: Line) -> None:
    for rest in ([], [r for r in EVERYTHING if r not in line.good]):
        found = judged(inventory, line, rest)
        assert found.verdict is UNKNOWN, found
        assert found.measured == "nothing here proves it"
        assert found.remedy.startswith("Declare ")


@each_line
def test_a_line_whose_proof_was_skipped_is_open(inventory: Inventory, line: Line) -> None:
    *rest, last = line.good
    why = "its model is not there yet"
    skipped = replace(last, verdict=SKIP, measured=why, measure=None)
    if last.check.startswith("tokens."):
        skipped = replace(skipped, check=last.check.rpartition(".")[0])
    found = judged(inventory, line, [*rest, skipped])
    assert found.verdict is UNKNOWN, found
    assert found.measured.endswith("its model is not there yet")


@each_line
def test_what_other_machines_show_proves_nothing(inventory: Inventory, line: Line) -> None:
    elsewhere = {GPU: VPS, MINI: GPU, LAPTOP: VPS, VPS: GPU, "link 10g": "link thunderbolt"}
    moved = [replace(r, subject=elsewhere[r.subject]) for r in line.good]
    assert judged(inventory, line, moved).verdict is UNKNOWN


@pytest.mark.parametrize("example", examples())
@pytest.mark.parametrize("name", SETS)
def test_no_list_passes_where_nothing_was_asked(name: str, example: str) -> None:
    inventory = load([example_path(example)])
    found = [*accepted(name, inventory, [*inventory.hosts], [])]
    assert {result.verdict for result in found} == {UNKNOWN}
    assert len(found) == len(SETS[name])


def test_the_proofs_follow_the_list_each_once(inventory: Inventory) -> None:
    more = [ok(GPU, "base.sshd"), *EVERYTHING]
    found = [*accepted(LINUX, inventory, [*inventory.hosts], more)]
    assert len(found[:5]) == len(SETS[LINUX])
    assert found[5:] == [r for line in LINES if line.of == LINUX for r in line.good]


def by_words(words: str) -> Line:
    """The line that begins so."""
    return next(line for line in LINES if line.words.startswith(words))


def test_a_host_that_cannot_be_reached_fails_its_line(inventory: Inventory) -> None:
    found = judged(inventory, by_words("boots"), [bad(GPU, "reachable", "refused")])
    assert (found.verdict, found.measured) == (FAIL, f"{GPU}: refused")


def test_one_way_alone_does_not_prove_both(inventory: Inventory) -> None:
    assert judged(inventory, by_words("iperf3"), [link(THERE, 9.41)]).verdict is UNKNOWN


def test_what_became_of_a_link_since_is_another_matter(inventory: Inventory) -> None:
    line = by_words("iperf3")
    there, back = line.good
    told = "9.41 Gbit/s, -12.0% of 10.7 Gbit/s in july"
    since = replace(there, verdict=FAIL, measured=told, baseline="july")
    assert judged(inventory, line, [since, back]).verdict is PASS


def test_a_link_at_its_fallback_is_no_link_that_works(inventory: Inventory) -> None:
    fallen = bad(MINI, "network.link-10g", "1Gbit/s: the fallback", WARN)
    found = judged(inventory, by_words("its 10 GbE"), [fallen])
    assert (found.verdict, found.measured) == (FAIL, f"{MINI}: 1Gbit/s: the fallback")


def test_who_could_not_be_asked_is_named(inventory: Inventory) -> None:
    for check in ("reachable", "answers"):
        found = judged(inventory, by_words("nvcc"), [bad(GPU, check, "connection refused")])
        assert (found.verdict, found.measured) == (UNKNOWN, f"could not be asked: {GPU}")
        assert not found.remedy.startswith("Declare")


def test_who_was_left_out_is_named(inventory: Inventory) -> None:
    told = [*accepted(LINUX, inventory, [MINI, LAPTOP], [])]
    assert {one.measured for one in told} == {
        f"left out of this run: {GPU}",
        f"left out of this run: {GPU}, {VPS}",
    }


def test_a_slower_link_is_not_what_the_list_is_about(tmp_path: Path) -> None:
    text = example_path("magnus").read_text()
    (tmp_path / "magnus.yaml").write_text(text.replace("speed: 10Gbit/s", "speed: 1Gbit/s"))
    slow = load([tmp_path / "magnus.yaml"])
    assert slow.links["10g"].speed == 10**9
    for words in ("iperf3", "its 10 GbE"):
        assert judged(slow, by_words(words), by_words(words).good).verdict is UNKNOWN


def test_another_host_that_is_silent_explains_nothing(inventory: Inventory) -> None:
    found = judged(inventory, by_words("nvcc"), [bad(VPS, "reachable", "connection refused")])
    assert found.measured == "nothing here proves it"


@pytest.mark.parametrize(("gbit", "verdict"), [(9.4, PASS), (9.3999, FAIL), (40.0, PASS)])
def test_the_bounds_are_those_of_the_list(
    inventory: Inventory, gbit: float, verdict: Verdict
) -> None:
    # The link's own target may be another one.
    results = [link(THERE, gbit, FAIL), link(BACK, 9.5)]
    found = judged(inventory, by_words("iperf3"), results)
    assert (found.verdict, found.target) == (verdict, "≥ 9.4 Gbit/s")


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        ("llama-3.1-8b-instruct-awq", PASS),
        ("Qwen3-8B", PASS),
        ("llama-3.1-18b", UNKNOWN),
        ("qwen-1.8b-chat", UNKNOWN),
        ("qwen2.5-14b-instruct-awq", UNKNOWN),
        ("glm-8bit", UNKNOWN),
    ],
)
def test_a_model_is_of_a_size_by_its_name(tmp_path: Path, model: str, verdict: Verdict) -> None:
    text = example_path("magnus").read_text().replace("qwen2.5-14b-instruct-awq", model)
    (tmp_path / "magnus.yaml").write_text(text)
    line = by_words("8B")
    assert judged(load([tmp_path / "magnus.yaml"]), line, line.good).verdict is verdict


def test_a_list_that_is_not_there_is_told_with_the_nearest() -> None:
    acceptance.require(LINUX)
    with pytest.raises(InputError, match="no set ''"):
        acceptance.require("")
    with pytest.raises(InputError, match="no set 'linux-nvida'") as caught:
        acceptance.require("linux-nvida")
    assert LINUX in caught.value.hint
