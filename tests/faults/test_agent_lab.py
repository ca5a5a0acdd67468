"""P13: nobody on a host can use the agent of whoever connects, unless the inventory says so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kill import Journals
from tests.faults.real import declare, reachable, says
from tests.lab import Lab, lab, missing
from tests.lab.system import wait_for

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
WARNING = "one  its root can use your agent's keys while you are connected: forward_agent"


@pytest.fixture(scope="module")
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        reachable(running, "one", 20)
        yield running


@pytest.fixture
def agent(one: Lab, tmp_path: Path) -> Iterator[str]:
    """An agent with the key of the lab; its socket."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        wait_for("the agent", socket.exists, 10)
        environment = {"SSH_AUTH_SOCK": str(socket), "PATH": "/usr/bin:/bin"}
        subprocess.run(["ssh-add", "-q", str(one.key)], env=environment, check=True)
        yield str(socket)
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize(
    "forwards", [False, pytest.param(True, marks=pytest.mark.slow_faults)], ids=["off", "on"]
)
def test_p13_an_agent_stays_here_unless_the_host_says_otherwise(
    one: Lab, agent: str, forwards: bool
) -> None:
    host, journals = one.hosts["one"], Journals(one.hosts["one"].rootfs)
    mark = f"/forwards-{forwards}"
    commands = {mark: {"run": f"sleep 3; touch {mark}", "unless": f"test -e {mark}"}}
    ssh: dict[str, Any] = {
        "config": "none",
        "identity": str(one.key),
        "known_hosts": str(one.known_hosts),
        "forward_agent": forwards,
    }
    real = declare(one, {"one": {"resources": {"commands": commands}, "ssh": ssh}})
    with real.start("provision", "--yes", SSH_AUTH_SOCK=agent) as run:
        says(host, journals, " start 0$")
        sockets = host.run("find /tmp -name 'agent.*'").stdout.split()
        assert run.wait(60) == 0, run.stdout
        assert (WARNING in run.stderr) == forwards
    assert bool(sockets) == forwards
