"""Is there room where models go?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, passed, unknown, warned
from magnusctl.quote import sh


def room(folder: str) -> str:
    """The text that asks how full the file system of a folder is: KiB in all, and free."""
    tell = "END { if (NF > 5 && $2 + 0) print $2, $4; else print }"
    return f"df -Pk \"$MAGNUS_ROOT\"{sh(folder)} 2>&1 | awk '{tell}'"


def enough(min_percent: int) -> Callable[[Sequence[str]], Judgement]:
    """A judge of the share that is free."""

    def judge(lines: Sequence[str]) -> Judgement:
        words = lines[0].split() if lines else []
        if len(words) != 2 or not all(word.isdecimal() for word in words) or words[0] == "0":
            return unknown(" ".join(words) or "df said nothing")
        total, free = map(int, words)
        percent, target = 100 * free / total, f"{min_percent} % free"
        shown = f"{percent:.0f} % free, {free / 1024**2:.0f} GiB"
        if percent >= min_percent:
            return passed(shown, target)
        return warned(shown, target, "Take away models that nobody uses, or give it a larger disk.")

    return judge
