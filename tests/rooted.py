"""A project with one simulated host: a root on this machine, and the command line to run on it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from magnusctl.demo import roots
from magnusctl.errors import InputError
from magnusctl.fleet import Fleet, open_fleet
from magnusctl.inventory.model import Host
from tests.inventory.helpers import magnusctl

HEAD = """\
hosts:
  a:
    os: debian-12
    connection: local
    become: false
    simulated: true
    root: {root}
"""


@dataclass(frozen=True)
class Project:
    """A folder with an inventory, and the root of its only host."""

    folder: Path

    @property
    def root(self) -> Path:
        """Where the files of the host are."""
        return self.folder / "host"

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """A file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # A stand-in may be a link to a program of this machine.
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def inventory(self, host: str = "", top: str = "") -> None:
        """Write the inventory: what the host has, below its head, and what stands beside it."""
        lines = [f"    {line}\n" for line in host.splitlines()]
        self.write("magnus.yaml", top + HEAD.format(root=self.root) + "".join(lines))

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run magnusctl in the project."""
        return magnusctl(self.folder, *words, environment=environment)

    def opened(self, tags: str = "*") -> Fleet:
        """The fleet, with everything compiled."""
        return open_fleet([self.folder / "magnus.yaml"], tags=tags)

    def refused(self) -> str:
        """What is said of a project that is wrong, with the folder cut from the names."""
        try:
            self.opened()
        except InputError as error:
            return str(error).replace(f"{self.folder}/", "")
        raise AssertionError("nothing is wrong with it")


def project(folder: Path) -> Project:
    """A project whose host is as a vendor ships it."""
    made = Project(folder)
    roots.make(made.root, Host.model_validate({"os": "debian-12"}), {})
    made.inventory()
    return made
