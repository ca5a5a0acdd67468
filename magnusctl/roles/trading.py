"""A host that trades. Known so far: what its engine may claim, and that nothing restarts it."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.roles.context import Context
from magnusctl.state import Resource

GROUP = "magnus-trade"


def resources(context: Context) -> Iterator[Resource]:
    """Real-time limits for the engine's group, and upgrades that restart nothing."""
    yield Group(group=GROUP, system=True)
    yield File(
        path="/etc/security/limits.d/90-magnus-trading.conf",
        content=context.render("trading/limits.conf.j2", group=GROUP),
        after=(f"group:{GROUP}",),
    )
    yield Directory(path="/etc/needrestart")
    yield Directory(path="/etc/needrestart/conf.d")
    yield File(
        path="/etc/needrestart/conf.d/50-magnus.conf",
        content=context.render("trading/needrestart.conf.j2"),
    )
