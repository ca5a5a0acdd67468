"""What goes into a bundle: the model's files, and what the engine of a host is made of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from magnusctl.bundles import wheels
from magnusctl.bundles.fetch import Told, Wanted, page, shown
from magnusctl.bundles.manifest import ENGINE, MODEL, WHEELS, Unpacked, Variable
from magnusctl.deploying.files import HUB, Files
from magnusctl.errors import InputError
from magnusctl.resources.archive import Archive
from magnusctl.resources.environment import Environment
from magnusctl.resources.package import Package
from magnusctl.roles import python
from magnusctl.roles.context import Context
from magnusctl.roles.engines import ENGINES, llamacpp, ollama

PYPI = "https://pypi.org/simple"
"""Where uv looks, too, when nobody says otherwise."""
_PAGES = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_VARIABLES: dict[str, Variable] = {
    python.UV: "uv",
    llamacpp.FOLDER: "llamacpp",
    ollama.FOLDER: "ollama",
}
_UNPLAIN = re.compile(r"[^A-Za-z0-9._+-]+")
_SAFE = re.compile(r"https://|http://(127\.|localhost[:/])")


@dataclass(frozen=True)
class Source:
    """A member before it is there: from the network, or a file of this machine."""

    member: str
    sha256: str
    size: int | None = None
    wanted: Wanted | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Engine:
    """What the engine of a host is made of."""

    sources: tuple[Source, ...]
    archives: tuple[Unpacked, ...]
    packages: tuple[str, ...]
    python: str
    there: tuple[str, ...]
    """What the host has on its own disk already, by its URL."""


def model(files: Files, folder: str) -> Iterator[Source]:
    """The files of a model, from a folder of this machine or from the hub."""
    base = f"{os.environ.get('HF_ENDPOINT') or HUB}/{files.repository}/resolve/{files.revision}"
    token = (os.environ.get("HF_TOKEN") or "") if _SAFE.match(base) else ""
    for one in files.files:
        member = f"{MODEL}{folder}/{one.path}"
        if files.folder is not None:
            yield Source(member, one.sha256, one.size, path=files.folder / one.path)
        else:
            url = f"{base}/{quote(one.path)}"
            wanted = Wanted(url, one.sha256, one.size, token)
            yield Source(member, one.sha256, one.size, wanted)


def engine(context: Context, name: str, told: Told) -> Engine:
    """What a host's engine needs, by what its role declares. Raises MagnusError."""
    declared = [*ENGINES[name](context)]
    archives = [one for one in declared if isinstance(one, Archive) and one.path in _VARIABLES]
    wanted = [one for one in archives if not one.url.startswith("file:")]
    named = {one.path: _member(one) for one in wanted}
    environments = [one for one in declared if isinstance(one, Environment)]
    version = context.variables.inference.python
    return Engine(
        sources=(
            *(Source(named[a.path], a.sha256, wanted=Wanted(a.url, a.sha256)) for a in wanted),
            *_wheels(context, name, told, locked=bool(environments)),
        ),
        archives=tuple(
            Unpacked(variable=_VARIABLES[a.path], member=named[a.path], strip=a.strip)
            for a in wanted
        ),
        packages=tuple(dict.fromkeys(p.package for p in declared if isinstance(p, Package))),
        python=version if environments and not version.startswith("/") else "",
        there=tuple(one.url for one in archives if one not in wanted),
    )


def _member(archive: Archive) -> str:
    """The end of its name says how it is unpacked."""
    name = unquote(urlsplit(archive.url).path.rpartition("/")[2])
    plain = _UNPLAIN.sub("-", name).lstrip("-.") or "archive"
    return f"{ENGINE}archives/{_VARIABLES[archive.path]}/{plain}"


def _wheels(context: Context, name: str, told: Told, *, locked: bool) -> Iterator[Source]:
    """The wheels of the engine's lock."""
    if not locked:
        return
    inference = context.variables.inference
    lock = inference.vllm.lock if name == "vllm" else inference.mlx.lock
    pinned = wheels.pins(context.render(f"locks/{lock}"), lock)
    told(f"{lock}: asking for the wheels of {len(pinned)} packages")
    own = inference.index if inference.index and not inference.index.startswith("file:") else ""
    index = own or os.environ.get("UV_DEFAULT_INDEX") or PYPI
    more = inference.links if inference.links and not inference.links.startswith("file:") else ""
    beside = _links(more) if more else ()
    for pin in pinned:
        found = wheels.chosen(pin, beside)
        found = found or wheels.chosen(pin, _links(f"{index.rstrip('/')}/{pin.name}/"))
        if not found and not pin.conditional:
            message = f"no wheel of {pin.name} {pin.version} has a hash of {lock}"
            hint = "Name the index that has it:  variables: inference: index:, or links:"
            raise InputError(message, where=shown(index), hint=hint)
        for one in found:
            yield Source(WHEELS + one.name, one.sha256, wanted=Wanted(one.url, one.sha256))


def _links(url: str) -> Sequence[wheels.Link]:
    found = page(url, _PAGES)
    return wheels.links(*found) if found else ()
