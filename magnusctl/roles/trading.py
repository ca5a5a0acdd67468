"""A host that trades: what its engine was measured on, and nothing that disturbs it.

Every change of this role counts as a disruption, whatever it is: see `disruptions`.
"""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.ranges import cpus_in
from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.package import Package
from magnusctl.resources.reboot import Reboot
from magnusctl.resources.service import Service
from magnusctl.resources.user import User
from magnusctl.roles.base import sysctls
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import UNITS
from magnusctl.state import Resource

NAME = "magnus-trade"
PACKAGES = ("irqbalance", "rt-tests", "sysstat", "ethtool")
GRUB = "/etc/default/grub.d/90-magnus-rt.cfg"
BOOT = "kernel command line"
TUNE = "/opt/magnus/libexec/rt-tune"
UNIT = "magnus-trading"
NUMBERS = {"restart_window_s": 600, "restart_burst": 3}


def resources(context: Context) -> Iterator[Resource]:
    """Accounts, what only a boot sets, what is set at run time, and the engine's unit."""
    for name in PACKAGES:
        yield Package(package=name)
    yield from _accounts(context)
    if context.variables.trading.own_cmdline:
        yield from _command_line(context)
    yield from sysctls(context, "99-zz-magnus-trading.conf", _wanted(context))
    yield from _tuning(context)
    yield from _engine(context)


def _accounts(context: Context) -> Iterator[Resource]:
    trading = context.variables.trading
    yield Group(group=NAME, system=True, gid=str(trading.gid))
    yield User(
        user=NAME,
        home=f"/var/lib/{NAME}",
        shell="/usr/sbin/nologin",
        comment="trading engine",
        groups=(NAME,),
        system=True,
        after=(f"group:{NAME}",),
    )
    yield File(
        path="/etc/security/limits.d/90-magnus-trading.conf",
        content=context.render(
            "trading/limits.conf.j2", group=NAME, max_priority=trading.max_priority
        ),
        after=(f"group:{NAME}",),
    )


def cmdline(context: Context) -> tuple[str, ...]:
    """The words of the kernel's command line, each with its reason in docs/roles.md."""
    trading = context.variables.trading
    isolated = trading.isolated_cpus
    return (
        f"isolcpus=managed_irq,domain,{isolated}",
        f"nohz_full={isolated}",
        f"rcu_nocbs={isolated}",
        f"irqaffinity={trading.housekeeping_cpus}",
        "hugepagesz=2M",
        f"hugepages={trading.huge_pages}",
        "transparent_hugepage=madvise",
        "nosoftlockup",
        "skew_tick=1",
    )


def _command_line(context: Context) -> Iterator[Resource]:
    words = cmdline(context)
    yield Directory(path="/etc/default/grub.d")
    yield File(
        path=GRUB, content=context.render("trading/grub.cfg.j2", words=words), validator="shell"
    )
    yield Command(label="GRUB reads it", run="system update-grub", restart_on=(f"file:{GRUB}",))
    yield Reboot(
        label=BOOT,
        why="isolated CPUs and huge pages are given at boot",
        unless=f'for w in {sh(*words)}; do case " $(cat "$ROOT/proc/cmdline") " in '
        '*" $w "*) ;; *) exit 1 ;; esac; done',
        after=(f"file:{GRUB}", "command:GRUB reads it"),
    )


def _wanted(context: Context) -> dict[str, str | int | None]:
    trading = context.variables.trading
    own: dict[str, str | int | None] = {
        "vm.nr_hugepages": trading.huge_pages,
        # Only this group: whoever else can call it has a wide way into the kernel.
        "kernel.io_uring_disabled": 1,
        "kernel.io_uring_group": trading.gid,
        "vm.hugetlb_shm_group": trading.gid,
    }
    return own | dict(trading.sysctls)


def _tuning(context: Context) -> Iterator[Resource]:
    trading = context.variables.trading
    yield File(
        path="/etc/default/irqbalance",
        content=context.render("trading/irqbalance.j2", isolated=trading.isolated_cpus),
        after=("package:irqbalance",),
    )
    yield Service(
        unit="irqbalance",
        restart_on=("file:/etc/default/irqbalance",),
        after=("package:irqbalance",),
    )
    yield Directory(path="/opt/magnus")
    yield Directory(path="/opt/magnus/libexec")
    housekeeping = cpus_in(trading.housekeeping_cpus)
    yield File(
        path=TUNE,
        content=context.render(
            "trading/rt-tune.j2",
            isolated=trading.isolated_cpus,
            housekeeping=trading.housekeeping_cpus,
            housekeeping_mask=f"{sum(1 << cpu for cpu in housekeeping):x}",
            huge_pages=trading.huge_pages,
            own_cmdline=trading.own_cmdline,
            probe_priority=1,
        ),
        mode="0755",
        validator="shell",
    )
    path = f"{UNITS}/magnus-rt-tune.service"
    yield File(path=path, content=context.render("trading/rt-tune.service.j2"), validator="unit")
    after = (f"reboot:{BOOT}",) if trading.own_cmdline else ()
    triggers = (f"file:{path}", f"file:{TUNE}")
    yield Service(unit="magnus-rt-tune", reload=True, restart_on=triggers, after=after)


def _engine(context: Context) -> Iterator[Resource]:
    trading = context.variables.trading
    cpus = cpus_in(f"{trading.housekeeping_cpus},{trading.isolated_cpus}")
    yield Directory(path="/etc/magnus")
    yield Directory(path="/etc/magnus/trading", mode="0750", group=NAME, after=(f"group:{NAME}",))
    path = f"{UNITS}/{UNIT}.service"
    yield File(
        path=path,
        content=context.render(
            "trading/trading.service.j2",
            trading=trading,
            user=NAME,
            all_cpus=" ".join(map(str, sorted(cpus))),
            **NUMBERS,
        ),
        validator="unit",
    )
    # A release puts the engine there and restarts it; this role only says how it runs.
    yield Service(
        unit=UNIT,
        running=True,
        restart_on=(f"file:{path}",),
        after=("service:magnus-rt-tune",),
        needs=trading.engine,
    )
