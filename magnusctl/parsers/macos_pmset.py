"""`pmset -g` and `pmset -g custom`: when a Mac sleeps; also its battery and its assertions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from magnusctl.parsers import Facts
from magnusctl.parsers.macos_words import complaint, integer, plain_lines

_HEADINGS = {
    "System-wide power settings:": "system",
    "Currently in use:": "current",
    "AC Power:": "ac",
    "Battery Power:": "battery",
    "UPS Power:": "ups",
    "Active Profiles:": "profiles",
    "Assertion status system-wide:": "assertions",
}
_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9 _-]{0,40}?)\s{1,40}(-?[0-9]{1,12}|/\S{1,200})(\*?)")
_SOURCE = re.compile(r"Now drawing from '([^']{1,40})'")
_CHARGE = re.compile(r"-\S[^\t]{0,80}?\s([0-9]{1,3})%; ([A-Za-z ]{1,40})(?:;|$)")
_HELD = re.compile(r"\s*(sleep|displaysleep)\s.*prevented by ([^)]{1,400})\)")
_USUAL = (
    *("SleepDisabled", "sleep", "disksleep", "displaysleep", "powernap", "womp", "autorestart"),
    *("standby", "lowpowermode", "tcpkeepalive", "hibernatemode", "networkoversleep"),
    "ttyskeepawake",
)
_KNOWN = {*_USUAL, "hibernatefile", "SleepServices", "Sleep On Power Button", "autopoweroff"}


def parse(text: str) -> Mapping[str, Mapping[str, str | int]]:
    """The settings by section: system, current, ac, battery, ups, assertions, source.

    Sleep timers are in minutes, 0 is never. Settings without a heading are of current.
    """
    sections: dict[str, dict[str, str | int]] = {}
    for section, key, value in _settings(plain_lines(text)):
        sections.setdefault(section, {})[key] = value
    return sections


def facts(text: str) -> Facts:
    """The settings in use, or those of the only profile; each profile under ac, battery, ups."""
    sections, lines = parse(text), plain_lines(text)
    profiles = {name: sections[name] for name in ("ac", "battery", "ups") if name in sections}
    used = {**sections.get("system", {}), **sections.get("current", {})}
    if not used and len(profiles) == 1:
        used = {**next(iter(profiles.values()))}
    source = sections.get("source", {})
    return {
        **dict.fromkeys(_USUAL),
        **sections.get("assertions", {}),
        **used,
        **{name: {**dict.fromkeys(_USUAL), **profile} for name, profile in profiles.items()},
        "power_source": source.get("drawing_from"),
        "battery_percent": source.get("percent"),
        "battery_state": source.get("state"),
        **_prevented(lines),
        "error": complaint(lines, "pmset"),
    }


def _settings(lines: list[str]) -> Iterator[tuple[str, str, str | int]]:
    section: str | None = None
    headed = False
    for line in lines:
        plain = line.strip()
        if plain.endswith(":"):
            section, headed = _HEADINGS.get(plain), True
            continue
        yield from _source(plain)
        # What stands behind in brackets says who holds the sleep off.
        match = _SETTING.fullmatch(plain.partition(" (")[0].strip())
        if not match or (not headed and match[1] not in _KNOWN):
            continue
        if section or not headed:
            number = integer(match[2])
            yield section or "current", match[1], match[2] if number is None else number


def _source(line: str) -> Iterator[tuple[str, str, str | int]]:
    source, charge = _SOURCE.match(line), _CHARGE.match(line)
    if source:
        yield "source", "drawing_from", source[1]
    if charge:
        yield "source", "percent", int(charge[1])
        yield "source", "state", charge[2].strip()


def _prevented(lines: list[str]) -> Facts:
    found = {match[1]: match[2].split(", ") for match in map(_HELD.match, lines) if match}
    return {f"{name}_prevented_by": found.get(name, []) for name in ("sleep", "displaysleep")}
