"""A lab for a developer: `python -m tests.lab up|down|status`."""

import shlex
import sys
import threading

from tests.lab import state
from tests.lab.lab import NAMES, Lab, lab
from tests.lab.needs import missing


def _print(running: Lab) -> None:
    for host in running.hosts.values():
        print(f"{host.name:10} {host.address:15} lan10g {host.mac}  init {host.leader}")
    print(f"key          {running.key}")
    print(f"known_hosts  {running.known_hosts}")
    example = running.ssh(next(iter(running.hosts)), "uname", "-a")
    print(f"try          ip netns exec {running.control_namespace} {shlex.join(example)}")


def _up(names: list[str]) -> int:
    """Run a lab until Ctrl-C."""
    try:
        with lab(names or NAMES) as running:
            _print(running)
            print("Ctrl-C takes it down.", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("taken down")
    return 0


def _down() -> int:
    """Take down the labs whose owners are dead; a live one ends with its owner."""
    swept = state.sweep()
    print(f"taken down: {', '.join(swept) or 'none'}")
    for record in state.records():
        print(f"{record.id} is in use by process {record.owner}: end that process")
    return 0


def _status() -> int:
    """Say what this machine lacks for a lab, and which labs are on record."""
    print(f"missing: {', '.join(missing()) or 'nothing'}")
    for record in state.records():
        word = "running" if record.alive() else "left over"
        print(f"{record.id} {word}, process {record.owner}, {record.workdir}")
    return 0


def main(argv: list[str]) -> int:
    match argv:
        case ["up", *names]:
            return _up(names)
        case ["down"]:
            return _down()
        case ["status"]:
            return _status()
    print("usage: python -m tests.lab up [NAME...] | down | status", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
