"""Keys that a reader would swallow are refused, with their line, before anything is sent."""

from __future__ import annotations

import plistlib

import pytest

from magnusctl.errors import InputError
from magnusctl.resources import seal
from magnusctl.resources.file import File

SERVICE = "/etc/systemd/system/x.service"
JOB = "/Library/LaunchDaemons/net.magnus.x.plist"


def refusal(path: str, content: str) -> str:
    """What is said of a file, or nothing."""
    try:
        seal([File(path=path, content=content)])
    except InputError as error:
        return str(error)
    return ""


UNITS = [
    ("[Unit]\nDescriptoin=x\n", "line 2: systemd knows no 'Descriptoin' in [Unit]"),
    ("[Service]\nExecStart=/bin/x\nDescription=x\n", "knows no 'Description' in [Service]"),
    ("[Sevice]\nExecStart=/bin/x\n", "knows no section 'Sevice'"),
    ("[Service] # mine\nExecStart=/bin/x\n", "takes no comment behind '[Service]'"),
    ("[Service]\nEnvironmentFile=/x.env # note\n", "takes '# note' as part of 'EnvironmentFile'"),
    ("[Service]\nLimitNOFILE=1 # n\n", "as part of 'LimitNOFILE'"),
    ("Nice=5\n[Service]\nExecStart=/bin/x\n", "swallows 'Nice': it is before any section"),
    ("[Service]\nExecStart=/bin/x \\\n# why\n  --y\nNicce=1\n", "line 5: systemd knows no 'Nicce'"),
    ("[Service]\nExecStart\n", "is no line of a unit"),
]


@pytest.mark.parametrize(("content", "said"), UNITS)
def test_a_unit_with_what_systemd_swallows_is_refused(content: str, said: str) -> None:
    assert said in refusal(SERVICE, content)
    assert said in refusal("/etc/systemd/system/x.service.d/10-a.conf", content)


GOOD = [
    "[Unit]\nDescription=a # sign in a description is no comment?\n".replace(" # ", " #"),
    "# all of it\n[Unit]\n; and this\nX-Mine=1\n[X-Tool]\nAnything=1\n",
    "[Service]\nExecStart=/bin/sh -c 'echo a # b'\n",
    '[Service]\nExecStart=/bin/sh -c "echo a # b"\nEnvironment="A=x # y"\n',
    "[Service]\nExecStart=/bin/x \\\n# why\n  --key=value \\\n  --other\n",
    "[Service]\nExecStart=/bin/x \\\n  --key=value \\\n  --other\nRestartSteps=5\n",
    "[Install]\nWantedBy=multi-user.target\n[Timer]\nOnCalendar=daily\n",
    "[Mount]\nWhat=/dev/x\nWhere=/y\nTimeoutSec=3\n",
]


@pytest.mark.parametrize("content", GOOD)
def test_a_good_unit_is_taken(content: str) -> None:
    assert refusal(SERVICE, content) == ""


def test_other_files_and_absent_ones_are_not_judged() -> None:
    assert refusal("/etc/x.service", "[Nothing]\n") == ""
    seal([File(path=SERVICE, ensure="absent")])
    seal([File(path=SERVICE, kept="a" * 64)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (plistlib.dumps({"Label": "x", "KeepAlve": True}).decode(), "launchd knows no 'KeepAlve'"),
        ("<plist><dict><key>Label</key></plist>", "this is no property list"),
        (plistlib.dumps(["x"]).decode(), "is keys and values"),
        (plistlib.dumps({"Label": "x", "KeepAlive": True}).decode(), ""),
    ],
)
def test_a_job_of_launchd_is_held_to_its_keys(content: str, said: str) -> None:
    found = refusal(JOB, content)
    assert said in found
    assert bool(said) == bool(found)
