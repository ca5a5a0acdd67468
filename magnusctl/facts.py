"""What a host is: asked with every probe, so that nothing is applied to the wrong machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from magnusctl.errors import PreconditionError
from magnusctl.inventory.model import Host
from magnusctl.state import Probe


@dataclass(frozen=True)
class Facts:
    """As the host itself says; `version` as in os-release or sw_vers, `unsettled` the job whose
    changes were not confirmed, and may be taken back yet."""

    os: str
    version: str
    arch: str
    kernel: str
    login: str
    uid: str
    boot: str
    unsettled: str = ""


def parse(lines: Sequence[str]) -> Facts:
    """Read `key=value` lines; what is missing is `unknown`."""
    pairs = dict(line.partition("=")[::2] for line in lines)
    names = [name for name in Facts.__dataclass_fields__ if name != "unsettled"]
    known = {name: pairs.get(name) or "unknown" for name in names}
    return Facts(**known, unsettled=pairs.get("unsettled", ""))


PROBE = Probe("facts", "ask_facts", -1, parse)


def require_os(name: str, host: Host, facts: Facts) -> None:
    """Raise PreconditionError when the host is not what the inventory says."""
    _, _, version = host.os.partition("-")
    same = facts.version == version or facts.version.startswith(f"{version}.")
    if facts.os == host.os_name and same:
        return
    raise PreconditionError(
        f"the inventory says {host.os}, the host says {facts.os} {facts.version}. "
        "Nothing was changed.",
        host=name,
        hint=f"Is this the right machine? If so, write 'os: {facts.os}-{facts.version}'.",
    )
