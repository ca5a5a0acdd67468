"""Write the list of keys that unit files may have: `python -m dev.unitkeys SYSTEMD...`.

Each SYSTEMD is the program of one version, as `/lib/systemd/systemd`, or the root of a system that
holds one; the list is what any of them knows, and the keys that newer ones are known to have.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

TARGET = Path(__file__).parent.parent / "magnusctl" / "resources" / "unitkeys.py"
HEAD = '''"""The keys that systemd knows, by section: it swallows every other with a warning.

Written by dev/unitkeys.py from `systemd --dump-configuration-items` of versions 252 and 257.
"""

from __future__ import annotations

from collections.abc import Mapping

'''
EXEC = ["Service", "Socket", "Mount", "Swap"]


def known(program: str) -> dict[str, set[str]]:
    """The sections of one version with their keys."""
    root = Path(program)
    command = [program] if root.is_file() else ["chroot", program, "/usr/lib/systemd/systemd"]
    told = subprocess.run(
        [*command, "--dump-configuration-items"], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, set[str]] = {}
    section = ""
    for line in told.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line:
            found.setdefault(section, set()).add(line.partition("=")[0])
    return found


def main() -> None:
    """Write the module."""
    union: dict[str, set[str]] = {}
    for program in sys.argv[1:]:
        for section, keys in known(program).items():
            union.setdefault(section, set()).update(keys)
    shared = set.intersection(*(union[section] for section in EXEC))
    lines = [HEAD, "_EXEC = '''", *wrapped(shared), "'''\n", "_OWN = {"]
    for section in sorted(union):
        own = union[section] - (shared if section in EXEC else set())
        lines += [f"    {section!r}: '''", *wrapped(own), "''',"]
    lines += [
        "}\n",
        "KEYS: Mapping[str, frozenset[str]] = {",
        f"    name: frozenset((own + (_EXEC if name in {tuple(EXEC)} else '')).split())",
        "    for name, own in _OWN.items()",
        "}",
    ]
    TARGET.write_text("\n".join(lines) + "\n")


def wrapped(keys: set[str]) -> list[str]:
    """Keys in lines that fit."""
    return textwrap.wrap(" ".join(sorted(keys)), 98, break_long_words=False)


if __name__ == "__main__":
    main()
