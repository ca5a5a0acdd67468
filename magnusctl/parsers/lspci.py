"""lspci, with any of -n, -nn, -D, -k and -v."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_text import plain_lines

_SLOT = re.compile(r"((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\s+(\S.*)$")
_CLASS = re.compile(r"(?:(.{1,80}?) )?\[?([0-9a-f]{4})\]?$")
_BEHIND = re.compile(r"\s*\((?:rev ([0-9a-f]{2})|prog-if ([0-9a-f]{2})[^()]{0,60})\)$")
_ID = re.compile(r"\s*\[?\b([0-9a-f]{4}:[0-9a-f]{4})\]?$")
_VENDOR = re.compile(r"nvidia (?:corporation|corp\.?):?\s*", re.IGNORECASE)
_SPEED = re.compile(r"Speed (\d{1,3}(?:\.\d)?)GT/s")
_WIDTH = re.compile(r"Width x(\d{1,2})\b")
_X520_IDS = {f"8086:{one}" for one in ("10fb", "154d", "154a", "1557", "1558", "10f8", "10f9")}
_DISPLAY = ("VGA compatible controller", "3D controller", "Display controller")


@dataclass(frozen=True)
class Device:
    """One function. Link speeds are in GT/s, widths in lanes; -vv as root tells them.

    `name` is without NVIDIA's name; other vendors' names cannot be told from their devices'.
    """

    slot: str
    line: str
    class_name: str | None
    class_id: str | None
    name: str
    id: str | None
    rev: str | None
    driver: str | None = None
    link_speed: float | None = None
    link_width: int | None = None
    link_speed_max: float | None = None
    link_width_max: int | None = None

    @property
    def nvidia(self) -> bool:
        """Whether the vendor is NVIDIA."""
        vendor = self.line.partition(": ")[2].lower()
        return (self.id or "").startswith("10de:") or vendor.startswith("nvidia ")

    @property
    def display(self) -> bool:
        """Whether it is a graphics card, not its sound or USB function."""
        return (self.class_id or "").startswith("03") or self.class_name in _DISPLAY

    @property
    def virtual(self) -> bool:
        """Whether it is a virtual function of another device."""
        return "virtual function" in self.name.lower() or self.id == "8086:10ed"

    @property
    def x520(self) -> bool:
        """Whether it is a port of Intel's X520, whose chip is the 82599."""
        named = "X520" in self.name or "82599" in self.name
        return not self.virtual and (self.id in _X520_IDS or (self.id is None and named))

    @property
    def unreachable(self) -> bool:
        """Whether it read as ones: it is switched off, or has fallen off the bus."""
        return self.rev == "ff"


def parse(text: str) -> tuple[Device, ...]:
    """All functions in their order; without the last where its line is cut before its id."""
    found = [_device(block) for block in _blocks(text)]
    last = found[-1] if found else None
    if last and last.class_id and not last.id and text.rstrip(" ").endswith(last.line):
        found.pop()
    return tuple(found)


def facts(text: str) -> Facts:
    """The functions of NVIDIA and of the X520, and counts of all."""
    devices = parse(text)
    nvidia = [one for one in devices if one.nvidia]
    gpus = [one for one in nvidia if one.display]
    ports = [one for one in devices if one.x520]
    return {
        "lines": sum(bool(line.strip()) for line in plain_lines(text)),
        "devices": len(devices),
        "display_controllers": sum(one.display for one in devices),
        "gpu_count": len(gpus),
        "nvidia": [_shown(one) for one in nvidia],
        "nvidia_lines": [one.line for one in nvidia],
        "nvidia_devices": len(nvidia),
        "nvidia_functions": len(nvidia),
        "first_nvidia": nvidia[0].line if nvidia else None,
        "x520_ports": len(ports),
        "virtual_functions": sum(one.virtual for one in devices),
        "id": next((one.id for one in (*ports, *gpus, *devices) if one.id), None),
        "pcie_lnksta": _link_states(text),
        "drivers": {one.slot: one.driver for one in devices if one.driver},
        "error": None if devices else error_of(text),
    }


def _shown(one: Device) -> Facts:
    shown = asdict(one)
    return {**shown, "class": one.class_id, "unreachable": one.unreachable}


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines of one function: the first is the least indented, whatever indents them all."""
    lines = plain_lines(text)
    heads = [_indent(line) for line in lines if _SLOT.match(line.strip())]
    block: list[str] = []
    for line in lines:
        if heads and _indent(line) == min(heads) and _SLOT.match(line.strip()):
            if block:
                yield block
            block = [line.strip()]
        elif block:
            block.append(line.strip())
    if block:
        yield block


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _device(block: Sequence[str]) -> Device:
    match = _SLOT.match(block[0])
    slot, words = (match[1], match[2]) if match else ("", block[0])
    kind, _, rest = words.partition(": ")
    class_name, class_id = _class(kind)
    rest, rev = _behind(rest)
    identity = _ID.search(rest)
    name = _VENDOR.sub("", rest[: identity.start()] if identity else rest, count=1).strip()
    speed, width = _link(block, "LnkSta:")
    speed_max, width_max = _link(block, "LnkCap:")
    return Device(
        *(slot, block[0], class_name, class_id, name),
        identity[1] if identity else None,
        rev,
        driver=_after(block, "Kernel driver in use:") or None,
        link_speed=speed,
        link_width=width,
        link_speed_max=speed_max,
        link_width_max=width_max,
    )


def _class(kind: str) -> tuple[str | None, str | None]:
    match = _CLASS.match(kind) if kind.endswith("]") or len(kind) == 4 else None
    return (match[1], match[2]) if match else (kind, None)


def _behind(rest: str) -> tuple[str, str | None]:
    """What is in round brackets at the end: the revision, and the interface."""
    rev = None
    for _ in range(2):
        if match := _BEHIND.search(rest):
            rev, rest = match[1] or rev, rest[: match.start()]
    return rest, rev


def _after(block: Sequence[str], words: str) -> str:
    found = (line[len(words) :].strip() for line in block if line.startswith(words))
    return next(found, "")


def _link(block: Sequence[str], words: str) -> tuple[float | None, int | None]:
    told = _after(block, words)
    speed, width = _SPEED.search(told), _WIDTH.search(told)
    return float(speed[1]) if speed else None, int(width[1]) if width else None


def _link_states(text: str) -> list[str]:
    """The speed of every link that is up."""
    lines = (line.strip() for line in plain_lines(text))
    speeds = (_SPEED.search(line) for line in lines if line.startswith("LnkSta:"))
    return [speed[0] for speed in speeds if speed]
