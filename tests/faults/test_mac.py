"""R17, R19, R20: programs of a Mac that answer too early, run as the wrong user, or lie.

The Mac is SIMULATED: a root with stand-ins for its programs, on whatever runs the tests.
"""

from __future__ import annotations

import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from magnusctl.demo import roots
from magnusctl.inventory import model
from magnusctl.resources.launchd import Launchd
from magnusctl.resources.netservice import Netservice
from tests.faults.smallfs import missing
from tests.shells.hosts import Host, a_file
from tests.shells.shells import SHELLS

LABEL = "com.example.slow"


@pytest.fixture
def macos(tmp_path: Path) -> Host:
    """A simulated Mac."""
    root = tmp_path.resolve() / "macos"
    root.mkdir()
    roots.make(root, model.Host.model_validate({"os": "macos-15"}), {})
    return Host(next(shell for shell in SHELLS if not shell.missing), root)


def reloaded(macos: Host, bootout: str) -> tuple[str, str, bool]:
    """Reload a job of launchd whose `bootout` is other: how it ended, what it said, and whether
    all is as declared now."""
    macos.path("/.standins/launchctl").rename(macos.path("/.standins/real-launchctl"))
    macos.standin("launchctl", f'{bootout}\nexec real-launchctl "$@"')
    macos.write(f"/.simulated/jobs/{LABEL}", "")
    plist = a_file(f"/etc/{LABEL}.plist", "1")
    wanted = Launchd(label=LABEL, plist=plist.path, restart_on=(plist.id,))
    job = macos.provision(plist, wanted)
    said = "\n".join(job.output.get(wanted.id, ()))
    return job.words[wanted.id], said, not macos.plan(plist, wanted)


def test_r17_a_label_that_drains_is_waited_for(macos: Host) -> None:
    slow = '[ "$1" != bootout ] || { (sleep 3; real-launchctl "$@") >/dev/null 2>&1 & exit 0; }'
    refuses = '[ "$1" != bootstrap ] || ! real-launchctl print "$2/x" || exit 5'
    word, said, done = reloaded(macos, f"{slow}\n{refuses}")
    assert word == "ok", said
    assert "failed: 5" not in said
    assert done


@pytest.mark.slow_faults
def test_r17_a_label_that_never_goes_is_named_after_15_seconds(macos: Host) -> None:
    word, said, done = reloaded(macos, '[ "$1" != bootout ] || exit 0')
    # What it was made to read was put back, and cannot be read either.
    assert word in ("failed", "undo-failed")
    assert f"{LABEL} is still there 15 s after bootout" in said
    assert not done


_BREW = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /opt
mkdir -p /opt/homebrew/bin
cp "$1" /opt/homebrew/bin/brew
cd /
NONCE='' ROOT='' JOB=x
. "$2"
OS=Darwin UID_NOW=0
PATH=$3:/usr/bin:/bin
. "$4"
brew_as_owner install --formula jq
"""


@pytest.mark.skipif(bool(missing()), reason=missing() or "-")
def test_r19_brew_runs_as_its_owner_by_its_full_path(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    told = tmp_path / "told"
    for name, text in {
        "sudo": f'printf "%s\\n" "$@" >{told}',
        # As the stat of a Mac: -f %Su is the owner's name.
        "stat": 'case "$1 $2" in "-f %Su") echo someone ;; *) exec /usr/bin/stat "$@" ;; esac',
        "brew": "exit 1",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    package = Path(str(files("magnusctl")))
    texts = (package / "prelude.sh", programs, package / "resources/package.sh")
    words = [str(word) for word in (programs / "brew", *texts)]
    script = [*("unshare", "--mount", "sh", "-c", _BREW, "sh"), *words]
    subprocess.run(script, check=True, timeout=60, env={"PATH": os.environ["PATH"]})
    assert told.read_text().split() == [
        *("-n", "-H", "-u", "someone", "env", "HOMEBREW_NO_AUTO_UPDATE=1"),
        *("/opt/homebrew/bin/brew", "install", "--formula", "jq"),
    ]


WIRED = Netservice(service="Ethernet", device="en0", address="10.0.0.2/24", mtu=1500)


def test_r20_networksetup_that_exits_0_with_an_error_text_has_failed(macos: Host) -> None:
    macos.path("/.standins/networksetup").rename(macos.path("/.standins/real-networksetup"))
    lies = 'case $1 in -set*) echo "** Error: The parameters were not valid."; exit 0 ;; esac'
    macos.standin("networksetup", f'{lies}\nexec real-networksetup "$@"')
    job = macos.provision(WIRED)
    assert job.words[WIRED.id] in ("failed", "undone")
    said = "\n".join(job.output[WIRED.id])
    assert "networksetup: ** Error: The parameters were not valid." in said


@pytest.mark.slow_faults
def test_r20_networksetup_that_says_nothing_and_does_nothing_has_failed(macos: Host) -> None:
    macos.path("/.standins/networksetup").rename(macos.path("/.standins/real-networksetup"))
    macos.standin(
        "networksetup", 'case $1 in -setmanual) exit 0 ;; esac\nexec real-networksetup "$@"'
    )
    job = macos.provision(WIRED)
    assert job.words[WIRED.id] in ("failed", "undone")
    assert "10 s after networksetup: DHCP" in "\n".join(job.output[WIRED.id])
    assert macos.plan(WIRED).changes
