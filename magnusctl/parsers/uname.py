"""Which kernel a host runs: `uname -a`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import lines, refusal

_KERNELS = {"Linux", "Darwin", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "SunOS"}
_MACHINE = re.compile(
    r"x86_64|amd64|i[3-6]86(?:pc)?|i86pc|aarch64(?:_be)?|arm64|armv\d\w{0,6}|ppc(?:64)?(?:le)?"
    r"|powerpc|s390x?|riscv\d{2}|mips\w{0,6}|loongarch64|sparc64|parisc64|alpha"
)
_SYSTEMS = re.compile(r"GNU/(?:Linux|kFreeBSD)|Linux|Android|Toybox|Msys|Cygwin")
_RELEASE = re.compile(r"\d{1,3}\.\d{1,5}\S*")


@dataclass(frozen=True)
class Kernel:
    """The words of uname; None for what a call with fewer options does not print."""

    kernel: str | None = None
    node: str | None = None
    release: str | None = None
    version: str | None = None
    machine: str | None = None
    processor: str | None = None
    operating_system: str | None = None
    error: str | None = None


def parse(text: str) -> Kernel:
    """The first line that uname printed; a line that ends before the machine is not read."""
    for line in lines(text):
        said = line.split()
        if said and said[0] in _KERNELS:
            return _whole(said)
        if len(said) == 1 and re.fullmatch(r"\d{1,3}\.\d{1,5}\.\d{1,5}\S*", said[0]):
            return Kernel(release=said[0])
        if len(said) == 1 and _MACHINE.fullmatch(said[0]):
            return Kernel(machine=said[0])
    return Kernel(error=refusal(text))


def _whole(said: list[str]) -> Kernel:
    """The words of a line that begins with the name of a kernel."""
    if len(said) == 3 and _RELEASE.fullmatch(said[1]) and _MACHINE.fullmatch(said[2]):
        return Kernel(said[0], release=said[1], machine=said[2])
    if len(said) == 2 and _RELEASE.fullmatch(said[1]):
        return Kernel(said[0], release=said[1])
    # The version has any number of words, the machine is the first word behind them all.
    at = next((n for n, word in enumerate(said) if n > 2 and _MACHINE.fullmatch(word)), None)
    if at is None:
        return Kernel(said[0]) if len(said) == 1 else Kernel()
    behind = said[at + 1 :]
    system = behind.pop() if behind and _SYSTEMS.fullmatch(behind[-1]) else None
    processor = " ".join(behind) if system and behind else None
    version = " ".join(said[3:at]) or None
    return Kernel(said[0], said[1], said[2], version, said[at], processor, system)


def facts(text: str) -> Facts:
    """The fields of Kernel; `kernel_name` is the kernel once more."""
    found = parse(text)
    return {**vars(found), "kernel_name": found.kernel}
