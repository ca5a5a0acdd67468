"""S8: a file that its validator refuses stays as it was, and the validator's words are shown."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.site import Simulated, Site


@dataclass(frozen=True)
class Case:
    """A validator, a file of its kind that it takes, one that it refuses, and what it says then.

    `program` is the real one where this machine has it, else `words` is what stands in for it.
    """

    path: str
    good: str
    bad: str
    said: str
    program: str
    words: str = ""
    os: str = "debian-12"


# The stand-ins say what the real programs say.
_VISUDO = """\
case $(cat "$2") in *'ALL ('*) echo ">>> $2: syntax error near line 1 <<<" >&2; exit 1 ;; esac"""
_NFT = """\
case $(cat "$3") in tabel*) echo "$3:1:7-10: Error: syntax error, unexpected inet" >&2; exit 1 ;;
esac"""
_PLUTIL = """\
case $(cat "$2") in *'<sad/>'*) echo "$2: Encountered unknown tag sad on line 2"; exit 1 ;;
*) echo "$2: OK" ;; esac"""
_APT = """\
case $(cat "$2") in *';') ;;
*) echo "E: Syntax error $2:1: Extra junk at end of file" >&2; exit 100 ;; esac"""
_PERL = """\
case $(cat "$2") in *'= ;') echo "syntax error at $2 line 1, near \\"= ;\\"" >&2; exit 255 ;;
*) echo "$2 syntax OK" >&2 ;; esac"""
_PFCTL = """\
case $(cat "$2") in blok*) echo "$2:1: syntax error" >&2; exit 1 ;; esac"""
_NEWSYSLOG = """\
case $(cat "$2") in *' J') ;;
*) echo "newsyslog: malformed line (missing fields):" >&2; exit 1 ;; esac"""
_ANALYZE = """\
case $(cat "$3") in *=bin/true*)
  echo "$3:4: Neither a valid executable name nor an absolute path: bin/true" >&2; exit 1 ;;
esac"""
_PLIST = '<?xml version="1.0"?>\n<plist version="1.0"><dict/></plist>\n'
_UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart={}\nType=oneshot\n"
CASES = {
    "sshd": Case(
        "/etc/ssh/sshd_config.d/10-x.conf",
        *("MaxSessions 20\n", "MaxSession 20\n", "Bad configuration option: MaxSession"),
        program="sshd",
    ),
    "sudoers": Case(
        "/etc/sudoers.d/x",
        *("demo ALL=(ALL) ALL\n", "demo ALL ALL (\n", "syntax error near line 1"),
        program="visudo",
        words=_VISUDO,
    ),
    "nft": Case(
        "/etc/nftables.conf",
        *("table inet a {}\n", "tabel inet a {}\n", "syntax error, unexpected inet"),
        program="nft",
        words=_NFT,
    ),
    "chrony": Case(
        "/etc/chrony/chrony.conf",
        *("server a.example\n", "servr a.example\n", "Invalid directive at line 1"),
        program="chronyd",
    ),
    "netplan": Case(
        "/etc/netplan/60-x.yaml",
        *("network:\n  version: 2\n", "netwrk:\n", "60-x.yaml: no network"),
        program="netplan-generate",
    ),
    "unit": Case(
        "/etc/systemd/system/x.service",
        *(_UNIT.format("/bin/true"), _UNIT.format("bin/true"), "executable name nor an absolute"),
        program="systemd-analyze",
        words=_ANALYZE,
    ),
    "plist": Case(
        "/Library/LaunchDaemons/x.plist",
        *(_PLIST, _PLIST.replace("<dict/>", "<dict/><sad/>"), "Encountered unknown tag sad"),
        program="plutil",
        words=_PLUTIL,
        os="macos-15",
    ),
    "apt": Case(
        "/etc/apt/apt.conf.d/52-x",
        *('A::B "1";\n', 'A::B "1"\n', "Extra junk at end of file"),
        program="apt-config",
        words=_APT,
    ),
    "perl": Case(
        "/etc/needrestart/conf.d/x.conf",
        *("$nrconf{restart} = 'l';\n", "$nrconf{restart} = ;\n", "syntax error at"),
        program="perl",
        words=_PERL,
    ),
    "shell": Case(
        "/etc/default/grub.d/x.cfg",
        *("A=1\n", "if then\n", "ntax error"),
        program="sh",
    ),
    "pf": Case(
        "/etc/pf.anchors/x",
        *("block in\n", "blok in\n", "syntax error"),
        program="pfctl",
        words=_PFCTL,
        os="macos-15",
    ),
    "newsyslog": Case(
        "/etc/newsyslog.d/x.conf",
        *("/var/log/x.log 644 5 1000 * J\n", "/var/log/x.log\n", "malformed line"),
        program="newsyslog",
        words=_NEWSYSLOG,
        os="macos-15",
    ),
}


def a_host(place: Site, validator: str, name: str) -> Simulated:
    """A host that has the good file, and the validator."""
    case = CASES[validator]
    host = place.host(name, declared(validator, case.good), os=case.os)
    host.path(case.path).parent.mkdir(parents=True, exist_ok=True)
    standin = host.root / ".standins" / case.program
    if case.words:
        standin.unlink(missing_ok=True)
        real = shutil.which(case.program)
        if real:
            standin.symlink_to(real)
        else:
            standin.write_text(f"#!/bin/sh\n{case.words}\n")
            standin.chmod(0o755)
    ran = host.run("provision", "--yes")
    assert ran.code == 0, ran.said
    return host


def declared(validator: str, content: str, **more: str) -> dict[str, Any]:
    file = {"content": content, "validator": validator, "mode": "0600", **more}
    return {"files": {CASES[validator].path: file}}


@pytest.mark.parametrize("validator", CASES)
def test_s8_what_a_validator_refuses_is_not_put_in_place(place: Site, validator: str) -> None:
    case, name = CASES[validator], f"refusal-{validator}"
    host = a_host(place, validator, name)
    place.host(name, declared(validator, case.bad), os=case.os)
    ran = host.run("provision", "--yes")
    assert ran.code == 5, ran.said
    assert f"{name}: file:{case.path} failed" in ran.stdout
    assert f"validator {validator} refuses the new {case.path}" in ran.stdout
    assert case.said in ran.stdout
    assert f"magnusctl plan -l {name}" in ran.stdout
    assert host.contents(case.path) == case.good
    assert not list(host.root.rglob(".magnus.*"))
    assert host.run("plan", "--detailed-exitcode").code == 10
    place.host(name, declared(validator, case.good), os=case.os)
    assert host.run("plan", "--detailed-exitcode").code == 0


def test_s8_there_is_a_case_for_every_validator() -> None:
    from typing import get_args

    from magnusctl.inventory.specs import FileSpec

    annotation = FileSpec.model_fields["validator"].annotation
    *named, _ = get_args(annotation)
    assert set(CASES) == {name for literal in named for name in get_args(literal)}
