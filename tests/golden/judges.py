"""The real programs that judge a file before it counts, and a fault that each must see."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

NETPLAN = ("/usr/libexec/netplan/generate", "/usr/lib/netplan/generate")
Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Judge:
    """Who judges the files of a pattern: `needs` are programs, `spoil` makes a bad one of a good
    one."""

    name: str
    pattern: str
    needs: tuple[str, ...]
    says: Callable[[Path, Path], str]
    spoil: Callable[[str], str]


def ran(*words: str | Path, inside: Path | None = None) -> str:
    """What a validator objects to: its words on stderr, or its exit code; nothing is consent."""
    done: Run = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
        check=False,
        cwd=inside,
        env={**os.environ, "LC_ALL": "C"},
    )
    return done.stderr or ("" if done.returncode == 0 else f"exit {done.returncode}{done.stdout}")


def netplan(file: Path, scratch: Path) -> str:
    """Generate from it, below a root of its own."""
    folder = scratch / "etc/netplan"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / file.name
    shutil.copy(file, copy)
    copy.chmod(0o600)
    program = next(path for path in NETPLAN if Path(path).exists())
    return ran(program, "--root-dir", scratch)


def nft(file: Path, scratch: Path) -> str:
    """Load it twice in a network namespace of its own: it must be sound, and the same again."""
    del scratch
    alone = ("unshare", "--net", "sh", "-c", 'nft -f "$1" && nft -f "$1"', "sh")
    return ran("nft", "-c", "-f", file) or ran(*alone, file)


def sshd(file: Path, scratch: Path) -> str:
    """A server with nothing but this, and a key of its own."""
    Path("/run/sshd").mkdir(exist_ok=True)
    key = scratch / "key"
    if not key.exists():
        ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    whole = scratch / "sshd_config"
    whole.write_text(f"HostKey {key}\n{file.read_text()}")
    return ran(shutil.which("sshd") or "/usr/sbin/sshd", "-t", "-f", whole)


def unit(file: Path, scratch: Path) -> str:
    """Verify it among the others of its host; programs that are not here are put in as stubs."""
    root = scratch / "root"
    host = next(parent for parent in file.parents if parent.parent.parent.name == "golden")
    shutil.copytree(host, root, dirs_exist_ok=True)
    for line in (host / file.relative_to(host)).read_text().splitlines():
        if line.startswith("Exec") and "=" in line:
            stub = root / line.partition("=")[2].split()[0].lstrip("-+!@:/")
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.touch()
            stub.chmod(0o755)
    units = root / "etc/systemd/system"
    name = file.name.replace("@.", "@one.")
    text = file.read_text()
    for program in ("/opt/", "/usr/sbin/nft", "/usr/bin/nvidia"):
        text = text.replace(f"={program}", f"={root}{program}").replace(
            f"=+{program}", f"=+{root}{program}"
        )
    (units / name).write_text(text)
    said = ran("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", units / name)
    mine = [line for line in said.splitlines() if name in line or file.name in line]
    # Ubuntu 24.04 has systemd 255; one of Debian 12 does not know what came with 254.
    newer = ("RestartSteps", "RestartMaxDelaySec")
    return "\n".join(line for line in mine if not any(key in line for key in newer))


def drop_in(file: Path, scratch: Path) -> str:
    """Verify it as a part of a unit."""
    service = scratch / "part.service"
    text = file.read_text()
    start = "" if "ExecStart=" in text else "[Service]\nExecStart=/bin/true\n"
    text = text.replace("/usr/bin/nvidia-persistenced", "/bin/true")
    service.write_text(f"{start}{text}")
    return ran("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", service)


def plist(file: Path, scratch: Path) -> str:
    """Apple's format by two readers: Python's, and the C library that others use."""
    del scratch
    try:
        job = plistlib.loads(file.read_bytes())
    except Exception as error:
        return f"plistlib: {error}"
    missing = {"Label", "ProgramArguments"} - set(job)
    return f"it lacks {missing}" if missing else ran("plistutil", "-i", file, "-o", "/dev/null")


def perl(file: Path, scratch: Path) -> str:
    """Perl says so when all is well."""
    del scratch
    said = ran("perl", "-c", file)
    return "" if said.strip().endswith("syntax OK") else said


def apt(file: Path, scratch: Path) -> str:
    """apt reads anything; what it understood must be all that was written."""
    dump = scratch / "apt"
    said = ran("sh", "-c", 'apt-config -c "$1" dump >"$2"', "sh", file, dump)
    understood = dump.read_text()
    for line in file.read_text().splitlines():
        value = line.strip().rstrip(";").strip('"')
        if line.startswith("  ") and value and f'"{value}"' not in understood:
            return f"apt did not understand {line.strip()}"
    lines = [line.strip() for line in file.read_text().splitlines()]
    closed = sum(line.endswith("{") for line in lines) == lines.count("};")
    return said or ("" if closed else "a block without an end")


def grub(file: Path, scratch: Path) -> str:
    """Sourced as GRUB's own scripts do it, the variable grows and nothing else is said."""
    del scratch
    script = 'GRUB_CMDLINE_LINUX_DEFAULT=quiet; . "$1"; case $GRUB_CMDLINE_LINUX_DEFAULT in '
    script += "'quiet isolcpus='*) ;; *) exit 1 ;; esac"
    return ran("sh", "-n", file) or ran("sh", "-c", script, "sh", file)


