"""The Debian roots that hosts of a lab start from: built once, kept by their recipes."""

import contextlib
import fcntl
import hashlib
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.lab.system import LabError, command, mounts_under, remove_tree

SUITE = "bookworm"
_MORE = {"trixie": ("sudo-rs",)}
_HERE = Path(__file__).parent
_INSTALLED = (
    *("systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "sudo", "iproute2"),
    *("iputils-ping", "iperf3", "netplan.io", "procps", "kmod", "nftables"),
    # Login shells; dash and bash are there in any case.
    *("zsh", "fish", "tcsh", "busybox"),
)
OFFERED = (
    *("chrony", "ethtool", "jq", "tree", "smartmontools", "sysstat", "bc", "less"),
    *("file", "pv", "lsof", "rsync", "curl", "figlet", "dos2unix", "time"),
    # What roles install.
    *("ca-certificates", "unattended-upgrades", "needrestart", "python3", "unzip", "zstd"),
    *("gcc", "libc6-dev", "libgomp1", "irqbalance", "rt-tests"),
    "nginx",
)
_UNREAD = ("man", "locale", "doc", "info", "lintian")
_BUILD_SECONDS = 900


def cache() -> Path:
    """Where built roots and programs are kept between labs."""
    return Path(os.environ.get("MAGNUS_LAB_CACHE", "/var/cache/magnusctl-lab"))


def digest(*parts: str) -> str:
    """A short name for what something is made from."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def path(suite: str = SUITE) -> Path:
    """Where the root of today's recipe is, or will be once built."""
    script = (_HERE / "customise.sh").read_text()
    recipe = (suite, platform.machine(), *_installed(suite), "-", *OFFERED, "-", *_UNREAD, script)
    return cache() / digest(*recipe)


def _installed(suite: str) -> tuple[str, ...]:
    return (*_INSTALLED, *_MORE.get(suite, ()))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One builder at a time; the kernel drops the lock of a builder that dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(suite: str = SUITE) -> Path:
    """The root, built first where it is not there yet."""
    root = path(suite)
    if root.is_dir():
        return root
    with locked(cache()):
        if not root.is_dir():
            _clear(cache())
            _build(root, suite)
    return root


def _clear(folder: Path) -> None:
    """Drop what a killed build left; under the lock, so no build of another process."""
    for left in folder.glob(".build-*"):
        remove_tree(left)


def _build(root: Path, suite: str) -> None:
    work = Path(tempfile.mkdtemp(prefix=".build-", dir=root.parent))
    log = root.parent / "build.log"
    try:
        with log.open("w") as output:
            done = subprocess.run(
                _mmdebstrap(work / "root", suite),
                input=sources(suite),
                env={**os.environ, "LAB_OFFERED": " ".join(OFFERED)},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_BUILD_SECONDS,
                check=False,
            )
        if done.returncode or mounts_under(work):
            raise LabError(f"mmdebstrap failed, see {log}:\n{log.read_text()[-2000:]}")
        _anonymous(work / "root")
        # mkdtemp made the folder private, and sshd refuses keys below a root others can write.
        (work / "root").chmod(0o755)
        (work / "root").rename(root)
    finally:
        remove_tree(work)


def _mmdebstrap(root: Path, suite: str) -> list[str]:
    # The namespaces end the build, and what it mounted, together with this process.
    alone = "setpriv --pdeathsig KILL unshare --mount --pid --mount-proc --kill-child --fork"
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNREAD]
    return [
        *alone.split(),
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
        *("--skip=cleanup/apt", f"--include={','.join(_installed(suite))}", *options),
        *(f"--customize-hook={_HERE / 'customise.sh'}", suite, str(root), "-"),
    ]


def sources(suite: str = SUITE) -> str:
    """The machine's own sources, for a suite, as mmdebstrap reads them; empty if it has none of
    Debian's: its mirrors have the other suites, too."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    printed = command("apt-get", "indextargets", "--format", form, "Created-By: Packages")
    parts = ("", "-updates", "-security")
    wanted = {f"{own}{part}": f"{suite}{part}" for own in (SUITE, *_MORE) for part in parts}
    found = (line.split() for line in printed.splitlines())
    lines = [
        f"{kind} {uri} {wanted[release]} {component}"
        for kind, uri, release, component in found
        if release in wanted
    ]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _anonymous(root: Path) -> None:
    """Take out what the root got from the machine that built it."""
    (root / "etc/resolv.conf").write_text("# This lab has no resolver.\n")
    (root / "etc/hostname").write_text("lab\n")


def delayline() -> Path:
    """The delay program, compiled into the cache."""
    source = _HERE / "delayline.c"
    program = cache() / f"delayline-{digest(platform.machine(), source.read_text())}"
    with locked(cache()):
        if not program.exists():
            fresh = program.with_suffix(".new")
            command("cc", "-O2", "-o", fresh, source)
            fresh.rename(program)
    return program
