"""Is the graphics card there, with a driver, a library and a toolkit that agree?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, passed, skipped, unknown, warned

DRIVER = r"""
echo "runs $(cat "$MAGNUS_ROOT/sys/module/nvidia/version" 2>/dev/null)"
echo "installed $(modinfo -F version nvidia 2>/dev/null)"
echo "library $(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1 | sed -n 1p)"
! grep -qs '^nouveau ' "$MAGNUS_ROOT/proc/modules" || echo nouveau
"""
CARD = (
    "nvidia-smi --query-gpu=name,persistence_mode,power.limit,temperature.gpu,uuid "
    "--format=csv,noheader,nounits 2>&1"
)
# The firmware's own word, from the fifth byte of a variable: no program is needed for it.
SECURE_BOOT = r"""
efi=$MAGNUS_ROOT/sys/firmware/efi
if [ ! -d "$efi" ]; then
  echo "SecureBoot not supported"
elif v=$(od -An -tu1 -j4 -N1 "$efi"/efivars/SecureBoot-* 2>/dev/null); then
  case $v in *1) echo "SecureBoot enabled" ;; *) echo "SecureBoot disabled" ;; esac
else
  echo "no variable SecureBoot"
fi
[ -e "$MAGNUS_ROOT/sys/module/nvidia/version" ] && echo loaded || echo absent
"""
TENSORRT = "dpkg-query -W -f='${Version}\\n' 'libnvinfer*' 2>/dev/null | grep . | sort -u"
_UNTOLD = ("[n/a]", "[not supported]", "err!", "[unknown error]", "")


def nvcc(toolkit: str) -> str:
    """The text that asks a toolkit's compiler for its version."""
    return f'"$MAGNUS_ROOT/usr/local/cuda-{toolkit}/bin/nvcc" --version 2>&1'


def driver(lines: Sequence[str]) -> Judgement:
    """The module that runs, the one that is installed, and the library are of one version."""
    told = dict(line.split(" ", 1) for line in lines if " " in line)
    runs, installed, library = (told.get(k, "") for k in ("runs", "installed", "library"))
    boot = "Boot the host: nothing that uses the card starts well before."
    if "nouveau" in lines:
        return failed("nouveau holds the card", "nvidia", boot)
    if "mismatch" in library.lower():
        return failed(f"module {runs or '?'} and library differ: {library}", "one version", boot)
    if not installed:
        return failed("no driver is installed for this kernel", "one version", "apt policy linux-*")
    if not runs:
        return failed(f"{installed} is installed, and not loaded", "one version", boot)
    versions = {runs, installed, *([library] if library[:1].isdigit() else [])}
    if len(versions) > 1:
        return failed(f"runs {runs}, installed {installed}, library {library}", "one version", boot)
    if not library[:1].isdigit():
        return failed(f"nvidia-smi: {library or 'it said nothing'}", "one version", boot)
    return passed(f"{runs}, module and library agree", "one version")


def card(name: str, count: int, watts: int | None, celsius: int) -> Callable[..., Judgement]:
    """A judge of nvidia-smi: the declared cards, awake, limited as declared, not too hot."""

    def judge(lines: Sequence[str]) -> Judgement:
        rows = [
            [cell.strip() for cell in line.split(",")] for line in lines if line.count(",") == 4
        ]
        if not rows:
            return failed(next(iter(lines), "nvidia-smi said nothing"), name, "dmesg | grep -i nv")
        target = f"{count} × {name}" + (f", {watts} W" if watts else "")
        wrong = [*_wrong(name, watts, celsius, rows)]
        if len(rows) != count:
            wrong.insert(0, f"{len(rows)} cards")
        shown = ", ".join(wrong) or f"{len(rows)} × {rows[0][0]}, {rows[0][3]} °C"
        if wrong:
            return failed(shown, target, "magnusctl provision")
        if watts is not None and any(_number(row[2]) is None for row in rows):
            return unknown(f"{shown}; it does not tell its power limit")
        return passed(shown, target)

    return judge


def _wrong(name: str, watts: int | None, celsius: int, rows: Sequence[Sequence[str]]) -> list[str]:
    found = []
    for shown, persistence, limit, heat, _ in rows:
        if _plain(name) not in _plain(shown):
            found.append(f"a {shown}")
        if persistence.lower() == "disabled":
            found.append("persistence mode is off: the power limit is forgotten")
        told = _number(limit)
        if watts is not None and told is not None and round(told) != watts:
            found.append(f"limit {told:g} W")
        hot = _number(heat)
        if hot is not None and hot > celsius:
            found.append(f"{hot:g} °C, more than {celsius}")
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("nvidia", "").replace("geforce", ""))


def _number(cell: str) -> float | None:
    try:
        return None if cell.lower() in _UNTOLD else float(cell)
    except ValueError:
        return None


def secure_boot(lines: Sequence[str]) -> Judgement:
    """Under Secure Boot only signed modules load; Ubuntu's prebuilt ones are."""
    state, loaded = (lines[0].lower() if lines else ""), "loaded" in lines
    if "enabled" in state:
        remedy = (
            "Take the prebuilt modules (linux-modules-nvidia-*), or enrol a key at the console."
        )
        told = "on, and the driver's module is loaded"
        return passed(told) if loaded else failed("on, and refuses the driver's module", "", remedy)
    if "disabled" in state or "not supported" in state:
        return passed("off")
    return unknown(lines[0] if lines else "mokutil said nothing")


def toolkit(wanted: str) -> Callable[[Sequence[str]], Judgement]:
    """A judge of nvcc's words."""

    def judge(lines: Sequence[str]) -> Judgement:
        found = re.search(r"release (\d+\.\d+)", "\n".join(lines))
        if not found:
            return failed(next(iter(lines), "nvcc said nothing"), wanted, "magnusctl provision")
        return passed(found[1], wanted) if found[1] == wanted else failed(found[1], wanted)

    return judge


def tensorrt(lines: Sequence[str]) -> Judgement:
    """All parts of TensorRT are of one version: an engine of another does not load."""
    if not lines:
        return skipped("no part of TensorRT is installed")
    if len(lines) > 1:
        return warned(f"{len(lines)} versions: {', '.join(lines[:3])}", "one version")
    return passed(lines[0], "one version")
