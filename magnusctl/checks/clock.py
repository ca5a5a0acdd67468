"""Is the clock right, and does one program alone set it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from magnusctl.checks.custom import Judgement, failed, first_line, passed, unknown, warned

RUN = """\
chronyc -n tracking 2>&1
echo "timesyncd $(systemctl is-active systemd-timesyncd 2>/dev/null)"
"""
REMEDY = "Look there with: chronyc sources -v"
_OFFSET = re.compile(
    r"System time\s*:\s*([0-9]{1,12}(?:\.[0-9]{1,12})?(?:e[+-]?[0-9]{1,3})?) seconds (slow|fast)"
)


def offset_judge(limit_s: float) -> Callable[[Sequence[str]], Judgement]:
    """A judge of chrony's words: the offset in seconds must be at most `limit_s`."""

    def judge(lines: Sequence[str]) -> Judgement:
        text, target = "\n".join(lines), f"within {limit_s * 1000:g} ms"
        if "timesyncd active" in text:
            remedy = "systemctl disable --now systemd-timesyncd"
            return failed("two programs set the clock: chrony and systemd-timesyncd", "", remedy)
        found = _OFFSET.search(text)
        if not found:
            return unknown(first_line(lines) or "chronyc said nothing")
        if re.search(r"Leap status\s*: Not synchronised", text):
            return warned("chrony has not found the time yet", target, REMEDY)
        offset = float(found[1])
        shown = f"{offset * 1000:.3f} ms {found[2]}"
        return passed(shown, target) if offset <= limit_s else failed(shown, target, REMEDY)

    return judge
