"""A lab: some Debian hosts, a control side, and nothing that leads anywhere else."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import network, rootfs, state
from tests.lab.container import Container, host_key, lay
from tests.lab.host import Host
from tests.lab.needs import missing
from tests.lab.system import LabError, command, joining, make_group

NAMES = ("rtx3090", "macmini", "m2pro", "linode")


@dataclass(frozen=True)
class Lab:
    """A running lab."""

    id: str
    hosts: Mapping[str, Host]
    key: Path
    known_hosts: Path
    control_namespace: str
    control_address: str
    workdir: Path
    control_group: Sequence[Path]

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` on the control side, and ends with the lab."""
        return joining(self.control_group, network.inside(self.control_namespace, *argv))

    def control(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the control side; `env` replaces the environment."""
        return subprocess.run(
            self.command(argv),
            env=env,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=check,
        )

    def ssh(self, name: str, *words: str) -> list[str]:
        """An ssh command line for the control side: key, strict host keys, user admin."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes")
        known = f"UserKnownHostsFile={self.known_hosts}"
        flags = [word for option in (*options, known) for word in ("-o", option)]
        target = f"admin@{self.hosts[name].address}"
        return ["ssh", "-F", "none", "-i", str(self.key), *flags, target, *words]


@contextlib.contextmanager
def lab(
    names: Sequence[str] = NAMES,
    workdir: Path | None = None,
    *,
    delays: Mapping[str, float] | None = None,
    suite: str = rootfs.SUITE,
) -> Iterator[Lab]:
    """Run a lab with these hosts; `delays` gives round trips in milliseconds by host, `suite` is
    the release of Debian that they run.

    It is taken down however this ends: by this process, or by a watchdog that outlives it.
    """
    if lacks := missing(delays=delays is not None):
        raise LabError(f"no lab on this machine: it lacks {', '.join(lacks)}")
    if len(set(names)) != len(names) or not 0 < len(names) < 100:
        raise LabError("a lab has 1 to 99 hosts, each with a name of its own")
    if unknown := sorted(set(delays or {}) - set(names)):
        raise LabError(f"delays for hosts that the lab has not: {', '.join(unknown)}")
    state.sweep()
    base = rootfs.ensure(suite)
    record = state.new(workdir)
    try:
        watchdog = state.watch(record)
        children: list[subprocess.Popen[bytes]] = []
        try:
            yield _make(record, names, base, delays, children)
        finally:
            state.take_down(record)
            watchdog.communicate()
            for child in children:
                child.wait()
    finally:
        state.take_down(record)


def _make(
    record: state.Record,
    names: Sequence[str],
    base: Path,
    delays: Mapping[str, float] | None,
    children: "list[subprocess.Popen[bytes]]",
) -> Lab:
    """Make what the record announced; every process started is put among `children`."""
    folder = Path(record.workdir)
    key = folder / "key"
    command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key)
    public = key.with_suffix(".pub").read_text()
    numbers = {name: number for number, name in enumerate(names, 1)}
    network.make(record.id)
    if delays is not None:
        by_number = {numbers[name]: ms for name, ms in delays.items()}
        children.append(network.delay_line(record.id, by_number, folder))
    network.join(record.id)
    hosts = {}
    for name, number in numbers.items():
        one = Container(record.id, name, number, folder / "hosts" / name, children)
        lay(one, base, public)
        one.start()
        hosts[name] = Host(one)
    known = folder / "known_hosts"
    known.write_text(
        "".join(f"{each.address} {host_key(each.container)}\n" for each in hosts.values())
    )
    for each in hosts.values():
        each.plug_in()
    for each in hosts.values():
        each.finish()
    _, control = network.namespaces(record.id)
    return Lab(
        id=record.id,
        hosts=hosts,
        key=key,
        known_hosts=known,
        control_namespace=control,
        control_address=network.CONTROL_ADDRESS,
        workdir=folder,
        control_group=make_group(f"magnus-lab-{record.id}/control"),
    )