def shell(file: Path, scratch: Path) -> str:
    """Programs in sh, by the same judge as our own."""
    del scratch
    return ran("sh", "-c", 'shellcheck -s sh -S warning "$1" >&2', "sh", file)


def python(file: Path, scratch: Path) -> str:
    """A program in Python compiles."""
    del scratch
    try:
        compile(file.read_text(), str(file), "exec")
    except SyntaxError as error:
        return str(error)
    return ""


def _typo(old: str, new: str) -> Callable[[str], str]:
    def spoil(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return spoil


UNIT = "*/etc/systemd/system/*.{}"
JUDGES = (
    Judge("netplan generate", "*/etc/netplan/*.yaml", (), netplan, _typo("mtu:", "mtv:")),
    Judge("nft", "*/etc/nftables.d/*.nft", ("nft", "unshare"), nft, _typo("dport", "dprt")),
    Judge("sshd -t", "*/sshd_config.d/*.conf", ("ssh-keygen",), sshd, _typo("MaxSess", "MxSess")),
    Judge(
        "systemd-analyze verify",
        UNIT.format("service"),
        ("systemd-analyze",),
        unit,
        _typo("Description=", "Descriptoin="),
    ),
    Judge(
        "systemd-analyze verify of a mount",
        UNIT.format("mount"),
        ("systemd-analyze",),
        unit,
        _typo("Where=", "Wher="),
    ),
    Judge(
        "systemd-analyze verify of a drop-in",
        "*.service.d/*.conf",
        ("systemd-analyze",),
        drop_in,
        lambda text: f"{text}\n[Service]\nExecStrt=/bin/true\n",
    ),
    Judge(
        "chronyd -p",
        "*/etc/chrony/conf.d/*",
        ("chronyd",),
        lambda f, s: ran("sh", "-c", 'chronyd -p -f "$1" >/dev/null', "sh", f),
        _typo("rtcsync", "rtcsnc"),
    ),
    Judge(
        "chronyd -p of sources",
        "*/etc/chrony/sources.d/*",
        ("chronyd",),
        lambda f, s: ran("sh", "-c", 'chronyd -p -f "$1" >/dev/null', "sh", f),
        _typo("iburst", "ibursd"),
    ),
    Judge("plistlib and plistutil", "*.plist", ("plistutil",), plist, _typo("<dict>", "<dct>")),
    Judge("perl -c", "*/needrestart/conf.d/*", ("perl",), perl, _typo("qr(", "qr((")),
    Judge("apt-config", "*/apt.conf.d/*", ("apt-config",), apt, _typo("};", "}")),
    Judge("sh and GRUB's variable", "*/grub.d/*", (), grub, _typo('"$', "'$")),
    Judge("shellcheck", "*/libexec/wait-*", ("shellcheck",), shell, _typo("done\n", "\n")),
    Judge(
        "shellcheck of rt-tune", "*/libexec/rt-tune", ("shellcheck",), shell, _typo("esac", "esc")
    ),
    Judge(
        "shellcheck of the watchdog",
        "*/libexec/mlx-watchdog*",
        ("shellcheck",),
        shell,
        _typo("fi\n", "\n"),
    ),
    Judge("compile", "*.py", (), python, _typo("import", "imprt")),
)
"""promtool, newsyslog and visudo have no file here yet: no role renders one that they read."""


def files_for(judge: Judge, folder: Path) -> list[Path]:
    """The golden files that a judge judges."""
    found = (path for path in sorted(folder.glob("*/*/**/*")) if path.is_file())
    return [path for path in found if fnmatch(str(path), judge.pattern)]
