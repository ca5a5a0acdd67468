"""Are the graphics cards what was bought, whole, awake, cool, and in a slot that is fast enough?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import (
    Judge,
    Judgement,
    failed,
    first_line,
    passed,
    skipped,
    unknown,
    warned,
)
from magnusctl.inventory.units import format_bytes
from magnusctl.parsers import nvidia_smi_error, nvidia_smi_xml
from magnusctl.parsers.nvidia_smi_xml import Gpu

MIB = 1024**2
_ROUNDED = 0.92
"""A card of 24 GiB tells between 24,564 and 24,576 MiB; with ECC on some are missing."""
_HARMFUL = {"hw_slowdown", "hw_thermal_slowdown", "sw_thermal_slowdown", "hw_power_brake_slowdown"}

OfCards = Callable[[Sequence[Gpu]], Judgement]


def _of_cards(judge_cards: OfCards) -> Judge:
    """A judge of what nvidia-smi said; what it could not say is unknown, with its own words."""

    def judge(lines: Sequence[str]) -> Judgement:
        text = "\n".join(lines)
        found = nvidia_smi_xml.parse(text).gpus
        if not found and nvidia_smi_error.parse(text).error != "no_devices":
            return _untold(lines)
        return judge_cards(found)

    return judge


def _untold(lines: Sequence[str]) -> Judgement:
    why = nvidia_smi_error.parse("\n".join(lines)).error
    words = why.replace("_", " ") if why else first_line(lines)
    return unknown(f"nvidia-smi: {words or 'it said nothing'}", "See the check cuda.driver.")


def runtime(toolkit: str) -> Judge:
    """A judge of the newest CUDA that the driver can run: what a newer toolkit builds does not."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = nvidia_smi_xml.parse("\n".join(lines)).cuda_version
        if told is None or not _version(told):
            gpus = nvidia_smi_xml.parse("\n".join(lines)).gpus
            return unknown("the driver does not tell its CUDA") if gpus else _untold(lines)
        shown, target = f"the driver runs CUDA {told}", f"{toolkit} or newer"
        if _version(told) < _version(toolkit):
            return failed(shown, target, "Take a newer driver, or an older toolkit.")
        return passed(shown, target)

    return judge


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,4}", text)[:2])


def card(names: Sequence[str]) -> Judge:
    """A judge: the declared cards are there, each of them, and no others."""

    def judge(cards: Sequence[Gpu]) -> Judgement:
        shown = _listed([card.name or "a card without a name" for card in cards])
        target = _listed(names)
        if sorted(map(_plain, names)) != sorted(_plain(card.name or "") for card in cards):
            remedy = "Is each one in its slot, with its power cable? lspci -nn | grep -i nvidia"
            return failed(shown or "no card", target, remedy)
        return passed(shown, target)

    return _of_cards(judge)


def _listed(names: Sequence[str]) -> str:
    """`2 × RTX 3090, 1 × RTX 4090`."""
    return ", ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("nvidia", "").replace("geforce", ""))


def memory(declared: int) -> Judge:
    """A judge of each card's memory, in bytes."""

    def judge(cards: Sequence[Gpu]) -> Judgement:
        told = [card.memory_total_mib for card in cards if card.memory_total_mib is not None]
        if not told or len(told) < len(cards):
            return unknown(_silent("memory", len(told), len(cards)))
        used = sum(card.memory_used_mib or 0 for card in cards)
        shown, target = f"{min(told)} MiB, {used} used", format_bytes(declared)
        if min(told) * MIB < declared * _ROUNDED:
            return failed(
                shown, target, "Is this the card that was bought? Else correct 'memory:'."
            )
        return passed(shown, target)

    return _of_cards(judge)


def _silent(what: str, told: int, cards: int) -> str:
    return f"{told} of {cards} cards tell of {what}"


def persistence(cards: Sequence[Gpu]) -> Judgement:
    """Without it the driver forgets the power limit when the last program ends."""
    if not cards or any(card.persistence is None for card in cards):
        return unknown("it does not tell")
    if all(card.persistence for card in cards):
        return passed("on", "on")
    return failed(
        "off: the power limit is forgotten", "on", "systemctl restart nvidia-persistenced"
    )


