"""Graphics cards are judged by what nvidia-smi told of them: as recorded, or one value spoilt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from magnusctl.checks import cards, of_roles
from magnusctl.inventory.starter import example_path
from magnusctl.inventory.validate import load
from magnusctl.render import renderer
from tests.checks.cases import (
    FAIL,
    PASS,
    SKIP,
    UNKNOWN,
    WARN,
    Case,
    changed,
    each,
    holds,
    recorded,
)

GIB = 1024**3
R3090, R4090, R3080 = (
    f"nvidia-smi-xml/{name}.xml" for name in ("rtx-3090-v12", "rtx-4090-driver-535", "rtx-3080-v13")
)
LAPTOP, T4, A100 = (
    f"nvidia-smi-xml/{name}.xml" for name in ("rtx-3060-netdata", "tesla-t4", "a100-sxm4-mig")
)
GOOD = recorded(R3090)
NO_DRIVER = recorded("nvidia-smi-error/no-driver-recorded.txt")
NO_CARDS = recorded("nvidia-smi-error/no-devices.txt")
GONE = ["sh: 1: nvidia-smi: not found"]
CARD, MEMORY, PERSISTENCE, POWER = "cuda.card", "cuda.memory", "cuda.persistence", "cuda.power"
HEAT, THROTTLE, PCIE, ECC = "cuda.temperature", "cuda.throttle", "cuda.pcie", "cuda.ecc"
RUNTIME = "cuda.runtime"
NAME, TOTAL = "GeForce RTX 3090</product_name>", "<total>24576 MiB</total>"
ON, LIMIT = "<persistence_mode>Enabled<", "<power_limit>200.00 W<"
TEMP, WIDTH = "<gpu_temp>37 C<", "<current_link_width>16x<"
REASON = "<clocks_throttle_reason_{0}>Not Active</clocks_throttle_reason_{0}>"
THERMAL, CAP = REASON.format("hw_thermal_slowdown"), REASON.format("sw_power_cap")
COUNTS = "<dram_uncorrectable>0<"
GEN, HOST_GEN = "<max_link_gen>4<", "<max_host_link_gen>3<"
ONE = cards.card(["NVIDIA GeForce RTX 3090"])
TWO = cards.card(["NVIDIA GeForce RTX 3090"] * 2)
UNLIKE = cards.card(["RTX 3060", "NVIDIA GeForce RTX 3090"])


def active(reason: str) -> list[str]:
    """The recorded card, which something slows down now."""
    return changed(R3090, reason, reason.replace("Not Active", "Active"))


def two(old: str = "", new: str = "") -> list[str]:
    """The recorded card twice; the second one with another value."""
    head, opened, rest = "\n".join(GOOD).partition("<gpu ")
    body, closed, tail = rest.partition("</gpu>")
    assert old in body
    first = opened + body + closed
    return (head + first + first.replace(old, new) + tail).split("\n")


def nothing(about: str, lines: Sequence[str], words: str) -> list[Case]:
    """Every judge but that of the cards themselves finds nothing to judge."""
    judges = {
        MEMORY: cards.memory(24 * GIB),
        PERSISTENCE: cards.PERSISTENCE,
        POWER: cards.power(290),
        HEAT: cards.temperature(83),
        THROTTLE: cards.THROTTLE,
        PCIE: cards.PCIE,
        ECC: cards.ECC,
        RUNTIME: cards.runtime("12.6"),
    }
    return [Case(name, judge, lines, UNKNOWN, words, about) for name, judge in judges.items()]


CASES: list[Case] = [
    *nothing("no driver runs, recorded", NO_DRIVER, "nvidia-smi: driver not running"),
    *nothing("no lines", [], "nvidia-smi: it said nothing"),
    *nothing("cut in the middle", GOOD[:90], "nvidia-smi: <?xml"),
    *nothing("no card is seen, recorded", NO_CARDS, ""),
    Case(CARD, ONE, NO_DRIVER, UNKNOWN, "nvidia-smi: driver not running", "recorded"),
    Case(CARD, ONE, [], UNKNOWN, "nvidia-smi: it said nothing", "no lines"),
    Case(CARD, ONE, GOOD[:90], UNKNOWN, "nvidia-smi: <?xml", "cut in the middle"),
    Case(CARD, ONE, GONE, UNKNOWN, "nvidia-smi: not found", "no program", status="127"),
    Case(CARD, ONE, [], UNKNOWN, "did not end within 20 s", "nvidia-smi hangs", status="137"),
    Case(CARD, ONE, NO_CARDS, FAIL, "no card", "no card is seen, recorded"),
    Case(CARD, ONE, GOOD, PASS, "1 × NVIDIA GeForce RTX 3090"),
    Case(CARD, cards.card(["RTX 3090"]), GOOD, PASS, "RTX 3090", "name without its maker"),
    Case(CARD, TWO, two(), PASS, "2 × NVIDIA GeForce RTX 3090"),
    Case(CARD, TWO, GOOD, FAIL, "1 × NVIDIA GeForce RTX 3090", "one of two is not in"),
    Case(CARD, TWO, two("RTX 3090<", "RTX 3060<"), FAIL, "RTX 3060", "another card: replaced"),
    Case(CARD, ONE, two(), FAIL, "2 × NVIDIA GeForce RTX 3090", "one more than is declared"),
    Case(CARD, UNLIKE, two("RTX 3090<", "RTX 3060<"), PASS,
         "1 × NVIDIA GeForce RTX 3090, 1 × NVIDIA GeForce RTX 3060",
         "two unlike cards: one replaced"),
    Case(CARD, UNLIKE, two(), FAIL, "2 × NVIDIA GeForce RTX 3090", "two like for two unlike ones"),
    Case(CARD, ONE, recorded(R4090), FAIL, "RTX 4090"),
    Case(CARD, cards.card(["RTX 3060"]), recorded(LAPTOP), FAIL, "Laptop", "no desktop's card"),
    Case(CARD, ONE, changed(R3090, NAME, "GeForce RTX 3090 Ti</product_name>"), FAIL, "Ti"),
    Case(CARD, ONE, changed(R3090, NAME, "x</product_name>"), FAIL, "x", "name replaced"),
    Case(CARD, ONE, changed(R3090, f"NVIDIA {NAME}", "ERR!</product_name>"), FAIL, "1 ×",
         "ERR! for its name: replaced"),
    Case(CARD, cards.card(["A100-SXM4-40GB"]), recorded(A100), PASS, "A100", "parted by MIG"),
    Case(MEMORY, cards.memory(24 * GIB), GOOD, PASS, "24576 MiB"),
    Case(MEMORY, cards.memory(24 * GIB), recorded(R4090), PASS, "24564 MiB"),
    Case(MEMORY, cards.memory(24 * GIB), recorded(R3080), FAIL, "10240 MiB"),
    Case(MEMORY, cards.memory(40 * GIB), recorded(A100), PASS, "40960 MiB", "parted by MIG"),
    Case(MEMORY, cards.memory(24 * GIB), changed(R3090, TOTAL, "<total>[N/A]</total>"), UNKNOWN,
         "0 of 1 cards tell of memory", "its size replaced by N/A"),
    Case(MEMORY, cards.memory(24 * GIB), two(TOTAL, "<total>12288 MiB</total>"), FAIL, "12288 MiB"),
    Case(MEMORY, cards.memory(24 * GIB), two(TOTAL, "<total>ERR!</total>"), UNKNOWN,
         "1 of 2 cards tell of memory", "one of two cards says ERR!: replaced"),
    Case(PERSISTENCE, cards.PERSISTENCE, GOOD, PASS, "on"),
    Case(PERSISTENCE, cards.PERSISTENCE, recorded(R3080), FAIL, "off"),
    Case(PERSISTENCE, cards.PERSISTENCE, changed(R3090, ON, "<persistence_mode>N/A<"), UNKNOWN,
         "does not tell", "replaced by N/A"),
    Case(PERSISTENCE, cards.PERSISTENCE, two(ON, ON.replace("En", "Dis")), FAIL, "off", "of one"),
    Case(POWER, cards.power(200), GOOD, PASS, "200 W"),
    Case(POWER, cards.power(290), GOOD, FAIL, "limit 200 W"),
    Case(POWER, cards.power(None), GOOD, SKIP, "no power limit is declared"),
    Case(POWER, cards.power(80), recorded(LAPTOP), UNKNOWN, "power limit", "N/A, recorded"),
    Case(POWER, cards.power(200), two(LIMIT, "<power_limit>350.00 W<"), FAIL, "limit 350 W",
         "of one card: replaced"),
    Case(HEAT, cards.temperature(83), GOOD, PASS, "37 °C"),
    Case(HEAT, cards.temperature(83), changed(R3090, TEMP, "<gpu_temp>91 C<"), FAIL, "91 °C"),
    Case(HEAT, cards.temperature(83), two(TEMP, "<gpu_temp>91 C<"), FAIL, "91 °C", "of one card"),
    Case(HEAT, cards.temperature(83), changed(R3090, TEMP, "<gpu_temp>ERR!<"), UNKNOWN,
         "0 of 1 cards tell of temperature"),
    Case(HEAT, cards.temperature(83), two(TEMP, "<gpu_temp>ERR!<"), UNKNOWN,
         "1 of 2 cards tell of temperature", "one of two cards says ERR!: replaced"),
    Case(HEAT, cards.temperature(30), two(TEMP, "<gpu_temp>ERR!<"), FAIL, "37 °C",
         "one says ERR!, and the other is too hot"),
    Case(THROTTLE, cards.THROTTLE, GOOD, PASS, "gpu idle"),
    Case(THROTTLE, cards.THROTTLE, recorded(T4), PASS, "nothing"),
    Case(THROTTLE, cards.THROTTLE, active(THERMAL), FAIL, "hw thermal slowdown", "one reason set"),
    Case(THROTTLE, cards.THROTTLE, active(CAP), PASS, "sw power cap", "a cap that was asked for"),
    Case(THROTTLE, cards.THROTTLE, changed(R3090, "clocks_throttle_reason", "other"), UNKNOWN,
         "what holds its clocks", "the reasons replaced"),
    Case(THROTTLE, cards.THROTTLE, two("clocks_throttle_reason", "other"), UNKNOWN, "1 of 2 cards",
         "the reasons of one card replaced"),
    Case(PCIE, cards.PCIE, GOOD, PASS, "width x16 of x16, generation 4", "idle at generation 1"),
    Case(PCIE, cards.PCIE, recorded(T4), WARN, "width x8 of x16", "8x of 16x, recorded"),
    Case(PCIE, cards.PCIE, recorded(R4090), PASS, "generation 3", "a board of gen 3, recorded"),
    Case(PCIE, cards.PCIE, changed(R4090, HOST_GEN, HOST_GEN.replace("3", "4")), WARN,
         "the card can do generation 4", "the board can, too: replaced"),
    Case(PCIE, cards.PCIE, changed(R3090, WIDTH, "<current_link_width>4x<"), FAIL,
         "width x4 of x16", "its width replaced"),
    Case(PCIE, cards.PCIE, two(WIDTH, "<current_link_width>1x<"), FAIL, "width x1 of x16",
         "one of two cards in a riser: its width replaced"),
    Case(PCIE, cards.PCIE, changed(R3090, WIDTH, "<current_link_width>N/A<"), UNKNOWN,
         "does not tell of its slot", "its width replaced by N/A"),
    Case(PCIE, cards.PCIE, two(WIDTH, "<current_link_width>N/A<"), UNKNOWN,
         "1 of 2 cards tell of its slot", "the width of one card replaced by N/A"),
    Case(PCIE, cards.PCIE, two(GEN, "<max_link_gen>3<"), WARN, "the card can do generation 4",
         "the second of two cards in a slower slot: its generation replaced"),
    Case(RUNTIME, cards.runtime("12.6"), recorded(R3080), PASS, "CUDA 13.2"),
    Case(RUNTIME, cards.runtime("12.0"), GOOD, PASS, "CUDA 12.0", "the very one"),
    Case(RUNTIME, cards.runtime("12.6"), GOOD, FAIL, "the driver runs CUDA 12.0"),
    Case(RUNTIME, cards.runtime("12.6"), recorded(A100), FAIL, "CUDA 11.6"),
    Case(RUNTIME, cards.runtime("12.6"),
         changed(R3090, "<cuda_version>12.0<", "<cuda_version>12.10<"), PASS, "CUDA 12.10",
         "numbers, no decimals: replaced"),
    Case(ECC, cards.ECC, GOOD, SKIP, "no ECC"),
    Case(ECC, cards.ECC, recorded(T4), PASS, "enabled, no errors"),
    Case(ECC, cards.ECC, changed(T4, COUNTS, "<dram_uncorrectable>3<"), FAIL,
         "errors that were not corrected", "the count replaced"),
    Case(ECC, cards.ECC, changed(T4, "uncorrectable>0<", "uncorrectable>N/A<"), UNKNOWN,
         "does not tell its errors", "on, and its counts replaced by N/A"),
    Case(ECC, cards.ECC, recorded(A100), PASS, "enabled, no errors", "parted by MIG"),
    Case(ECC, cards.ECC, changed(A100, "<sram_uncorrectable>0<", "<sram_uncorrectable>2<"), FAIL,
         "errors that were not corrected",
         "parted by MIG, the counts of its parts and of all time replaced"),
]  # fmt: skip


@each(CASES)
def test_a_judge_says_what_it_saw(case: Case) -> None:
    holds(case)


CARDS = "        - {name: NVIDIA GeForce RTX 3090, memory: 24GiB}\n"


def test_two_unlike_cards_may_be_declared(tmp_path: Path) -> None:
    text = example_path("magnus").read_text()
    assert CARDS in text
    other = CARDS.replace("3090", "3060").replace("24GiB", "12GiB")
    (tmp_path / "magnus.yaml").write_text(text.replace(CARDS, CARDS + other))
    checks = of_roles.checks_of(load([tmp_path / "magnus.yaml"]), "rtx3090", renderer(tmp_path))
    judge = next(check.judge for check in checks if check.name == CARD)
    found = judge(two("RTX 3090<", "RTX 3060<"))
    assert found.verdict is PASS, found
