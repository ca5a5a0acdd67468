"""What systemd knows of the clock: `timedatectl`, with or without show or timesync-status."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.linux_cells import label, lines, refusal, switch

_NAMES = {
    "local time": "local_time", "universal time": "universal_time", "rtc time": "rtc_time",
    "time zone": "time_zone", "timezone": "time_zone",
    "ntp synchronized": "synchronized", "system clock synchronized": "synchronized",
    "ntpsynchronized": "synchronized",
    "ntp enabled": "ntp", "network time on": "ntp", "ntp service": "ntp", "ntp": "ntp",
    "systemd-timesyncd.service active": "ntp",
    "rtc in local tz": "rtc_in_local_tz", "localrtc": "rtc_in_local_tz",
    "dst active": "dst_active", "canntp": "can_ntp",
    "server": "server", "stratum": "stratum", "offset": "offset",
}  # fmt: skip
_ANSWERS = {"synchronized", "rtc_in_local_tz", "dst_active"}
_WORDS = {"yes", "no", "active", "inactive", "n/a"}
_TIME = re.compile(r"\S{1,20} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: \S{1,10})?")
_ZONE = re.compile(r"(\S{1,100})(?: \((\S{1,20}), ([-+]\d{4})\))?")
_ZONE_OF_OLD = re.compile(r"n/a \((\S{1,20}), ([-+]\d{4})\)")


@dataclass(frozen=True)
class Clock:
    """Times are as printed; `ntp` is whether a service of systemd sets the clock."""

    synchronized: bool | None = None
    ntp: bool | None = None
    time_zone: str | None = None
    utc_offset: str | None = None
    local_time: str | None = None
    universal_time: str | None = None
    rtc_time: str | None = None
    rtc_in_local_tz: bool | None = None
    dst_active: bool | None = None
    server: str | None = None
    error: str | None = None


def _cells(text: str) -> dict[str, str]:
    """The values by our names, whichever version of systemd named them."""
    found: dict[str, str] = {}
    for line in lines(text):
        name, equals, value = line.partition("=")
        pair = (name, value) if equals and name.isalnum() else label(line)
        known = _NAMES.get(pair[0].lower()) if pair else None
        half = pair and known in (*_ANSWERS, "ntp") and pair[1] not in _WORDS
        if pair and known and not half:
            found.setdefault(known, pair[1])
    return found


def parse(text: str) -> Clock:
    """What the text tells of the clock; `error` where systemd could not be asked."""
    cells = _cells(text)
    if not cells:
        return Clock(error=_failure(text))
    zone = _ZONE.fullmatch(cells.get("time_zone", ""))
    old = _ZONE_OF_OLD.fullmatch(cells.get("time_zone", ""))
    return Clock(
        synchronized=switch(cells.get("synchronized")),
        ntp=switch(cells.get("ntp")),
        time_zone=zone[1] if zone and not old else None,
        utc_offset=old[2] if old else zone[3] if zone else None,
        local_time=_time(cells.get("local_time")),
        universal_time=_time(cells.get("universal_time")),
        rtc_time=_time(cells.get("rtc_time")),
        rtc_in_local_tz=switch(cells.get("rtc_in_local_tz")),
        dst_active=switch(cells.get("dst_active")),
        server=cells.get("server") or None,
    )


def _time(said: str | None) -> str | None:
    """A time as printed; None for half of it."""
    return said if said and _TIME.fullmatch(said) else None


def _failure(text: str) -> str | None:
    """Why timedatectl gave no answer."""
    failed = next((line.strip() for line in lines(text) if line.startswith("Failed to ")), None)
    known = refusal(text)
    return known if known == "not booted with systemd" else failed or known


def facts(text: str) -> Facts:
    """The fields of Clock, with `yes` and `no` for its answers as timedatectl prints them."""
    found = parse(text)
    plain: Facts = dict(vars(found))
    for name in (*_ANSWERS, "ntp"):
        answer = plain[name]
        plain[name] = None if answer is None else "yes" if answer else "no"
    return {**plain, "ntp_service": _cells(text).get("ntp")}
