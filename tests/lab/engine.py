"""A stand-in for the trading engine: a real systemd service that nobody may disturb.

SIMULATED in what it does, which is to sleep; real in how it runs: SCHED_FIFO at priority 10, on
processor 0 alone, as a container allows root to ask for.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.host import Host
from tests.lab.system import LabError

SERVICE = "trading-engine.service"
_PROGRAM = "/usr/local/bin/trading-engine"
_TEXT = "#!/bin/sh\nwhile :; do sleep 1; done\n"
_UNIT = f"""\
[Unit]
Description=Stand-in for the trading engine

[Service]
Type=exec
ExecStart={_PROGRAM}
CPUSchedulingPolicy=fifo
CPUSchedulingPriority=10
CPUAffinity=0

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class EngineState:
    """What must be the same before and after; `started` is in ticks since the machine's boot."""

    pid: int
    started: int
    policy: str
    priority: int
    affinity: str


def install_engine(host: Host) -> EngineState:
    """Install the service, start it now and at every boot; the state it is in then."""
    (host.rootfs / _PROGRAM.lstrip("/")).write_text(_TEXT)
    (host.rootfs / "etc/systemd/system" / SERVICE).write_text(_UNIT)
    host.run(f"chmod 755 {_PROGRAM}; systemctl daemon-reload; systemctl enable --now {SERVICE}")
    return engine_state(host)


def engine_state(host: Host) -> EngineState:
    """Which process the engine is, and how it is scheduled. LabError when it does not run."""
    pid = int(host.run(f"systemctl show -p MainPID --value {SERVICE}").stdout)
    if not pid:
        raise LabError(f"{host.name}: {SERVICE} does not run")
    script = f"cut -d ')' -f 2- /proc/{pid}/stat; chrt -p {pid}; taskset -pc {pid}"
    stat, policy, priority, affinity = host.run(script).stdout.splitlines()
    return EngineState(
        pid=pid,
        started=int(stat.split()[19]),
        policy=policy.rpartition(": ")[2],
        priority=int(priority.rpartition(": ")[2]),
        affinity=affinity.rpartition(": ")[2],
    )
