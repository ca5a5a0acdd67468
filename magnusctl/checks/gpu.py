"""Is the graphics card there, with a driver, a library and a toolkit that agree?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, first_line, passed, skipped, unknown, warned

DRIVER = r"""
echo "runs $(cat "$MAGNUS_ROOT/sys/module/nvidia/version" 2>/dev/null)"
echo "installed $(modinfo -F version nvidia 2>/dev/null)"
echo "library $(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1 | sed -n 1p)"
! grep -qs '^nouveau ' "$MAGNUS_ROOT/proc/modules" || echo nouveau
"""
# Of what is recorded nothing says which card of all cards it was.
SMI = "nvidia-smi -q -x 2>&1 | grep -Ev '<(serial|uuid|board_id|gpu_part_number)>'"
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


def nvcc(toolkit: str) -> str:
    """The text that asks a toolkit's compiler for its version."""
    return f'"$MAGNUS_ROOT/usr/local/cuda-{toolkit}/bin/nvcc" --version 2>&1 || :'


def driver(lines: Sequence[str]) -> Judgement:
    """The module that runs, the one that is installed, and the library are of one version."""
    told = dict(line.split(" ", 1) for line in lines if " " in line)
    runs, installed, library = (told.get(k, "") for k in ("runs", "installed", "library"))
    boot = "Boot the host: nothing that uses the card starts well before."
    if "nouveau" in lines:
        return failed("nouveau holds the card", "nvidia", boot)
    if "mismatch" in library.lower():
        return failed(f"module {runs or '?'} and library differ: {library}", "one version", boot)
    if not installed and runs and runs == library:
        # A container has no modules of its own: those of its host count.
        return passed(f"{runs}, module and library agree", "one version")
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
    return unknown(first_line(lines) or "the firmware said nothing")


def toolkit(wanted: str) -> Callable[[Sequence[str]], Judgement]:
    """A judge of nvcc's words."""

    def judge(lines: Sequence[str]) -> Judgement:
        found = re.search(r"release (\d+\.\d+)", "\n".join(lines))
        if not found:
            return failed(first_line(lines) or "nvcc said nothing", wanted, "magnusctl provision")
        return passed(found[1], wanted) if found[1] == wanted else failed(found[1], wanted)

    return judge


def tensorrt(lines: Sequence[str]) -> Judgement:
    """All parts of TensorRT are of one version: an engine of another does not load."""
    if not lines:
        return skipped("no part of TensorRT is installed")
    if len(lines) > 1:
        return warned(f"{len(lines)} versions: {', '.join(lines[:3])}", "one version")
    return passed(lines[0], "one version")
