"""Files whose readers swallow what they do not know: here it is refused, before it is sent."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from xml.parsers.expat import ExpatError

from magnusctl.errors import InputError
from magnusctl.resources.file import File
from magnusctl.resources.unitkeys import KEYS

_UNIT = re.compile(
    r"/(?:etc|run)/systemd/system/"
    r"(?:[^/]+\.(?:service|socket|timer|mount|path|slice|swap|automount|target)|[^/]+\.d/[^/]+\.conf)"
)
_JOB = re.compile(r"/Library/Launch(?:Daemons|Agents)/[^/]+\.plist")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'" r'|"(?:\\.|[^"\\])*"')
# launchd.plist(5) of macOS 15.
_JOB_WORDS = """
AbandonProcessGroup AssociatedBundleIdentifiers BundleProgram Debug Disabled EnableGlobbing
EnablePressuredExit EnableTransactions EnvironmentVariables ExitTimeOut GroupName
HardResourceLimits HopefullyExitsFirst HopefullyExitsLast InitGroups KeepAlive Label
LaunchEvents LaunchOnlyOnce LegacyTimers LimitLoadFromHosts LimitLoadToHardware LimitLoadToHosts
LimitLoadToSessionType LowPriorityBackgroundIO LowPriorityIO MachServices
MaterializeDatalessFiles Nice OnDemand ProcessType Program ProgramArguments QueueDirectories
RootDirectory RunAtLoad ServiceIPC SessionCreate Sockets SoftResourceLimits StandardErrorPath
StandardInPath StandardOutPath StartCalendarInterval StartInterval StartOnMount ThrottleInterval
TimeOut Umask UserName WaitForDebugger WatchPaths WorkingDirectory inetdCompatibility
"""
_JOB_KEYS = frozenset(_JOB_WORDS.split())


def require_known(file: File) -> None:
    """Raise InputError for a unit or a job of launchd that has what its reader would swallow."""
    if file.ensure != "present" or file.kept:
        return
    if _UNIT.fullmatch(file.path):
        faults = _of_unit(file.content)
    elif _JOB.fullmatch(file.path):
        faults = _of_job(file.content)
    else:
        return
    for line, fault in faults:
        where = f"{file.path}, line {line}" if line else file.path
        hint = "Its reader would not say so: it goes on without."
        raise InputError(fault, where=where, hint=hint)


def _of_unit(text: str) -> Iterator[tuple[int, str]]:
    section, continued = "", False
    for number, raw in enumerate(text.splitlines(), start=1):
        line, was_continued = raw.strip(), continued
        # A comment within a value that goes on is none of it, and does not end it.
        if line.startswith(("#", ";")):
            continue
        continued = line.endswith("\\")
        if was_continued or not line:
            continue
        if line.startswith("["):
            section = line[1:].partition("]")[0]
            if not line.endswith("]"):
                yield number, f"systemd takes no comment behind '[{section}]'"
            if section not in KEYS and not section.startswith("X-"):
                yield number, f"systemd knows no section '{section}'"
            continue
        key, sign, value = (part.strip() for part in line.partition("="))
        if not sign:
            yield number, f"'{line[:40]}' is no line of a unit: KEY=VALUE"
        elif not section:
            yield number, f"systemd swallows '{key}': it is before any section"
        elif section in KEYS and key not in KEYS[section] and not key.startswith("X-"):
            yield number, f"systemd knows no '{key}' in [{section}]"
        elif re.search(r"\s#(\s|$)", _QUOTED.sub("", value)):
            yield number, f"systemd takes '{value[value.index('#') :]}' as part of '{key}'"


def _of_job(text: str) -> Iterator[tuple[int, str]]:
    try:
        job = plistlib.loads(text.encode("utf-8", "surrogateescape"))
    except (ExpatError, plistlib.InvalidFileException, ValueError) as error:
        yield getattr(error, "lineno", 0), f"this is no property list: {error}"
        return
    if not isinstance(job, dict):
        yield 0, "a job of launchd is keys and values"
        return
    for key in job:
        if key not in _JOB_KEYS:
            yield 0, f"launchd knows no '{key}'"
