# mypy: ignore-errors
# pyinfra is installed for the benchmark only.
"""The workload of magnus.yaml for pyinfra 3, with its own operations and the same templates."""

from pathlib import Path

from pyinfra import config, host
from pyinfra.operations import apt, files, server, systemd
from pyinfra.operations.util import any_changed

config.SUDO = True

TEMPLATES = Path(__file__).parent / "templates"
BLOCKS = {"trim_blocks": True, "lstrip_blocks": True}
SYSCTLS: dict[str, int | str] = {
    "net.ipv4.tcp_keepalive_time": 600,
    "net.ipv4.tcp_keepalive_intvl": 30,
    "net.ipv4.tcp_keepalive_probes": 5,
    "net.ipv4.tcp_fin_timeout": 30,
    "net.ipv4.tcp_mtu_probing": 1,
    "net.ipv4.tcp_slow_start_after_idle": 0,
    "net.ipv4.tcp_rmem": "4096 131072 16777216",
    "net.ipv4.tcp_wmem": "4096 65536 16777216",
    "net.ipv4.ip_local_port_range": "20000 60999",
    "net.core.somaxconn": 8192,
}
FILES = {
    "/etc/relay/relay.conf": ("relay.conf", "relay-data", "640"),
    "/etc/relay/agent.conf": ("agent.conf", "relay-ops", "640"),
    "/etc/relay/peers.json": ("peers.json", "root", "644"),
    "/etc/relay/conf.d/limits.conf": ("limits.conf", "root", "644"),
    "/etc/relay/conf.d/logging.conf": ("logging.conf", "root", "644"),
    "/etc/sysctl.d/90-relay.conf": ("sysctl.conf", "root", "644"),
    "/etc/security/limits.d/relay.conf": ("security.conf", "root", "644"),
    "/etc/profile.d/relay.sh": ("profile.sh", "root", "644"),
}
UNITS = ("relay", "relay-agent", "relay-export", "relay-clean")
RESTART_ON = {"relay": "/etc/relay/relay.conf", "relay-agent": "/etc/relay/agent.conf"}

apt.packages(
    name="Packages",
    packages=[
        *("openssh-server", "sudo", "iproute2", "iputils-ping"),
        *("iperf3", "procps", "kmod", "dbus"),
    ],
)
for group in ("relay-data", "relay-ops"):
    server.group(name=f"Group {group}", group=group)
server.user(
    name="User relay",
    user="relay",
    home="/home/relay",
    shell="/bin/bash",
    comment="Relay worker",
    groups=["relay-data", "relay-ops"],
    append=True,
    create_home=True,
    ensure_home=False,
)
for path, user, group, mode in (
    ("/etc/relay", "root", "root", "755"),
    ("/etc/relay/conf.d", "root", "root", "755"),
    ("/var/lib/relay", "relay", "relay-data", "750"),
    ("/var/log/relay", "relay", "relay-ops", "750"),
):
    files.directory(name=f"Directory {path}", path=path, user=user, group=group, mode=mode)

changed = {}
for dest, (template, group, mode) in FILES.items():
    changed[dest] = files.template(
        name=f"File {dest}",
        src=str(TEMPLATES / f"{template}.j2"),
        dest=dest,
        user="root",
        group=group,
        mode=mode,
        create_remote_dir=False,
        jinja_env_kwargs=dict(BLOCKS),
        vars=host.data.relay,
    )
for unit in UNITS:
    changed[unit] = files.template(
        name=f"Unit {unit}",
        src=str(TEMPLATES / f"{unit}.service.j2"),
        dest=f"/etc/systemd/system/{unit}.service",
        user="root",
        group="root",
        mode="644",
        create_remote_dir=False,
        jinja_env_kwargs=dict(BLOCKS),
        vars=host.data.relay,
    )

for key, value in SYSCTLS.items():
    server.sysctl(name=f"Sysctl {key}", key=key, value=value)

systemd.daemon_reload(name="Reload units", _if=any_changed(*(changed[unit] for unit in UNITS)))
for unit in UNITS:
    systemd.service(name=f"Service {unit}", service=f"{unit}.service", running=True, enabled=True)
for unit, dest in RESTART_ON.items():
    systemd.service(
        name=f"Restart {unit}",
        service=f"{unit}.service",
        restarted=True,
        _if=any_changed(changed[dest], changed[unit]),
    )