def power(watts: int | None) -> Judge:
    """A judge of the power limit, in watts."""

    def judge(cards: Sequence[Gpu]) -> Judgement:
        told = [card.power_limit_w for card in cards]
        if watts is None:
            return skipped("no power limit is declared")
        if not told or any(limit is None for limit in told):
            return unknown("it does not tell its power limit")
        wrong = [limit for limit in told if limit is not None and round(limit) != watts]
        target = f"{watts} W"
        if wrong:
            return failed(f"limit {wrong[0]:g} W", target, "systemctl restart magnus-gpu-power")
        return passed(target, target)

    return _of_cards(judge)


def temperature(limit_c: int) -> Judge:
    """A judge of the temperature, in °C."""

    def judge(cards: Sequence[Gpu]) -> Judgement:
        told = [card.temperature_c for card in cards if card.temperature_c is not None]
        if not told or (len(told) < len(cards) and max(told) <= limit_c):
            return unknown(_silent("temperature", len(told), len(cards)))
        shown, target = f"{max(told):g} °C", f"≤ {limit_c} °C"
        if max(told) > limit_c:
            return failed(shown, target, "Dust, or a fan that stands? nvidia-smi -q -d TEMPERATURE")
        return passed(shown, target)

    return _of_cards(judge)


def throttle(cards: Sequence[Gpu]) -> Judgement:
    """What holds the clocks down. A power cap that was asked for is no fault."""
    told = [card for card in cards if card.throttle_reasons is not None]
    if not told:
        return unknown("it does not tell what holds its clocks")
    reasons = {reason for card in cards for reason in card.throttle_reasons or ()}
    bad = sorted(reasons & _HARMFUL)
    shown = ", ".join(reason.replace("_", " ") for reason in bad or sorted(reasons)) or "nothing"
    if bad:
        remedy = "Heat or too little power slows it down: look at fans, cables, the power supply."
        return failed(shown, "nothing", remedy)
    if len(told) < len(cards):
        return unknown(_silent("what holds its clocks", len(told), len(cards)))
    return passed(shown, "nothing")


def pcie(cards: Sequence[Gpu]) -> Judgement:
    """The slot's width and generation. An idle card lowers its generation, not its width."""
    told = [card for card in cards if card.pcie_width_current and card.pcie_width_max]
    if not told:
        return unknown("it does not tell of its slot")
    worst = min(told, key=_share)
    shown = f"width x{worst.pcie_width_current} of x{worst.pcie_width_max}"
    target = f"x{worst.pcie_width_max}"
    if worst.pcie_gen_max:
        shown += f", generation {worst.pcie_gen_max}"
    remedy = "Reseat the card, take out a riser, or use the first slot."
    if _share(worst) < 0.5:
        return failed(shown, target, remedy)
    if _share(worst) < 1:
        return warned(shown, target, remedy)
    if len(told) < len(cards):
        return unknown(_silent("its slot", len(told), len(cards)))
    slow = [card for card in told if card.pcie_gen_max and card.pcie_gen_max < _best_gen(card)]
    if slow:
        best = _best_gen(slow[0])
        held = f"generation {slow[0].pcie_gen_max}: the card can do generation {best}"
        return warned(held, f"{target}, generation {best}", "Look at the slot's speed in the BIOS.")
    return passed(shown, target)


def _best_gen(card: Gpu) -> int:
    """The generation that card and board can do together; 0 where the card does not tell."""
    best = card.pcie_gen_device_max or 0
    return min(best, card.pcie_gen_host_max or best)


def _share(card: Gpu) -> float:
    return (card.pcie_width_current or 0) / (card.pcie_width_max or 1)


def ecc(cards: Sequence[Gpu]) -> Judgement:
    """Errors that ECC could not mend; most cards for players have none to count."""
    if cards and all(card.ecc_mode is None for card in cards):
        return skipped("this card has no ECC")
    errors = sum(card.ecc_uncorrected or 0 for card in cards)
    if errors:
        remedy = "What it computes may be wrong: stop using it, and read nvidia-smi -q -d ECC."
        return failed(f"{errors} errors that were not corrected", "none", remedy)
    on = [card for card in cards if (card.ecc_mode or "").lower() == "enabled"]
    if not cards or any(card.ecc_uncorrected is None for card in on):
        return unknown("it does not tell its errors")
    modes = ", ".join(dict.fromkeys(card.ecc_mode or "not told" for card in cards))
    return passed(f"{modes.lower()}, no errors", "none")


PERSISTENCE, THROTTLE, PCIE, ECC = (
    _of_cards(judge) for judge in (persistence, throttle, pcie, ecc)
)
