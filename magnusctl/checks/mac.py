"""Will a Mac be there tomorrow? Some of it only a person can do: that is said, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from magnusctl.checks.custom import Judgement, failed, first_line, passed, skipped, unknown, warned
from magnusctl.checks.sections import answered, asked
from magnusctl.parsers import macos_memory_pressure

SLEEP = "pmset -g custom 2>&1"
FILEVAULT = "fdesetup status 2>&1"
FIREWALL = "socketfilterfw --getglobalstate 2>&1"
# Only a program with Full Disk Access can list this.
FULL_DISK = """
ls "$MAGNUS_ROOT/Library/Application Support/com.apple.TCC" >/dev/null 2>&1 && echo yes || echo no
"""
PANICS = """
d=$MAGNUS_ROOT/Library/Logs/DiagnosticReports
[ ! -d "$d" ] || [ -r "$d" ] || { echo untold; exit; }
find "$MAGNUS_ROOT/Library/Logs/DiagnosticReports" -name "*.panic" -mtime -7 2>/dev/null | wc -l
"""
UPDATES = (
    "defaults read /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates "
    "2>&1; softwareupdate --schedule 2>&1"
)
DEVICE = """
"$MAGNUS_ROOT/opt/magnus/venvs/mlx/bin/python" -B -c '
import mlx.core as mx; print(mx.default_device())' 2>&1 | tail -n 1
"""
MEMORY = asked({"pressure": "memory_pressure -Q 2>&1", "swap": "sysctl vm.swapusage 2>&1"})
GPU_DEVICE = "Device(gpu, 0)"
LITTLE_FREE, MUCH_SWAP_MB = 10, 2048
"""Percent of memory that is free, and MB of swap: beyond, tokens wait for the disk."""
WIRED = "sysctl -n iogpu.wired_limit_mb 2>&1"


def awake(wanted: Mapping[str, int]) -> Callable[[Sequence[str]], Judgement]:
    """A judge of pmset: every setting as wanted, in every profile."""

    def judge(lines: Sequence[str]) -> Judgement:
        told = [m.groups() for line in lines if (m := re.match(r"\s*(\w+)\s+(\d+)\b", line))]
        if not any(key == "sleep" for key, _ in told):
            return unknown(first_line(lines) or "pmset said nothing")
        wrong = [f"{key} {v}" for key, v in told if key in wanted and int(v) != wanted[key]]
        if wrong:
            return failed(", ".join(dict.fromkeys(wrong)), "never sleeps", "magnusctl provision")
        return passed("never sleeps, comes back after a power cut", "never sleeps")

    return judge


def filevault(declared: str) -> Callable[[Sequence[str]], Judgement]:
    """A judge: with FileVault on, nothing starts after a power cut until somebody types."""

    def judge(lines: Sequence[str]) -> Judgement:
        text = " ".join(lines)
        if "is Off" in text:
            return passed("off: it starts by itself after a power cut")
        if "is On" not in text:
            return unknown(text[:80] or "fdesetup said nothing")
        if declared == "on":
            return passed("on, as declared: after a power cut somebody must type the password")
        remedy = "Only you can: System Settings, Privacy & Security, FileVault; or declare it 'on'."
        return warned("on: after a power cut nothing starts by itself", "off", remedy)

    return judge


def full_disk(lines: Sequence[str]) -> Judgement:
    """Without it models on a disk that is not built in cannot be read by a daemon."""
    if "yes" in lines:
        return passed("given to remote logins")
    remedy = (
        "Only you can, and only for models on an external disk: System Settings, General, Sharing, "
        "Remote Login, 'Allow full disk access for remote users'."
    )
    return warned("remote logins have no Full Disk Access", "", remedy)


def firewall(lines: Sequence[str]) -> Judgement:
    """The application firewall is on."""
    text = " ".join(lines)
    if "enabled" in text:
        return passed("on", "on")
    return (
        failed("off", "on", "magnusctl provision")
        if "disabled" in text
        else unknown(text[:80] or "it said nothing")
    )


def panics(lines: Sequence[str]) -> Judgement:
    """The kernel did not panic within a week: mlx without bounds is known to make it."""
    count = lines[0].strip() if lines else ""
    if not count.isdecimal():
        return unknown("nobody can tell")
    if count == "0":
        return passed("none within 7 days", "none")
    remedy = "Lower prompt_cache and decode_concurrency; read /Library/Logs/DiagnosticReports."
    return failed(f"{count} within 7 days", "none", remedy)


def updates(lines: Sequence[str]) -> Judgement:
    """No update boots a server by itself."""
    text = "\n".join(lines).lower()
    installs, schedule = (
        (lines[0].strip() if lines else ""),
        "turned off" in text or "is off" in text,
    )
    if installs == "1":
        return failed(
            "it installs updates of macOS by itself", "none", "magnusctl provision -t base"
        )
    if installs != "0" and not schedule:
        return unknown(next(iter(lines), "it told nothing")[:80])
    return passed("none come by themselves", "none")


def device(lines: Sequence[str]) -> Judgement:
    """What MLX computes on: a build without Metal takes the CPU, and says nothing of it."""
    text = lines[0].strip() if lines else ""
    if text == GPU_DEVICE:
        return passed(text, GPU_DEVICE)
    if text.startswith("Device("):
        return failed(text, GPU_DEVICE, "Is it the build for this Mac? magnusctl provision")
    return unknown(text[:80] or "it said nothing", "magnusctl provision")


def memory(lines: Sequence[str]) -> Judgement:
    """Free memory in percent, and swap in MB: a model that is too large shows here first."""
    free = macos_memory_pressure.parse(answered(lines, "pressure")).free_percent
    found = re.search(r"used = ([0-9]{1,9}(?:[.,][0-9]{1,4})?)M", answered(lines, "swap"))
    swap = float(found[1].replace(",", ".")) if found else None
    if free is None:
        return unknown("it does not tell how much memory is free")
    shown = f"{free} % free" + (f", {swap:.0f} MB of swap" if swap is not None else "")
    if free < LITTLE_FREE or (swap is not None and swap > MUCH_SWAP_MB):
        remedy = "Take a smaller model or context, or end what else runs there."
        return warned(shown, f"{LITTLE_FREE} % free, {MUCH_SWAP_MB} MB of swap", remedy)
    return passed(shown, f"{LITTLE_FREE} % free")


def wired(limit_mib: int) -> Callable[[Sequence[str]], Judgement]:
    """A judge of how much memory the GPU may wire: gone with every boot, unless set again."""

    def judge(lines: Sequence[str]) -> Judgement:
        value = lines[0].strip() if lines else ""
        if not value.isdecimal():
            return skipped("this Mac has no iogpu.wired_limit_mb")
        target = f"{limit_mib} MiB"
        if int(value) == limit_mib:
            return passed(target, target)
        shown = "the default" if value == "0" else f"{value} MiB"
        return failed(shown, target, "launchctl kickstart -k system/net.magnus.iogpu")

    return judge
