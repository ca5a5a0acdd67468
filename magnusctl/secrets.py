"""Secrets of an inventory: asked for where they are kept, and only when they are needed.

Programs are run without a shell. A value comes through a pipe or from a file, and is in no
argument, no environment of ours and no message. What a program says to a person goes to the
terminal and is not read here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from magnusctl.errors import InputError
from magnusctl.inventory.model import Inventory
from magnusctl.inventory.providers import PROVIDERS, SecretSpec
from magnusctl.quote import Secret, sh
from magnusctl.resources.file import secrets_of as held_by
from magnusctl.state import Resource

MAX_SIZE = 1 << 20
WAIT_S = 60.0
_PR_SET_DUMPABLE = 4
_TAKEN: dict[str, bytes] = {}

_INSTALL = {
    "age": "apt-get install age, or brew install age",
    "sops": "brew install sops, or see https://getsops.io",
    "op": "see https://developer.1password.com/docs/cli",
    "pass": "apt-get install pass, or brew install pass",
}
_HINTS = {
    "age": "Is the identity one that it was encrypted for?",
    "sops": "Is its key in your keyring, and the value in the file?",
    "op": "Is 1Password unlocked (op signin), and does the item have this field?",
    "pass": "Is the entry there (pass ls), and its gpg key unlocked?",
}


def secrets_of(inventory: Inventory, folder: Path) -> Mapping[str, Secret]:
    """Every secret of an inventory, unrevealed; paths are relative to `folder`."""
    for spec in inventory.secrets.values():
        _take(spec.env or "")
    lock = threading.Lock()
    return {
        name: Secret(name, partial(_resolved, name, spec, folder), lock)
        for name, spec in inventory.secrets.items()
    }


def reveal(desired: Iterable[Resource]) -> None:
    """Ask for every secret that resources hold: once, one after the other. Raises InputError."""
    for secret in held_by(desired):
        secret.reveal()


def keep_from_disk() -> None:
    """What is in memory from now on is in no core file, and no other program of ours reads it."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _take(name: str) -> None:
    """Take a variable out of the environment: no program that we start inherits it."""
    if name in os.environ:
        _TAKEN[name] = os.environb.pop(name.encode())


def _resolved(name: str, spec: SecretSpec, folder: Path) -> str:
    keep_from_disk()
    written = spec.written
    provider = next(key for key in PROVIDERS if key in written)
    try:
        return _checked(_RESOLVERS[provider](written, folder))
    except InputError as error:
        error.message = f"secret {name}: {error.message}"
        raise


def _checked(value: bytes) -> str:
    """The value without one newline at its end. No message and no frame of a fault holds it."""
    fault = ""
    if len(value) > MAX_SIZE:
        fault = f"it is longer than {MAX_SIZE >> 20} MiB"
    elif b"\0" in value:
        fault = "it holds a NUL byte"
    elif value in (b"", b"\n"):
        fault = "it is empty"
    if fault:
        del value
        raise InputError(fault)
    return value.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def _env(written: Mapping[str, str], _: Path) -> bytes:
    name = written["env"]
    _take(name)
    if name not in _TAKEN:
        raise InputError(
            f"environment variable {name} is not set", hint=f"Set it with:  export {name}=…"
        )
    return _TAKEN[name]


def _file(written: Mapping[str, str], folder: Path) -> bytes:
    path = _path(folder, written["file"])
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if not mode & 0o077:
                return file.read(MAX_SIZE + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    hint = f"Its mode is {mode:04o}. Make it yours alone:  {sh('chmod', '600', path)}"
    raise InputError(f"others than its owner may read {path}", hint=hint)


def _age(written: Mapping[str, str], folder: Path) -> bytes:
    file, identity = (_readable(folder, written[key]) for key in ("age", "identity"))
    return _said("age", "--decrypt", "--identity", str(identity), str(file))


def _sops(written: Mapping[str, str], folder: Path) -> bytes:
    parts = (part if part.isdecimal() else f'"{part}"' for part in written["key"].split("."))
    where = "".join(f"[{part}]" for part in parts)
    file = _readable(folder, written["sops"])
    return _said("sops", "--decrypt", "--extract", where, str(file))


def _op(written: Mapping[str, str], _: Path) -> bytes:
    return _said("op", "read", written["op"], asks=True)


def _pass(written: Mapping[str, str], _: Path) -> bytes:
    return _said("pass", "show", written["pass"], asks=True)


_RESOLVERS: Mapping[str, Callable[[Mapping[str, str], Path], bytes]] = {
    "env": _env,
    "file": _file,
    "age": _age,
    "sops": _sops,
    "op": _op,
    "pass": _pass,
}


def _path(folder: Path, written: str) -> Path:
    try:
        return folder / Path(written).expanduser()
    except RuntimeError:
        raise InputError(f"there is no user of that name: {written}") from None


def _readable(folder: Path, written: str) -> Path:
    path = _path(folder, written)
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return path


def _said(program: str, *arguments: str, asks: bool = False) -> bytes:
    """What a program prints. One that `asks` a person has the terminal, where there is one."""
    found = shutil.which(program)
    if found is None:
        raise InputError(
            f"the program {program} is not here", hint=f"Install it: {_INSTALL[program]}"
        )
    stdin = None if asks and os.isatty(0) else subprocess.DEVNULL
    process = subprocess.Popen([found, *arguments], stdin=stdin, stdout=subprocess.PIPE)
    value = _waited_for(process)
    if value is None:
        hint = "Does it wait for somebody to unlock it?"
        raise InputError(f"{program} gave no answer within {WAIT_S:g} s", hint=hint)
    if process.returncode:
        del value
        message = f"{program} ended with exit code {process.returncode}"
        raise InputError(message, hint=f"What it said is above. {_HINTS[program]}")
    return value


def _waited_for(process: subprocess.Popen[bytes]) -> bytes | None:
    """All of its output, or None when it took too long: then it and all that it began is killed."""
    try:
        return process.communicate(timeout=WAIT_S)[0]
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()
