"""A real llama-server for the lab: Debian's own build with the libraries that it was linked with.

No stable Debian has it, so it brings its own loader and C library, and runs on any.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.lab import rootfs
from tests.lab.system import command

SUITE = "forky"
NAME = "llama-server.tar.gz"
_PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "libgomp1", "libssl3t64", "libzstd1", "zlib1g"),
    *("libggml0", "libllama0", "llama.cpp-tools"),
)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_LOADER = "ld-linux-x86-64.so.2"
_WRAPPER = f"""\
#!/bin/sh
lib=$(dirname "$(readlink -f "$0")")/lib
exec "$lib/{_LOADER}" --library-path "$lib" --argv0 llama-server "$lib/llama-server.real" "$@"
"""


class Unavailable(Exception):
    """There is none for this machine, or none can be fetched."""


def archive() -> Path:
    """The archive as upstream has them, one folder with all in it; made once. Raises Unavailable,
    with the reason."""
    if platform.machine() != "x86_64":
        raise Unavailable(f"no llama-server is packed for {platform.machine()}")
    made = rootfs.cache() / f"llama-{rootfs.digest(SUITE, *_PACKAGES, _WRAPPER)}.tar.gz"
    with rootfs.locked(rootfs.cache()):
        if not made.exists():
            with tempfile.TemporaryDirectory() as folder:
                fresh = _packed(Path(folder))
                shutil.move(fresh, made.with_suffix(".new"))
            made.with_suffix(".new").rename(made)
    return made


def _mirror() -> str:
    for line in rootfs.sources().splitlines():
        uri = line.split()[1]
        if uri.rstrip("/").endswith("/debian"):
            return uri
    raise Unavailable("this machine has no apt source of Debian")


def _packed(folder: Path) -> Path:
    _fetched(folder)
    for deb in sorted(folder.glob("debs/*.deb")):
        command("dpkg", "-x", deb, folder / "root")
    lib = folder / "root/usr/lib/x86_64-linux-gnu"
    top = folder / "llama-debian"
    (top / "lib").mkdir(parents=True)
    # ggml looks for its backends beside the running program, and here that is the loader.
    for found in [*lib.glob("*.so*"), *lib.glob("ggml/backends*/*.so"), *lib.glob("llama/*.so*")]:
        if found.is_file():
            shutil.copyfile(found, top / "lib" / found.name)
    shutil.copyfile(folder / "root/usr/bin/llama-server", top / "lib/llama-server.real")
    (top / "llama-server").write_text(_WRAPPER)
    for path in (top / "llama-server", top / "lib" / _LOADER, top / "lib/llama-server.real"):
        path.chmod(0o755)
    command(top / "llama-server", "--version")
    fresh = folder / NAME
    with tarfile.open(fresh, "w:gz", compresslevel=1) as packed:
        packed.add(top, top.name)
    return fresh


def _fetched(folder: Path) -> None:
    """Fetch the packages with lists of their own: those of this machine are not touched."""
    for name in ("lists/partial", "cache/archives/partial", "debs"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    source = f"deb [signed-by={_KEYRING}] {_mirror()} {SUITE} main\n"
    (folder / "sources.list").write_text(source)
    (folder / "conf").write_text(
        f'Dir::State::Lists "{folder}/lists"; Dir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache"; Dir::Etc::SourceList "{folder}/sources.list";\n'
        'Dir::Etc::SourceParts "/dev/null"; Acquire::Languages "none"; APT::Sandbox::User "root";\n'
    )
    for words in (["update"], ["download", *_PACKAGES]):
        done = subprocess.run(
            ["timeout", "600", "apt-get", "-q", *words],
            cwd=folder / "debs",
            env={**os.environ, "APT_CONFIG": str(folder / "conf")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or "Err:" in done.stdout:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise Unavailable(f"Debian {SUITE} cannot be had: {' '.join(last)}")
