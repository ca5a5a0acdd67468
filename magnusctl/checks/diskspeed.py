"""How fast is a model read from its disk?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from magnusctl.checks.custom import (
    Judge,
    Judgement,
    failed,
    first_line,
    passed,
    skipped,
    unknown,
    warned,
)
from magnusctl.quote import sh
from magnusctl.report import Measure

MIB = 2**20
SAMPLE_MIB = 512
SLOW_MB_S = 100
"""What a disk of spinning plates does: a model of 20 GB then takes minutes to load."""
_SECONDS = r"([0-9]{1,9}(?:[.,][0-9]{1,9})?(?:e-?[0-9]{1,3})?)"
_GNU = re.compile(rf"^([0-9]{{1,18}}) bytes .*copied, {_SECONDS} s", re.MULTILINE)
_BSD = re.compile(rf"^([0-9]{{1,18}}) bytes transferred in {_SECONDS} secs", re.MULTILINE)


def text(folder: str, macos: bool) -> str:
    """The text that reads from the disk below a folder, past the memory that caches it.

    A large file of the folder is read; where there is none, the device itself. A Mac reads files
    through its cache only, so there the device is first.
    """
    read = f"LC_ALL=C dd bs={MIB} count={SAMPLE_MIB} of=/dev/null"
    find = f"""
d=$MAGNUS_ROOT{sh(folder)}
f=$(find "$d" -type f -size +{SAMPLE_MIB}M 2>/dev/null | sed -n 1p)
v=
[ -n "$MAGNUS_ROOT" ] || v=$(df -P "$d" 2>/dev/null | awk 'END {{ print $1 }}')
"""
    if macos:
        return f"""{find}
{read} if="$(echo "$v" | sed 's#^/dev/disk#/dev/rdisk#')" 2>&1 && exit
[ -n "$f" ] || {{ echo nothing; exit; }}
echo cached
{read} if="$f" 2>&1
"""
    return f"""{find}
[ -n "$f" ] || f=$v
[ -r "$f" ] || {{ echo nothing; exit; }}
{read} if="$f" iflag=direct 2>&1
"""


def fast(wanted_mb_s: int | None) -> Judge:
    """A judge in MB/s; `wanted_mb_s` is what the inventory asks of the disk."""

    def judge(lines: Sequence[str]) -> Judgement:
        rate = rate_of("\n".join(lines))
        if "nothing" in lines:
            return skipped("no large file is there yet to be read, and no device")
        if rate is not None and "cached" in lines:
            return unknown(f"{rate:.0f} MB/s, but a Mac reads files through its memory")
        if rate is None:
            return unknown(first_line(lines) or "dd said nothing")
        shown, measure = f"{rate:.0f} MB/s", Measure(rate, "MB/s")
        target = f"{wanted_mb_s or SLOW_MB_S} MB/s"
        remedy = "Is it in the fast slot, on its own lanes, and healthy? smartctl -a there."
        if wanted_mb_s and rate < wanted_mb_s:
            return failed(shown, target, remedy, measure)
        if rate < SLOW_MB_S:
            return warned(shown, target, remedy, measure)
        return passed(shown, target, measure)

    return judge


def rate_of(text: str) -> float | None:
    """MB/s (of 10^6 bytes) as dd of GNU or BSD tells; None for what is too little to judge by."""
    found = _GNU.search(text) or _BSD.search(text)
    if not found:
        return None
    read, seconds = int(found[1]), float(found[2].replace(",", "."))
    return read / seconds / 1e6 if seconds > 0 and read >= 16 * MIB else None
