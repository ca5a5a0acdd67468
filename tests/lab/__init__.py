"""Real Debian hosts on this machine, in network namespaces without a way out."""

from tests.lab.host import Host
from tests.lab.lab import Lab, lab
from tests.lab.needs import missing
from tests.lab.system import LabError

__all__ = ["Host", "Lab", "LabError", "lab", "missing"]
