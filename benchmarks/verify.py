"""How long `magnusctl verify --no-load` takes on four hosts, beside a floor that asks nothing.

`python -m benchmarks.verify [--runs N]` (root on Linux: the hosts are those of the lab)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median

from tests.lab.cluster import Cluster, cluster
from tests.lab.lab import lab


def floor(four: Cluster) -> list[str]:
    """Connect to every host at once with Paramiko's SSHClient, and run `true`."""
    path = four.lab.workdir / "hosts.json"
    where = {
        "user": "admin",
        "key": str(four.lab.key),
        "known_hosts": str(four.lab.known_hosts),
        "hosts": {name: host.address for name, host in four.lab.hosts.items()},
    }
    path.write_text(json.dumps(where))
    return [sys.executable, "-m", "benchmarks.floor", "sshclient", str(path)]


def wall(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> int:
    """Both in turn, so that the load of the machine is the same for both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify")
    parser.add_argument("--runs", type=int, default=7)
    runs = max(1, min(parser.parse_args().runs, 100))
    with lab() as running:
        four = cluster(running)
        made = four.magnusctl("provision", "--yes")
        if made.returncode:
            print(made.stdout + made.stderr, file=sys.stderr)
            return 1
        words = floor(four)
        environment = four.environment()
        asked = four.magnusctl("verify", "--no-load", "--json")
        checks = sum('"type":"check"' in line for line in asked.stdout.splitlines())
        walls: dict[str, list[float]] = {"verify --no-load": [], "floor (SSHClient)": []}
        for _ in range(runs):
            taken = wall(lambda: four.magnusctl("verify", "--no-load", "--json"))
            walls["verify --no-load"].append(taken)
            taken = wall(lambda: running.control(words, timeout=60, env=environment, check=True))
            walls["floor (SSHClient)"].append(taken)
    for name, seconds in walls.items():
        told = f"({min(seconds):.3f}-{max(seconds):.3f}), {runs} runs"
        print(f"{name:<20}{median(seconds):8.3f} s   {told}")
    ours, base = (median(seconds) for seconds in walls.values())
    print(f"{'ratio':<20}{ours / base:8.2f}     {checks} checks on 4 hosts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
