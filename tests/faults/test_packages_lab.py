"""R11, R12, R13: a real apt that somebody else holds, that was killed, that asks, that is too old.

The packages are made on the spot; apt, dpkg, debconf and their locks are real.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.debs import Deb, drop, offer
from tests.faults.real import Real, declare, journal, reachable
from tests.lab import Host, Lab, lab, missing
from tests.lab.system import wait_for

LACKS = missing()
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(LACKS), reason=f"no lab here, lacking: {', '.join(LACKS)}"),
]
SECONDS = 6
_WAITS = f"#!/bin/sh\ntrue >/run/slow; sleep {SECONDS}\n"
# Takes the lock as apt does, with fcntl: F_SETLK is 6, F_WRLCK is 1.
_HOLD = (
    'open(F, ">>", "/var/lib/apt/lists/lock") or die; $l = pack("s s x4 q q i", 1, 0, 0, 0, 0); '
    "fcntl(F, 6, $l) or die $!; "
    f'open(G, ">", "/run/slow"); sleep {SECONDS}'
)
_TEMPLATES = """\
Template: asks/word
Type: string
Description: A word that has no answer of its own
"""
_CONFIG = """\
#!/bin/sh
. /usr/share/debconf/confmodule
db_input critical asks/word || true
db_go || true
"""
_ASKS = """\
#!/bin/sh
. /usr/share/debconf/confmodule
(exec </dev/tty) 2>/dev/null && echo "a terminal" >/run/asked
exit 0
"""
_READS = "#!/bin/sh\nread -r answer && echo read >/run/asked\nexit 0\n"


@pytest.fixture
def one() -> Iterator[Lab]:
    with lab(["one"]) as running:
        reachable(running, "one", 20)
        yield running


def wants(one: Lab, *packages: str, **more: Any) -> Real:
    return declare(one, {"one": {"resources": {"packages": list(packages), **more}}})


def installed(host: Host, package: str) -> str:
    """The state and the version of a package, or nothing."""
    form = "${db:Status-Status} ${Version}"
    return host.run(f"dpkg-query -W -f='{form}' {package}", check=False).stdout


@contextlib.contextmanager
def meanwhile(host: Host, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run something on a host until it makes /run/slow, and go on; it ends with the test."""
    there = ["nsenter", "-t", str(host.leader), "-a", "-r", "-w", "--", *words]
    process = subprocess.Popen(
        there, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for("its beginning", (host.rootfs / "run").exists, 5)
        wait_for("its lock", lambda: not host.run("test -e /run/slow", check=False).returncode, 30)
        yield process
    finally:
        process.kill()
        process.wait()


def test_r11_apt_that_somebody_holds_is_waited_for_and_who_it_is_is_told(one: Lab) -> None:
    host = one.hosts["one"]
    offer(host, Deb("slow", scripts={"postinst": _WAITS}))
    host.run("apt-get update")
    with meanwhile(host, "apt-get", "-y", "install", "slow") as other:
        ran = wants(one, "jq").run("provision", "--yes")
        assert other.wait(30) == 0
    assert ran.code == 0, ran.said
    told = [line for line in ran.stderr.splitlines() if "waiting up to 10 min for" in line]
    assert len(told) == 1, ran.said
    assert told[0].startswith("one  waiting up to 10 min for /var/lib/dpkg/lock-frontend, held by ")
    assert told[0].endswith("(apt-get)")
    assert installed(host, "jq").startswith("installed ")
    assert installed(host, "slow") == "installed 1.0"


def test_r11_lists_that_somebody_holds_are_waited_for(one: Lab) -> None:
    """apt itself waits for dpkg alone: an `apt-get update` by apt-daily would make it fail."""
    host = one.hosts["one"]
    host.run("rm -f /var/lib/apt/lists/*_Packages")
    with meanwhile(host, "perl", "-e", _HOLD):
        ran = wants(one, "jq").run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert "one  waiting up to 10 min for /var/lib/apt/lists/lock, held by pid " in ran.stderr
    assert ran.stderr.count("waiting up to") == 1
    assert installed(host, "jq").startswith("installed ")


def test_r11_what_a_killed_dpkg_had_begun_is_finished(one: Lab) -> None:
    host = one.hosts["one"]
    offer(host, Deb("slow", scripts={"postinst": _WAITS}))
    host.run("apt-get update")
    with meanwhile(host, "apt-get", "-y", "install", "slow"):
        host.run("pkill -KILL apt-get; pkill -KILL dpkg; pkill -KILL -f '[s]low.postinst'; true")
    assert "dpkg was interrupted" in host.run("apt-get -y install jq 2>&1; true").stdout
    real = wants(one, "jq")
    ran = real.run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert "one  dpkg was interrupted here before; finishing what it had begun" in ran.stderr
    assert installed(host, "jq").startswith("installed ")
    assert installed(host, "slow") == "installed 1.0"
    assert real.run("plan", "--detailed-exitcode").code == 0


def test_r12_nothing_ever_asks(one: Lab) -> None:
    """debconf with a question that has no default, a conffile that a person changed, a script that
    reads: each has its answer, or none, and the changed file stays."""
    host = one.hosts["one"]
    conf = {"/etc/conf.ini": "first\n"}
    offer(host, Deb("conf", files=conf, conffiles=("/etc/conf.ini",)))
    host.run("apt-get update && apt-get -y install conf")
    (host.rootfs / "etc/conf.ini").write_text("by hand\n")
    asks = {"templates": _TEMPLATES, "config": _CONFIG, "postinst": _ASKS}
    newer = Deb("conf", "2.0", files={"/etc/conf.ini": "second\n"}, conffiles=("/etc/conf.ini",))
    others = (
        Deb("asks", depends="debconf, conf (>= 2)", scripts=asks),
        Deb("reads", scripts={"postinst": _READS}),
    )
    offer(host, newer, *others)
    ran = wants(one, "asks", "reads").run("provision", "--yes", seconds=60)
    assert ran.code == 0, ran.said
    assert (host.rootfs / "etc/conf.ini").read_text() == "by hand\n"
    assert installed(host, "conf") == "installed 2.0"
    assert host.run("test ! -e /run/asked", check=False).returncode == 0


def test_r13_lists_that_are_too_old_are_read_anew(one: Lab) -> None:
    host = one.hosts["one"]
    old = Deb("moves")
    offer(host, old)
    host.run("apt-get update")
    drop(host, old)
    offer(host, Deb("moves", "2.0"), forget="moves")
    ran = wants(one, "moves").run("provision", "--yes")
    assert ran.code == 0, ran.said
    assert installed(host, "moves") == "installed 2.0"


@pytest.mark.parametrize("version", ["1.0", "1.*"])
def test_r13_a_version_that_is_gone_is_refused_with_those_that_are_offered(
    one: Lab, version: str
) -> None:
    host = one.hosts["one"]
    offer(host, Deb("moves", "2.0"), Deb("moves", "3.0"))
    roles = one.workdir / "roles"
    roles.mkdir()
    (roles / "pinned.py").write_text(
        "from magnusctl.resources.package import Package\n\n\n"
        "def resources(context):\n"
        f"    yield Package(package='moves', version='{version}')\n"
        "    yield Package(package='jq')\n"
    )
    real = declare(one, {"one": {"roles": ["pinned"]}})
    ran = real.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert f"no repository of this host offers: moves={version} (but 3.0, 2.0)" in ran.stdout
    assert "one: package:moves failed" in ran.stdout
    # Nothing else of the same transaction was attempted.
    assert installed(host, "jq") == ""
    assert journal(host)[-1] == "end failed"
