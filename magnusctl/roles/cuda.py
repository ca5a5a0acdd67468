"""An NVIDIA card for computing. Known so far: what must never be loaded or installed."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.resources.file import File
from magnusctl.roles.context import Context
from magnusctl.state import Resource


def resources(context: Context) -> Iterator[Resource]:
    """Keep nouveau off the card and NVIDIA's repository from replacing Ubuntu's driver."""
    yield File(
        path="/etc/modprobe.d/magnus-nouveau.conf", content=context.render("cuda/nouveau.conf.j2")
    )
    yield File(
        path="/etc/apt/preferences.d/magnus-nvidia", content=context.render("cuda/nvidia.pref.j2")
    )
