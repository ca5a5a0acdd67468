"""nvidia-smi -L, nvidia-smi --version, and the links of nvidia-smi nvlink and c2c."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_text import plain_lines, version

_GPU = re.compile(r"GPU (\d{1,4}): (\S.{0,200})$")
_ID = re.compile(r"\((UUID|S/N): ([^()\s]{1,80})\)$")
_MIG = re.compile(r"MIG (\S{1,40})\s{1,20}Device\s{1,10}(\d{1,4})(?::|$)")
_LINK = re.compile(r"(C2C )?Link (\d{1,3}): (\S.{0,80})$")
_VERSION = re.compile(r"([A-Za-z][A-Za-z -]{0,28}[Vv]ersion)\s{0,20}: (\S.{0,80})$")
_ENDED = re.compile(r"(?:^CUDA[A-Za-z ]{0,20}: \d{1,3}\.\d|/s|>)$")
_UNLINKED = ("does not have or support nvlink", "nvlink not supported", "nvlink is not supported")
_DOWN = "all links are inactive"


@dataclass(frozen=True)
class Mig:
    """A MIG device, as 3g.40gb, with its number on the card."""

    profile: str
    index: int
    uuid: str | None


@dataclass(frozen=True)
class Link:
    """One NVLink or C2C link; its state is a speed (25.781 GB/s), <inactive>, or a count."""

    index: int
    state: str
    c2c: bool = False


@dataclass(frozen=True)
class Listed:
    """One card of the list, and what is listed under it."""

    index: int
    name: str
    uuid: str | None
    migs: tuple[Mig, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Listing:
    """`versions` are as printed, by the words before the colon. `nvlink` is None untold."""

    gpus: tuple[Listed, ...]
    versions: Mapping[str, str]
    nvlink: str | None

    @property
    def driver_version(self) -> str | None:
        """The version of the loaded kernel module."""
        return self._named("driver version", "kmd version")

    @property
    def cuda_version(self) -> str | None:
        """The newest CUDA that the driver runs."""
        return self._named("cuda version", "cuda umd version")

    def _named(self, *names: str) -> str | None:
        found = {name.lower(): version(value) for name, value in self.versions.items()}
        return next((found[name] for name in names if found.get(name)), None)


def parse(text: str) -> Listing:
    """The lines that are whole."""
    gpus: list[Listed] = []
    versions: dict[str, str] = {}
    for line in _whole(plain_lines(text)):
        if match := _GPU.match(line):
            gpus += _listed(int(match[1]), match[2])
        elif match := _VERSION.match(line):
            versions.setdefault(match[1], match[2])
        elif gpus:
            gpus[-1] = _with(gpus[-1], line)
    return Listing(tuple(gpus), versions, _nvlink(gpus, text))


def facts(text: str) -> Facts:
    """The names, the MIG profiles and the links of all cards; the versions as printed."""
    found = parse(text)
    migs = [mig for gpu in found.gpus for mig in gpu.migs]
    error = error_of(text) if not found.gpus and not found.versions else None
    return {
        **found.versions,
        "driver_version": found.driver_version,
        "cuda_version": found.cuda_version,
        "gpu_count": _gpu_count(found, error),
        "gpus": [gpu.name for gpu in found.gpus],
        "uuids": [gpu.uuid for gpu in found.gpus],
        "mig_devices": [mig.profile for mig in migs],
        "mig_uuids": [mig.uuid for mig in migs],
        "nvlink": found.nvlink,
        "links": [{"gpu": gpu.index, **asdict(link)} for gpu in found.gpus for link in gpu.links],
        "error": error,
    }


def _gpu_count(found: Listing, error: str | None) -> int | None:
    return len(found.gpus) if found.gpus else 0 if error == "no_devices" else None


def _whole(lines: list[str]) -> Iterable[str]:
    """All lines; the last, which nothing ends, only where it shows its own end."""
    last = lines.pop().strip()
    yield from (line.strip() for line in lines)
    if last.endswith(")") or _ENDED.search(last):
        yield last


def _listed(index: int, words: str) -> Iterable[Listed]:
    identity = _ID.search(words)
    name = words[: identity.start()].rstrip() if identity else words
    # An identity that has begun and does not end was cut.
    if "(UUID" not in name and not name.endswith("("):
        yield Listed(index, name, identity[2] if identity and identity[1] == "UUID" else None)


def _with(gpu: Listed, line: str) -> Listed:
    identity = _ID.search(line)
    if mig := _MIG.match(line):
        one = Mig(mig[1], int(mig[2]), identity[2] if identity else None)
        return Listed(gpu.index, gpu.name, gpu.uuid, (*gpu.migs, one), gpu.links)
    if link := _LINK.match(line):
        two = Link(int(link[2]), link[3], bool(link[1]))
        return Listed(gpu.index, gpu.name, gpu.uuid, gpu.migs, (*gpu.links, two))
    return gpu


def _nvlink(gpus: Iterable[Listed], text: str) -> str | None:
    if any(words in text.lower() for words in _UNLINKED):
        return "not supported"
    states = [link.state.lower() for gpu in gpus for link in gpu.links if not link.c2c]
    if not states:
        return "inactive" if _DOWN in text.lower() else None
    return "inactive" if all("inactive" in state for state in states) else "active"
