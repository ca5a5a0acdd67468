"""Host ranges: `gpu[01:16]` stands for gpu01 to gpu16."""

from __future__ import annotations

import re

MAX_HOSTS = 4096
_RANGE = re.compile(r"([^\[\]]*)\[(\d{1,100}):(\d{1,100})\]([^\[\]]*)")


def expand(name: str) -> list[tuple[str, str]]:
    """Names with the text that replaced the range (empty for a plain name).

    Zeros in front are kept. Raises ValueError for a range that is malformed or too long.
    """
    if "[" not in name and "]" not in name:
        return [(name, "")]
    match = _RANGE.fullmatch(name)
    if not match:
        raise ValueError("a host range is written as in gpu[01:16]")
    head, first, last, tail = match.groups()
    if int(last) < int(first):
        raise ValueError(f"the range runs backwards: {first} is more than {last}")
    if int(last) - int(first) >= MAX_HOSTS:
        raise ValueError(f"more than {MAX_HOSTS} hosts in one range")
    numbers = [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return [(f"{head}{number}{tail}", number) for number in numbers]


def address_of(address: str, number: str) -> str:
    """The address of one host of a range. In an IP address the number has no zeros in front,
    which some programs read as octal; in a name it is as in the host's own name."""
    numeric = re.fullmatch(r"[0-9.:{n}]+", address)
    return address.replace("{n}", str(int(number)) if numeric and number else number)


def cpus_in(text: str) -> frozenset[int]:
    """The CPUs of a list as the kernel writes it: `0,4-5` is 0, 4 and 5."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)
