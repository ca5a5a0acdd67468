"""The front of a host's models: nginx, with a port for each that outlives its releases."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.releases.record import Record
from magnusctl.resources.command import Command
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.resources.release import FRONT
from magnusctl.resources.service import Service
from magnusctl.roles import daemon, storage
from magnusctl.roles.context import Context
from magnusctl.roles.daemon import LOGS, UNITS, Job
from magnusctl.roles.engines import common
from magnusctl.roles.ports import listen_address
from magnusctl.state import Resource

BREW_NGINX = "/opt/homebrew/bin/nginx"
FRONT_LABEL = "net.magnus.front"
NGINX = {
    **{"workers": 2, "connections": 2048, "largest_mib": 64},
    # Seconds. A model may think for long before its first word, and a stream goes on for long.
    **{"connect_s": 5, "silence_s": 3600, "longest_drain_s": 600},
}
_RETRY_S = 5


def front(context: Context, record: Record) -> Iterator[Resource]:
    """nginx, before all releases of all models of this host."""
    group, mac = context.root_group, context.host.macos
    run = "/var/magnus/front" if mac else "/run/magnus-front"
    if not mac:
        # Debian starts a web server on port 80 with the package; one that serves already is let be.
        yield Command(
            label="nginx starts no web server of its own",
            run="system systemctl mask nginx.service",
            unless="case $(system systemctl is-enabled nginx.service 2>/dev/null) in masked) ;; "
            "*) system systemctl is-active -q nginx.service ;; esac",
            undo="system systemctl unmask nginx.service && "
            "{ system systemctl disable nginx.service 2>/dev/null || :; }",
        )
        yield Package(package="curl")
    yield Package(package="nginx")
    yield Directory(path="/etc/magnus", group=group)
    yield Directory(path=FRONT, group=group)
    if mac:
        yield Directory(path=run, owner=storage.MAC_USER, group=storage.MAC_USER, mode="0750")
    main = f"{FRONT}/nginx.conf"
    content = context.render("front/nginx.conf.j2", run=run, **NGINX)
    yield File(path=main, content=content, group=group)
    address, _, port = record.front.rpartition(":")
    own = f"{FRONT}/{record.model}.server"
    values: dict[str, object] = {
        "address": address,
        "port": port,
        "model": record.model,
        "retry_s": _RETRY_S,
    }
    values["shared"] = record.engine == "ollama"
    # Both are empty after a boot.
    values["closed"] = "/var/run/magnus-" if mac else f"{run}/"
    yield File(path=own, content=context.render("front/model.conf.j2", **values), group=group)
    if mac:
        yield from _mac_front(context, (f"file:{main}", f"file:{own}"), run)
        return
    unit = f"{UNITS}/magnus-front.service"
    yield File(path=unit, content=_front_unit(context), validator="unit")
    yield Service(
        unit="magnus-front",
        reload=True,
        restart_on=(f"file:{main}", f"file:{own}", f"file:{unit}"),
        after=("package:nginx",),
    )


def _front_unit(context: Context) -> str:
    values = common.unit_values(context)
    values["addresses"] = [values["host_address"]]
    return context.render("front/front.service.j2", **values)


def _mac_front(context: Context, files: tuple[str, ...], run: str) -> Iterator[Resource]:
    wanted = Job(
        label=FRONT_LABEL,
        program=(BREW_NGINX, "-c", f"{FRONT}/nginx.conf", "-g", "daemon off;"),
        user=storage.MAC_USER,
        folder=run,
        log=f"{LOGS}/{FRONT_LABEL}.log",
        keep_alive=True,
    )
    yield from daemon.job(context, wanted, restart_on=files, after=("package:nginx",))


def front_address(context: Context, port: int) -> str:
    """Where clients reach a model."""
    return f"{listen_address(context)}:{port}"
