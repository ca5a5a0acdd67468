"""Probes become shell: the library, what each kind adds, and the questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from magnusctl import bootstrap
from magnusctl.bootstrap import Privilege, Request
from magnusctl.quote import sh
from magnusctl.state import Probe, digest


def probe_request(
    probes: Sequence[Probe[Any]], nonce: str, *, root: str, privilege: Privilege
) -> Request:
    """Ask every probe in one exec."""
    return text_request(probe_text(probes), nonce, root=root, privilege=privilege)


def text_request(text: str, nonce: str, *, root: str, privilege: Privilege) -> Request:
    """Run a shell text that is kept in memory there. It must not end with a newline: `$(cat)`
    would lose that."""
    data = text.encode("utf-8", "surrogateescape")
    header = f"{nonce} {digest(f'{nonce} {root} '.encode() + data)} {root}\n"
    return bootstrap.probe_request(header.encode() + data, nonce, privilege)


def probe_text(probes: Sequence[Probe[Any]]) -> str:
    """The shell text of a probe."""
    # What a login's start-up files print without a newline must not swallow the first answer.
    text = library("prelude.sh", *needed(probes)) + "export ROOT\necho\n" + questions(probes)
    return text.rstrip("\n")


def questions(probes: Sequence[Probe[Any]]) -> str:
    """Shell text that asks every probe, and says that it is done."""
    asked = [f"ask {sh(probe.name)} {probe.lines} {probe.script}" for probe in probes]
    return "\n".join([*asked, 'printf "%send\\n" "$NONCE"', ""])


def needed(probes: Sequence[Probe[Any]]) -> list[str]:
    """The shell files that some probes call."""
    return sorted({name for probe in probes for name in probe.needs})


def library(*names: str) -> str:
    """Some shell files as one text."""
    return "".join(_shell(name) for name in names)


@cache
def _shell(name: str) -> str:
    """A shell file without the comments and indentation that only readers need."""
    text = files("magnusctl").joinpath(name).read_text()
    kept: list[str] = []
    end = ""
    for line in text.splitlines(keepends=True):
        # The lines of a here-document are what somebody else reads.
        if end:
            end = "" if line.strip() == end else end
            kept.append(line)
            continue
        end = line.partition("<<")[2].strip() if "<<" in line else ""
        line = re.sub(r"^[ \t]+", "", line)
        if line.strip() and not line.startswith("#"):
            kept.append(line)
    return "".join(kept)
